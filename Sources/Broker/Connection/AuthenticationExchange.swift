// SPDX-License-Identifier: Apache-2.0
// What is kept of an enhanced authentication, from the CONNECT that named the method to the connection's end: a
// re-authentication has to name the same method and goes to the same plugin. Only clients with a method have one.

import MQTT

struct AuthenticationExchange {
    let method: OwnedBytes
    /// Until then the client has to be admitted.
    let deadline: UInt64
    /// The link of the chain that serves the method, or is being asked whether it does.
    var link = 0
    /// AUTH was sent, and the client's is awaited.
    var awaitsClient = false
    /// The body of the CONNECT, which goes on when the client is admitted.
    private(set) var connect = OwnedBytes.empty
    /// For the CONNACK.
    private(set) var data = OwnedBytes.empty

    init(method: ByteView, deadline: UInt64) {
        self.method = OwnedBytes(copying: method)
        self.deadline = deadline
    }

    /// Whether the client is not admitted yet, and its CONNECT was taken out of the input.
    var hasConnect: Bool { !connect.isEmpty }

    mutating func keep(connect body: ByteView) { connect = OwnedBytes(copying: body) }

    mutating func keep(data bytes: [UInt8]) {
        data.deallocate()
        data = bytes.withUnsafeBytes { OwnedBytes(copying: ByteView($0)) }
    }

    /// The client is connected: what was kept for that is not needed any more.
    mutating func forgetConnect() {
        connect.deallocate()
        data.deallocate()
        connect = .empty
        data = .empty
    }

    func deallocate() {
        method.deallocate()
        connect.deallocate()
        data.deallocate()
    }
}
