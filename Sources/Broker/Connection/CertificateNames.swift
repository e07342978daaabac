// SPDX-License-Identifier: Apache-2.0
// What a client's verified certificate says in place of its CONNECT; forgotten when the CONNECT is there.

import MQTT

public final class CertificateNames: Sendable {
    let userName: [UInt8]?
    let clientIdentifier: [UInt8]?

    public init(userName: [UInt8]?, clientIdentifier: [UInt8]?) {
        self.userName = userName
        self.clientIdentifier = clientIdentifier
    }
}

extension Broker {
    /// The certificate's names take the place of those in CONNECT; whether one of them is the client identifier.
    func adoptCertificateNames(_ connection: ConnectionPointer) -> Bool {
        guard let names = connection.pointee.names else { return false }
        connection.pointee.names = nil
        if let name = names.userName {
            connection.pointee.userName.deallocate()
            connection.pointee.userName = name.withUnsafeBytes { OwnedBytes(copying: ByteView($0)) }
            connection.pointee.hasUserName = true
        }
        guard let identifier = names.clientIdentifier else { return false }
        connection.pointee.clientIdentifier = identifier.withUnsafeBytes { OwnedBytes(copying: ByteView($0)) }
        return true
    }
}
