// SPDX-License-Identifier: Apache-2.0
// `mqtt.peer_cert_as_username` and `mqtt.peer_cert_as_clientid`: what of a verified certificate names its client.

import Broker
import Config
import Reactor

/// A certificate does not have what it is to be named by. The client is refused: what its CONNECT says is its own word.
struct MissingName: Error {
    let sentence: String
}

struct CertificateNameRules: Equatable, Sendable {
    enum Part: String, Sendable {
        case cn
        case dn
        case crt
        case pem
        case md5
    }

    private var userName: Part?
    private var clientIdentifier: Part?

    init() {}

    init(_ config: Value) {
        userName = config.string(at: "mqtt.peer_cert_as_username").flatMap(Part.init(rawValue:))
        clientIdentifier = config.string(at: "mqtt.peer_cert_as_clientid").flatMap(Part.init(rawValue:))
    }

    /// nil if certificates name nobody.
    func read(_ certificate: PeerCertificate) throws(MissingName) -> CertificateNames? {
        try names { part in
            switch part {
            case .cn: certificate.commonName.map { Array($0.utf8) }
            case .dn: certificate.subject.map { Array($0.utf8) }
            case .crt: certificate.encoded
            // With the empty line that EMQX has at the end.
            case .pem: certificate.pem.map { $0 + "\n".utf8 }
            case .md5: certificate.md5.map { Array($0.utf8) }
            }
        }
    }

    /// The same for a certificate of which a proxy has told nothing else.
    func read(commonName: String) throws(MissingName) -> CertificateNames? {
        try names { $0 == .cn ? Array(commonName.utf8) : nil }
    }

    private func names(_ value: (Part) -> [UInt8]?) throws(MissingName) -> CertificateNames? {
        if userName == nil, clientIdentifier == nil { return nil }
        func named(_ part: Part?, _ key: String) throws(MissingName) -> [UInt8]? {
            guard let part else { return nil }
            if let value = value(part), !value.isEmpty { return value }
            throw MissingName(sentence: "its certificate has no \(part), by which mqtt.\(key) names clients")
        }
        return CertificateNames(
            userName: try named(userName, "peer_cert_as_username"),
            clientIdentifier: try named(clientIdentifier, "peer_cert_as_clientid")
        )
    }
}
