// SPDX-License-Identifier: Apache-2.0
// A client's socket: what the loop reads goes to the broker, what the broker writes goes to the socket.

import Broker
import Glibc
import MQTT
import Reactor

final class Client: Stream, Transport, @unchecked Sendable {
    /// A last DISCONNECT or CONNACK has this long to reach a peer that still sends, ms.
    private static let linger: UInt64 = 1000

    private unowned let home: BrokerLoop
    private var identifier = ConnectionIdentifier(0)
    private let left: () -> Void

    /// `left` is called once, when the connection has ended.
    init(fd: Int32, home: BrokerLoop, peer: SocketAddress, listener: String, left: @escaping () -> Void) {
        self.home = home
        self.left = left
        super.init(fd: fd, loop: home.loop, peer: peer)
        let isUnix = peer.family == .unix
        identifier = home.current.accept(
            self,
            ConnectionOrigin(
                listener: listener,
                transport: isUnix ? UInt8(4) : 0,
                address: peer.host,
                port: peer.port,
                isLoopback: isUnix || peer.isLoopback
            )
        )
    }

    // MARK: Stream

    override func received(_ bytes: UnsafeRawBufferPointer) { home.current.received(identifier, bytes) }

    override func writable() { home.current.writable(identifier) }

    override func ended(_ reason: EndReason) {
        home.current.transportEnded(identifier, reason.sentence)
        left()
    }

    // MARK: Transport

    func send(_ parts: UnsafePointer<ByteView>, _ count: Int) -> Int {
        if count == 1 { return write(parts.pointee.raw) }
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) { vectors in
            for i in 0..<count {
                vectors[i] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: parts[i].raw.baseAddress),
                    iov_len: parts[i].count
                )
            }
            return write(iovecs: UnsafeBufferPointer(vectors))
        }
    }

    func close() { close(lingerMilliseconds: Self.linger) }
}
