// SPDX-License-Identifier: Apache-2.0
// The client over TLS, against a server made of the reactor's own streams.

import Glibc
import MQTT
import PluginAPI
import Testing

@testable import Host
@testable import Reactor

/// Lets the first comer in and sends back what follows.
private final class EchoServer: Reactor.Stream, @unchecked Sendable {
    private var isAdmitted = false

    override func received(_ bytes: UnsafeRawBufferPointer) {
        if isAdmitted, bytes.first != 0xE0 { _ = write(bytes) }
        if !isAdmitted { connack().withUnsafeBytes { _ = write($0) } }
        isAdmitted = true
    }
}

/// An authority and two certificates of it, in a folder that goes with the process.
private enum Certificates {
    static let folder: String = {
        var template = Array("/tmp/isthmus-client-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary folder") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let script = """
            set -e; cd \(folder)
            ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
            openssl req -x509 $ec -subj "/CN=test" -keyout ca.key -out ca.pem
            for name in server client; do
              openssl req $ec -subj "/CN=$name" -keyout $name.key -out $name.csr
              echo "subjectAltName=DNS:broker.test,IP:127.0.0.1" > $name.ext
              openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.pem
            done
            """
        guard system("( \(script) ) >/dev/null 2>&1") == 0 else { preconditionFailure("openssl made no certificates") }
        atexit { system("rm -rf '\(Certificates.folder)'") }
        return folder
    }()

    static func path(_ name: String) -> String { folder + "/" + name }
}

@Suite struct TLSConnectionTests {
    private func serve(_ bench: Bench, clientCertificates: Bool = false) throws -> UInt16 {
        var settings = TLSSettings(role: .server)
        settings.certificateFile = Certificates.path("server.pem")
        settings.keyFile = Certificates.path("server.key")
        if clientCertificates {
            settings.caFile = Certificates.path("ca.pem")
            settings.verifyPeer = true
            settings.requirePeerCertificate = true
        }
        let context = try TLSContext(settings)
        return bench.on {
            let listener = try? Listener(
                loop: bench.loop,
                endpoint: .tcp(host: "127.0.0.1", port: 0),
                failed: { _ in },
                accepted: { fd, peer in
                    _ = EchoServer(fd: fd, loop: bench.loop, peer: peer, tls: try? context.makeSession())
                }
            )
            return listener?.port ?? 0
        }
    }

    private func open(
        _ plugin: Plugin,
        _ port: UInt16,
        sni: String = "",
        certificate: String? = nil,
        verify: Bool = true
    ) -> Int32 {
        Certificates.path("ca.pem").withStr { authority in
            sni.withStr { sni in
                (certificate.map { Certificates.path($0 + ".pem") } ?? "").withStr { file in
                    (certificate.map { Certificates.path($0 + ".key") } ?? "").withStr { key in
                        plugin.open(port) {
                            $0.tls = 1
                            $0.verify_peer = verify ? 1 : 0
                            $0.ca_file = authority
                            $0.cert_file = file
                            $0.key_file = key
                            $0.sni = sni
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: ["", "broker.test"])
    func messagesTravelEncrypted(_ sni: String) throws {
        let bench = try Bench()
        let port = try serve(bench)
        let plugin = Plugin(bench)
        #expect(open(plugin, port, sni: sni) == ISTH_OK)
        plugin.waitFor(.up(false))
        let payload = [UInt8](repeating: 5, count: 10_000)
        #expect(plugin.publish("a", payload) == ISTH_OK)
        #expect(plugin.publish("b") == ISTH_OK)
        plugin.waitFor(.message(ReceivedMessage(topic: "b")))
        #expect(plugin.count(.message(ReceivedMessage(topic: "a", payload: payload))) == 1)
        bench.finish()
    }

    @Test func aCertificateForAnotherNameIsRefused() throws {
        let bench = try Bench()
        let port = try serve(bench)
        let (strict, lax) = (Plugin(bench), Plugin(bench))
        #expect(open(strict, port, sni: "other.test") == ISTH_OK)
        let down = strict.waitForDown()
        #expect(down.reason == 0x88)
        #expect(down.text.hasPrefix("127.0.0.1:\(port): "))
        #expect(open(lax, port, sni: "other.test", verify: false) == ISTH_OK)
        lax.waitFor(.up(false))
        bench.finish()
    }

    @Test func clientCertificateIsShown() throws {
        let bench = try Bench()
        let port = try serve(bench, clientCertificates: true)
        let (known, unknown) = (Plugin(bench), Plugin(bench))
        #expect(open(known, port, certificate: "client") == ISTH_OK)
        known.waitFor(.up(false))
        #expect(open(unknown, port) == ISTH_OK)
        _ = unknown.waitForDown()
        #expect(!unknown.told.current.contains(.up(false)))
        bench.finish()
    }
}
