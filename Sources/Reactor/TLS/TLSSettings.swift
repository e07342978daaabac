// SPDX-License-Identifier: Apache-2.0
// What a TLS listener or an outbound TLS connection is configured with. Values only; `TLSContext` reads the files.

public enum TLSVersion: Comparable, Sendable {
    case v12
    case v13
}

public struct TLSSettings: Sendable {
    public struct NamedCertificate: Equatable, Sendable {
        /// "a.example", or "*.a.example" for names with one label more.
        public var hosts: [String]
        public var certificateFile: String
        public var keyFile: String
        public var keyPassword: String?

        public init(hosts: [String], certificateFile: String, keyFile: String, keyPassword: String? = nil) {
            self.hosts = hosts
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.keyPassword = keyPassword
        }
    }

    public enum Role: Sendable {
        case server
        case client
    }

    public var role: Role
    /// PEM file with the certificate and the chain up to, not including, the root. A server needs it.
    public var certificateFile: String?
    /// PEM file with the private key of the certificate.
    public var keyFile: String?
    public var keyPassword: String?
    /// Certificates of a server for clients that ask for other names; `certificateFile` is for the rest.
    public var namedCertificates: [NamedCertificate] = []
    /// PEM file with the authorities that are trusted. A client without it trusts the system's.
    public var caFile: String?
    /// Whether the peer's certificate is checked. A server asks for one only if this is set.
    public var verifyPeer: Bool
    /// A server refuses clients without a certificate.
    public var requirePeerCertificate = false
    /// PEM file with the authorities' revocation lists, in which the peer's certificate must not be; nil: no look-up.
    public var revocationFile: String?
    /// Certificates between the peer's and the authority's.
    public var verifyDepth: Int32 = 10
    public var minimumVersion = TLSVersion.v12
    public var maximumVersion = TLSVersion.v13
    /// OpenSSL's names, those of TLS 1.3 (`TLS_...`) among them; empty for a good default.
    public var ciphers: [String] = []
    /// A server's order of ciphers decides, not its clients'.
    public var prefersOwnCipherOrder = true
    /// A server gives tickets by which a client resumes its session: the peer's certificate is then not checked anew.
    public var givesTickets = true
    /// The time a handshake may take.
    public var handshakeMilliseconds: UInt64 = 15_000

    /// Clients check their peer unless told otherwise, servers do not.
    public init(role: Role) {
        self.role = role
        verifyPeer = role == .client
    }
}
