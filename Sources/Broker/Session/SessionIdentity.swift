// SPDX-License-Identifier: Apache-2.0
// Whom a session belongs to. A client identifier is a name that anybody can choose: what is kept under it goes only to who
// proves to be the one that it was made for, or has as little to show and comes in at the same door.

import MQTT

/// A keyed digest, so that an identity costs a session eight bytes and nobody can aim at another's.
struct SessionIdentity: Equatable, Sendable {
    private let digest: UInt64

    /// How an identity was established.
    enum Kind: UInt8 {
        /// A plugin authenticated this user name.
        case user
        /// The client showed a certificate that was verified: its common name.
        case certificate
        /// A plugin authenticated the client by other things than a user name, its client identifier as a rule.
        case client
        /// Nobody was asked: the name of the listener. What such a client calls itself says nothing of it.
        case listener
    }

    /// Nobody's, until a connection has come to the session.
    static let none = SessionIdentity(digest: 0)

    private static let secret = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))

    private init(digest: UInt64) { self.digest = digest }

    /// The mountpoint belongs to it: behind another one the session's filters are other filters.
    init(_ kind: Kind, _ name: ByteView, mountpoint: ByteView) {
        var hasher = Hasher()
        hasher.combine(Self.secret.0)
        hasher.combine(Self.secret.1)
        hasher.combine(kind.rawValue)
        for part in [name, mountpoint] {
            hasher.combine(part.count)
            hasher.combine(bytes: UnsafeRawBufferPointer(part.buffer))
        }
        digest = UInt64(bitPattern: Int64(hasher.finalize()))
    }
}

extension Broker {
    /// Of a client that has been admitted.
    func identity(of connection: ConnectionPointer) -> SessionIdentity {
        let mountpoint = connection.pointee.mountpoint?.pointee.prefix.view ?? .empty
        if connection.pointee.isAuthenticated, connection.pointee.hasUserName {
            return SessionIdentity(.user, connection.pointee.userName.view, mountpoint: mountpoint)
        }
        if connection.pointee.hasCertificate {
            return SessionIdentity(.certificate, connection.pointee.commonName.view, mountpoint: mountpoint)
        }
        if connection.pointee.isAuthenticated { return SessionIdentity(.client, .empty, mountpoint: mountpoint) }
        return SessionIdentity(.listener, listenerNames[connection.pointee.listener], mountpoint: mountpoint)
    }

    /// Made out only when somebody asks for the session: most are never asked for.
    func owner(of session: SessionPointer) -> SessionIdentity {
        session.pointee.connection.map { identity(of: $0) } ?? session.pointee.identity
    }

    /// The session of this client identifier is another's. It is left alone, whatever the CONNECT asks for.
    func refuseStranger(_ connection: ConnectionPointer) {
        counters.sessionsDenied &+= 1
        refuse(
            connection,
            .clientIdentifierNotValid,
            "the session of this client identifier belongs to another user (mqtt.client_id_override)"
        )
    }
}
