// SPDX-License-Identifier: Apache-2.0
// What listeners need of TLS beside the handshake itself: more than one certificate, revocation lists, tickets, a TLS
// that begins in the middle of a stream, and what a certificate says.

import COpenSSL
import Glibc
import Testing

@testable import Reactor

@Suite struct TLSListenerTests {
    private func mutual(_ name: String = "server") -> TLSSettings {
        var settings = serverSettings(name)
        settings.verifyPeer = true
        settings.requirePeerCertificate = true
        settings.caFile = TestCertificates.path("ca.pem")
        return settings
    }

    private func echo(_ stream: ProbeStream) {
        stream.onReceive = { stream, bytes in stream.push(Array(bytes)) }
    }

    private func withSecond(_ settings: TLSSettings) -> TLSSettings {
        var settings = settings
        settings.namedCertificates = [
            TLSSettings.NamedCertificate(
                hosts: ["*.a.test", "Second.test."],
                certificateFile: TestCertificates.path("second.pem"),
                keyFile: TestCertificates.path("second.key")
            )
        ]
        return settings
    }

    @Test(
        arguments: [
            ("second.test", "second.test"), ("SECOND.test", "second.test"), ("x.a.test", "second.test"),
            ("a.test", "broker.test"), ("y.x.a.test", "broker.test"), ("other.test", "broker.test"),
            (nil, "broker.test"),
        ] as [(String?, String)]
    )
    func nameChoosesTheCertificate(name: String?, expected: String) throws {
        let running = try RunningLoop()
        let context = try TLSContext(withSecond(serverSettings()))
        let server = try Server(running, tls: context, prepare: echo)
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let peer = TLSPeer(port: server.port, version: version, name: name)
            #expect(peer.handshake())
            #expect(peer.commonNameOfServer == expected)
            #expect(peer.send([1]))
            #expect(peer.read(1) == [1])
        }
        #expect(context.certificates.map(\.file) == ["server.pem", "second.pem"].map(TestCertificates.path))
        running.finish()
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func rulesForClientsHoldUnderEveryName(version: Int32) throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(withSecond(mutual())), prepare: echo)
        let good = TLSPeer(port: server.port, version: version, certificate: "client", name: "second.test")
        #expect(good.handshake())
        #expect(good.send([1]))
        #expect(good.read(1) == [1])
        for certificate in ["stranger", nil] {
            let peer = TLSPeer(port: server.port, version: version, certificate: certificate, name: "second.test")
            peer.handshake()
            #expect(peer.waitForEnd() != SSL_ERROR_NONE)
        }
        let ends = (1...2).map { server.stream($0).record.wait { !$0.ends.isEmpty }.ends.first?.sentence ?? "" }
        #expect(ends[0].contains("unable to get local issuer certificate"))
        #expect(ends[1].contains("sent no certificate"))
        running.finish()
    }

    @Test func namesOutliveAReload() throws {
        let running = try RunningLoop()
        let context = try TLSContext(withSecond(serverSettings()))
        let server = try Server(running, tls: context, prepare: echo)
        // Has its SSL object, of the old context, and does not shake hands before the reload.
        let peer = TLSPeer(port: server.port, name: "second.test")
        _ = server.stream()
        try context.reload(serverSettings())
        #expect(peer.handshake())
        #expect(peer.commonNameOfServer == "second.test")
        let later = TLSPeer(port: server.port, name: "second.test")
        #expect(later.handshake())
        #expect(later.commonNameOfServer == "broker.test")
        running.finish()
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func revokedCertificateIsRefused(version: Int32) throws {
        let running = try RunningLoop()
        var settings = mutual()
        settings.revocationFile = TestCertificates.path("ca.crl")
        let server = try Server(running, tls: TLSContext(settings), prepare: echo)
        let good = TLSPeer(port: server.port, version: version, certificate: "client")
        #expect(good.handshake())
        #expect(good.send([1]))
        #expect(good.read(1) == [1])
        TLSPeer(port: server.port, version: version, certificate: "lost").handshake()
        #expect(
            server.stream(1).record.wait { !$0.ends.isEmpty }.ends
                == [
                    .untrusted(
                        "the peer's certificate is not accepted: certificate revoked; "
                            + "check the trusted authorities and the name"
                    )
                ]
        )
        running.finish()
    }

    @Test func brokenRevocationListIsNamed() {
        var settings = mutual()
        settings.revocationFile = TestCertificates.path("rubbish.pem")
        #expect {
            _ = try TLSContext(settings)
        } throws: {
            "\($0)".contains("rubbish.pem holds no usable revocation list")
        }
        settings.revocationFile = "/nowhere/list.crl"
        #expect {
            _ = try TLSContext(settings)
        } throws: {
            "\($0)".contains("cannot read the revocation list file /nowhere/list.crl")
        }
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func withoutTicketsNothingIsResumed(version: Int32) throws {
        let running = try RunningLoop()
        var settings = serverSettings()
        settings.givesTickets = false
        let server = try Server(running, tls: TLSContext(settings), prepare: echo)
        let first = TLSPeer(port: server.port, version: version)
        #expect(first.handshake())
        #expect(first.send([1]))
        #expect(first.read(1) == [1])
        let session = SSL_get1_session(first.ssl)
        defer { SSL_SESSION_free(session) }
        let second = TLSPeer(port: server.port, version: version, session: session)
        #expect(second.handshake())
        #expect(SSL_session_reused(second.ssl) == 0)
        running.finish()
    }

    @Test func newRulesForClientsAreForResumedSessionsToo() throws {
        let running = try RunningLoop()
        let context = try TLSContext(mutual())
        let server = try Server(running, tls: context, prepare: echo)
        let first = TLSPeer(port: server.port, version: TLS1_2_VERSION, certificate: "lost")
        #expect(first.handshake())
        let session = SSL_get1_session(first.ssl)
        defer { SSL_SESSION_free(session) }
        var settings = mutual()
        settings.revocationFile = TestCertificates.path("ca.crl")
        try context.reload(settings)
        let again = TLSPeer(port: server.port, version: TLS1_2_VERSION, certificate: "lost", session: session)
        #expect(!again.handshake())
        running.finish()
    }

    /// A header in plain text, TLS behind it: with `together` in one segment, so that both are read at once.
    @Test(arguments: [false, true])
    func tlsMayBeginBehindAHeader(together: Bool) throws {
        let running = try RunningLoop()
        let context = try TLSContext(serverSettings())
        let header = Array("HEADER\r\n".utf8)
        let server = try Server(running) { stream in
            stream.onReceive = { stream, bytes in
                guard stream.tls == nil else { return stream.push(Array(bytes)) }
                #expect(Array(bytes.prefix(header.count)) == header)
                guard let session = try? context.makeSession() else { return }
                stream.startTLS(session, received: UnsafeRawBufferPointer(rebasing: bytes[header.count...]))
            }
        }
        let peer = TLSPeer(port: server.port)
        // A corked socket sends what is written in one go, after 200 ms at the latest.
        if together { setOption(peer.socket.fd, Int32(IPPROTO_TCP), TCP_CORK, 1) }
        peer.socket.send(header)
        if !together { server.stream().record.wait { $0.count == header.count } }
        #expect(peer.handshake())
        setOption(peer.socket.fd, Int32(IPPROTO_TCP), TCP_CORK, 0)
        #expect(peer.send([7, 8, 9]))
        #expect(peer.read(3) == [7, 8, 9])
        #expect(server.stream().record.current.handshakes == 1)
        running.finish()
    }

    @Test func certificateIsShownInEveryForm() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(mutual()), prepare: echo)
        let peer = TLSPeer(port: server.port, certificate: "client")
        #expect(peer.handshake())
        #expect(peer.send([1]))
        #expect(peer.read(1) == [1])
        let stream = server.stream()
        let (pem, der, md5) = running.on { _ in
            let certificate = stream.tls?.peerCertificate
            return (certificate?.pem, certificate?.encoded, certificate?.md5)
        }
        let folder = TestCertificates.folder
        #expect(pem.map { String(decoding: $0, as: UTF8.self) } == contents("\(folder)/client.pem"))
        system("openssl x509 -in \(folder)/client.pem -outform DER -out \(folder)/client.der")
        system("openssl md5 -r < \(folder)/client.der | cut -c1-32 | tr -d '\\n' > \(folder)/client.md5")
        #expect(der.map { $0.count } == fileSize("\(folder)/client.der"))
        #expect(md5 == contents("\(folder)/client.md5"))
        running.finish()
    }

    private func contents(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private func fileSize(_ path: String) -> Int {
        var info = stat()
        return stat(path, &info) == 0 ? Int(info.st_size) : -1
    }
}
