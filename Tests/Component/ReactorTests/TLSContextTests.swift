// SPDX-License-Identifier: Apache-2.0
// Certificates: mutual TLS, the check of the server's name, sentences for bad files, reload with live connections.

import COpenSSL
import Glibc
import Testing

@testable import Reactor

@Suite struct TLSContextTests {
    private func failure(_ settings: TLSSettings) -> String {
        do throws(ReactorError) {
            _ = try TLSContext(settings)
            return ""
        } catch { return error.sentence }
    }

    private func mutual() -> TLSSettings {
        var settings = serverSettings()
        settings.verifyPeer = true
        settings.requirePeerCertificate = true
        settings.caFile = TestCertificates.path("ca.pem")
        return settings
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func goodClientCertificateIsNamed(version: Int32) throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(mutual()))
        let peer = TLSPeer(port: server.port, version: version, certificate: "client")
        #expect(peer.handshake())
        let stream = server.stream()
        stream.record.wait { $0.handshakes == 1 }
        #expect(running.on { _ in stream.tls?.peerCommonName } == "device 7")
        #expect(running.on { _ in stream.tls?.peerSubject } == "CN=device 7,O=Example")
        running.finish()
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func strangersCertificateIsRefusedWithAnAlert(version: Int32) throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(mutual()))
        let peer = TLSPeer(port: server.port, version: version, certificate: "stranger")
        let done = peer.handshake()
        #expect(version == TLS1_3_VERSION || !done)
        guard case .untrusted(let text)? = server.stream().record.wait(until: { !$0.ends.isEmpty }).ends.first else {
            Issue.record("accepted a certificate of an unknown authority")
            return
        }
        #expect(text.hasPrefix("the peer's certificate is not accepted: unable to get local issuer certificate"))
        if version == TLS1_3_VERSION { #expect(peer.waitForEnd() == SSL_ERROR_SSL, "an alert, no bare end") }
        running.finish()
    }

    @Test func missingClientCertificateIsRefused() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(mutual()))
        let peer = TLSPeer(port: server.port)
        peer.handshake()
        #expect(
            server.stream().record.wait { !$0.ends.isEmpty }.ends
                == [.untrusted("the client sent no certificate, and this listener requires one")]
        )
        running.finish()
    }

    @Test func optionalClientCertificateMayBeMissing() throws {
        let running = try RunningLoop()
        var settings = mutual()
        settings.requirePeerCertificate = false
        let server = try Server(running, tls: TLSContext(settings))
        let peer = TLSPeer(port: server.port)
        #expect(peer.handshake())
        let stream = server.stream()
        stream.record.wait { $0.handshakes == 1 }
        #expect(running.on { _ in stream.tls?.peerCommonName } == nil)
        #expect(running.on { _ in stream.tls?.peerSubject } == nil)
        running.finish()
    }

    /// Our client to a server with the certificate of broker.test and 127.0.0.1.
    private func clientOutcome(_ settings: TLSSettings, name: String?) throws -> Record {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(serverSettings()))
        let session = try TLSContext(settings).makeSession(serverName: name)
        let port = server.port
        let stream = running.on { loop in
            let fd = blockingSocket()
            _ = SocketAddress(numeric: "127.0.0.1", port: port)?.withSockaddr { connect(fd, $0, $1) }
            _ = fcntl(fd, F_SETFL, O_NONBLOCK)
            return ProbeStream(fd: fd, loop: loop, tls: session)
        }
        let record = stream.record.wait { $0.handshakes > 0 || !$0.ends.isEmpty }
        running.finish()
        return record
    }

    @Test(arguments: ["broker.test", "127.0.0.1"])
    func rightNameIsAccepted(name: String) throws {
        #expect(try clientOutcome(clientSettings(), name: name).handshakes == 1)
    }

    @Test func wrongNameOrAuthorityIsASentence() throws {
        let wrongName = try clientOutcome(clientSettings(), name: "other.test")
        #expect(
            wrongName.ends == [
                .untrusted(
                    "the certificate of other.test is not accepted: hostname mismatch; "
                        + "check the trusted authorities and the name"
                )
            ]
        )
        let wrongAddress = try clientOutcome(clientSettings(), name: "10.0.0.1")
        #expect(wrongAddress.ends.first?.sentence.contains("IP address mismatch") == true)
        var stranger = clientSettings()
        stranger.caFile = TestCertificates.path("other.pem")
        let wrongAuthority = try clientOutcome(stranger, name: "broker.test")
        #expect(wrongAuthority.ends.first?.sentence.contains("unable to get local issuer certificate") == true)
        stranger.verifyPeer = false
        #expect(try clientOutcome(stranger, name: "other.test").handshakes == 1, "not asked to check")
    }

    @Test func badFilesAreNamed() {
        var settings = TLSSettings(role: .server)
        #expect(failure(settings) == "a TLS listener needs a certificate; set certfile")
        settings.certificateFile = "/nowhere/cert.pem"
        #expect(failure(settings) == "the certificate /nowhere/cert.pem needs its private key; set keyfile")
        settings.keyFile = "/nowhere/key.pem"
        #expect(
            failure(settings)
                == "cannot read the certificate file /nowhere/cert.pem: no such file or directory; check the path"
        )
        let rubbish = TestCertificates.path("rubbish.pem")
        settings.certificateFile = rubbish
        #expect(failure(settings).hasPrefix("the file \(rubbish) holds no usable certificate chain: no start line"))
        settings = serverSettings()
        let (certificate, foreign) = (TestCertificates.path("server.pem"), TestCertificates.path("client.key"))
        settings.keyFile = foreign
        #expect(
            failure(settings)
                == "the private key \(foreign) does not belong to the certificate \(certificate); give its pair"
        )
        settings = mutual()
        settings.caFile = nil
        #expect(failure(settings).hasSuffix("set cacertfile"))
        settings.caFile = rubbish
        #expect(failure(settings).hasPrefix("the file \(rubbish) holds no usable list of authorities"))
        settings = serverSettings()
        settings.ciphers = ["NO-SUCH-CIPHER"]
        #expect(failure(settings) == "unknown cipher among NO-SUCH-CIPHER; see 'openssl ciphers -v'")
        settings.ciphers = []
        (settings.minimumVersion, settings.maximumVersion) = (.v13, .v12)
        #expect(failure(settings) == "the TLS versions exclude each other; set the lower one first")
    }

    /// Each mistake with these two files has advice of its own, and none is taken for a password that is missing.
    @Test(arguments: [
        ("server.pem", "rsa.key", "the private key KEY does not belong to the certificate CERT; give its pair"),
        ("rsa.pem", "server.key", "the private key KEY does not belong to the certificate CERT; give its pair"),
        ("rsa.pem", "client.key", "the private key KEY does not belong to the certificate CERT; give its pair"),
        (
            "server.pem", "server.pem",
            "the file KEY holds no private key but a CERTIFICATE; set keyfile to the one with BEGIN PRIVATE KEY"
        ),
        (
            "server.key", "server.pem",
            "the file CERT holds no certificate but a PRIVATE KEY; set certfile to the one with BEGIN CERTIFICATE"
        ),
        (
            "server.pem", "rubbish.pem",
            "the file KEY holds no private key but nothing in PEM form; set keyfile to the one with BEGIN PRIVATE KEY"
        ),
        ("rsa.pem", "rsa.key", ""),
    ])
    func adviceFitsTheMistake(certificate: String, key: String, sentence: String) {
        var settings = serverSettings()
        settings.certificateFile = TestCertificates.path(certificate)
        settings.keyFile = TestCertificates.path(key)
        let expected = sentence.replacing("KEY does", with: TestCertificates.path(key) + " does")
            .replacing("CERT;", with: TestCertificates.path(certificate) + ";")
            .replacing("file KEY", with: "file " + TestCertificates.path(key))
            .replacing("file CERT", with: "file " + TestCertificates.path(certificate))
        #expect(failure(settings) == expected)
    }

    @Test func aWeakCertificateIsCalledSo() {
        var settings = serverSettings()
        settings.certificateFile = TestCertificates.path("weak.pem")
        settings.keyFile = TestCertificates.path("weak.key")
        #expect(failure(settings).contains("is too weak for this system"))
    }

    @Test func keyPasswordIsUsedAndNeverAskedFor() {
        var settings = serverSettings()
        settings.keyFile = TestCertificates.path("locked.key")
        #expect(failure(settings).contains("is encrypted and cannot be opened"))
        #expect(failure(settings).hasSuffix("; set password"))
        settings.keyPassword = "wrong"
        #expect(failure(settings).contains("check the password"))
        settings.keyPassword = "secret"
        #expect(failure(settings) == "")
    }

    @Test func namedCiphersAndVersionsRule() throws {
        let running = try RunningLoop()
        var settings = serverSettings()
        settings.ciphers = ["ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
        let both = try Server(running, tls: TLSContext(settings))
        for (version, cipher) in [
            (TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"), (TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"),
        ] {
            let peer = TLSPeer(port: both.port, version: version)
            #expect(peer.handshake())
            #expect(String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(peer.ssl))) == cipher)
        }
        settings.minimumVersion = .v13
        let only13 = try Server(running, tls: TLSContext(settings))
        #expect(!TLSPeer(port: only13.port, version: TLS1_2_VERSION).handshake())
        #expect(
            only13.stream().record.wait { !$0.ends.isEmpty }.ends
                == [.tls("the TLS handshake failed: unsupported protocol")]
        )
        running.finish()
    }

    @Test func reloadServesNewConnectionsAndKeepsTheOld() throws {
        let running = try RunningLoop()
        let context = try TLSContext(serverSettings())
        let server = try Server(running, tls: context) { stream in
            stream.onReceive = { stream, bytes in stream.push(Array(bytes)) }
        }
        let old = TLSPeer(port: server.port)
        #expect(old.handshake())
        #expect(old.commonNameOfServer == "broker.test")
        #expect(old.send([1]))
        #expect(old.read(1) == [1])
        let session = SSL_get1_session(old.ssl)
        defer { SSL_SESSION_free(session) }
        #expect(throws: ReactorError.self) {
            var bad = serverSettings()
            bad.keyFile = TestCertificates.path("client.key")
            try context.reload(bad)
        }
        #expect(TLSPeer(port: server.port).handshake(), "a failed reload changes nothing")
        try context.reload(serverSettings("second"))
        #expect(old.send([2, 3]))
        #expect(old.read(2) == [2, 3])
        let new = TLSPeer(port: server.port)
        #expect(new.handshake())
        #expect(new.commonNameOfServer == "second.test")
        // Tickets given out before the reload are still good.
        let resumed = TLSPeer(port: server.port, session: session)
        #expect(resumed.handshake())
        #expect(SSL_session_reused(resumed.ssl) == 1)
        #expect(resumed.send([4]))
        #expect(resumed.read(1) == [4])
        running.finish()
    }

    @Test func mutualSessionMayBeResumed() throws {
        let running = try RunningLoop()
        let server = try Server(running, tls: TLSContext(mutual())) { stream in
            stream.onReceive = { stream, bytes in stream.push(Array(bytes)) }
        }
        let first = TLSPeer(port: server.port, certificate: "client")
        #expect(first.handshake())
        #expect(first.send([1]))
        #expect(first.read(1) == [1])
        let session = SSL_get1_session(first.ssl)
        defer { SSL_SESSION_free(session) }
        let second = TLSPeer(port: server.port, certificate: "client", session: session)
        #expect(second.handshake())
        #expect(second.send([2]))
        #expect(second.read(1) == [2])
        let stream = server.stream(1)
        #expect(running.on { _ in stream.tls?.isResumed } == true)
        #expect(running.on { _ in stream.tls?.peerCommonName } == "device 7", "the name comes with the ticket")
        running.finish()
    }
}
