// SPDX-License-Identifier: Apache-2.0
// A TLS listener's options: what OpenSSL is told, and which of its errors is which key's.

import Config
import Reactor

struct TLSOptions: Sendable {
    let settings: TLSSettings
    /// Where the block stands, for what is found wrong with the files.
    private let place: String

    init(_ place: OptionsPlace) throws(StartError) {
        let value = place.value
        var settings = TLSSettings(role: .server)
        for key in ["certfile", "keyfile"] where value.string(at: key) == nil {
            throw place.error(
                key,
                "is missing: a TLS listener needs its certificate (certfile) and private key (keyfile)"
            )
        }
        settings.certificateFile = value.string(at: "certfile")
        settings.keyFile = value.string(at: "keyfile")
        settings.keyPassword = value.string(at: "password")
        settings.caFile = value.string(at: "cacertfile")
        settings.verifyPeer = value.string(at: "verify") == "verify_peer"
        settings.requirePeerCertificate = value.bool(at: "fail_if_no_peer_cert") == true
        settings.verifyDepth = Int32(clamping: value.int(at: "depth") ?? 10)
        settings.prefersOwnCipherOrder = value.bool(at: "honor_cipher_order") != false
        settings.handshakeMilliseconds = UInt64(clamping: value.int(at: "handshake_timeout") ?? 15_000)
        settings.ciphers = place.list("ciphers")
        let versions = place.list("versions")
        guard !versions.isEmpty else { throw place.error("versions", "is empty; write [\"tlsv1.3\", \"tlsv1.2\"]") }
        settings.minimumVersion = versions.contains("tlsv1.2") ? .v12 : .v13
        settings.maximumVersion = versions.contains("tlsv1.3") ? .v13 : .v12
        if settings.requirePeerCertificate, !settings.verifyPeer {
            throw place.error("fail_if_no_peer_cert", "needs verify = verify_peer: without it nobody is asked for one")
        }
        if settings.verifyPeer, settings.caFile == nil {
            throw place.error("cacertfile", "is missing: verify_peer needs the authorities that clients are trusted by")
        }
        for named in value.array(at: "sni_certs") ?? [] {
            guard let certificate = named.string(at: "certfile"), let key = named.string(at: "keyfile") else {
                continue
            }
            settings.namedCertificates.append(
                TLSSettings.NamedCertificate(
                    hosts: (named.array(at: "hosts") ?? []).compactMap { $0.string() },
                    certificateFile: certificate,
                    keyFile: key,
                    keyPassword: named.string(at: "password")
                )
            )
        }
        let looksUp = value.bool(at: "enable_crl_check") == true
        if looksUp, !settings.verifyPeer {
            throw place.error("enable_crl_check", "needs verify = verify_peer: without it nobody shows a certificate")
        }
        if looksUp, value.string(at: "crlfile") == nil {
            throw place.error("crlfile", "is missing: enable_crl_check looks certificates up in the lists in that file")
        }
        settings.revocationFile = looksUp ? value.string(at: "crlfile") : nil
        switch value.string(at: "session_tickets") {
        case "disabled": settings.givesTickets = false
        case "stateless": settings.givesTickets = !settings.verifyPeer
        // A ticket would let a certificate in that was revoked meanwhile.
        default: settings.givesTickets = !looksUp
        }
        self.settings = settings
        self.place = "\(place.origin): \(place.path)"
    }

    /// `place: listeners.ssl.default.ssl_options: sentence`
    func error(_ error: ReactorError) -> StartError { StartError("\(place): \(error)") }

    /// Reads the files.
    func context() throws(StartError) -> TLSContext {
        do throws(ReactorError) {
            return try TLSContext(settings)
        } catch {
            throw self.error(error)
        }
    }
}
