// SPDX-License-Identifier: Apache-2.0
// A client's socket: what the loop reads goes to the broker, what the broker writes goes to the socket. On the way to
// the broker it may pass TLS (the stream's own affair) and layers; `Client+Stages.swift` has the order.

import Broker
import Glibc
import MQTT
import Reactor

/// An idle connection is one of these: every field counts.
final class Client: Stream, Transport, @unchecked Sendable {
    /// A last DISCONNECT or CONNACK has this long to reach a peer that still sends, ms.
    static let linger: UInt64 = 1000

    let port: ListenerPort
    /// What stands between the stream and the broker at present.
    var layer: ClientLayer?
    /// What was learnt of the client on the way to the broker; nil once it is there.
    var facts: ClientFacts?
    /// 0 until the broker has it.
    private var identifier = ConnectionIdentifier(0)

    init(fd: Int32, peer: SocketAddress, port: ListenerPort) {
        self.port = port
        super.init(fd: fd, loop: port.home.loop, peer: peer)
    }

    var hasJoined: Bool { identifier.rawValue != 0 }

    /// Hands the connection to the broker, and the bytes of MQTT that have come already.
    func join(_ origin: ConnectionOrigin, _ bytes: UnsafeRawBufferPointer) {
        facts = nil
        identifier = port.home.current.accept(self, origin)
        if !bytes.isEmpty { deliver(bytes) }
    }

    /// Bytes of MQTT for the broker.
    func deliver(_ bytes: UnsafeRawBufferPointer) {
        adaptReading(to: port.home.current.received(identifier, bytes), from: bytes.count)
    }

    /// The broker may send again.
    func roomAgain() { if hasJoined { port.home.current.writable(identifier) } }

    // MARK: Stream

    override var sendTimeoutMilliseconds: UInt64 { port.plan.tcp.sendTimeout }

    override func received(_ bytes: UnsafeRawBufferPointer) {
        if let layer { layer.received(bytes, self) } else { deliver(bytes) }
    }

    override func writable() {
        if let layer { layer.writable(self) } else { roomAgain() }
    }

    override func handshakeCompleted() { beginProtocol(UnsafeRawBufferPointer(start: nil, count: 0)) }

    override func ended(_ reason: EndReason) {
        layer?.ended(self)
        layer = nil
        if hasJoined {
            port.home.current.transportEnded(identifier, reason.sentence)
        } else {
            tellFailure(reason)
        }
        port.left()
    }

    // MARK: Transport

    func send(_ parts: UnsafePointer<ByteView>, _ count: Int) -> Int {
        if let layer { return layer.send(parts, count, self) }
        return sendPlain(parts, count)
    }

    func close() {
        layer?.closing(self)
        close(lingerMilliseconds: Self.linger)
    }

    /// The parts as they are, to the stream.
    func sendPlain(_ parts: UnsafePointer<ByteView>, _ count: Int) -> Int {
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
}
