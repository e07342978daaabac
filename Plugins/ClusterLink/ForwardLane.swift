// SPDX-License-Identifier: Apache-2.0
// One of the connections that carry messages to a peer, with its queue. Messages leave in the order they came. One of
// QoS 1 or 2 is kept until the peer confirms it and is sent again, in order, after a loss; one of QoS 0 is done when
// the connection took it. Belongs to the forwarder's loop.

import PluginAPI
import PluginKit

/// A message that waits or is under way, with the reference that keeps it alive.
struct QueuedMessage {
    let message: UnsafePointer<isth_msg>
    let id: MessageIdentifier
    let expires: UInt64
    let size: Int
    var isDone = false
}

final class ForwardLane {
    /// What a queued message takes beside its bytes, so that a queue of tiny messages is bounded too.
    static let overhead = 256

    private unowned let forwarder: Forwarder
    private var connection: PeerConnection?
    private var waiting = Deque<QueuedMessage>()
    /// In the order of their cookies, without gaps: the first one's is `firstCookie`.
    private var inFlight = Deque<QueuedMessage>()
    private var firstCookie: UInt64 = 1
    private let inflightLimit: Int
    /// Of the connection's server.
    private var highestQoS: UInt8 = 1
    private var largestPacket = Int.max
    /// Fixed header, topic name, identifier and no properties; a link's topic is short.
    private static let packetOverhead = 300
    /// The connection said it is full, and will say when it is not.
    private var isBlocked = false

    init(_ forwarder: Forwarder, inflightLimit: Int) {
        self.forwarder = forwarder
        self.inflightLimit = inflightLimit
    }

    var queuedCount: Int { waiting.count + inFlight.count }
    var waitingCount: Int { waiting.count }
    var isUp: Bool { connection?.isUp ?? false }

    func start(_ host: PluginHost, _ options: PeerOptions, clientID: String) {
        let connection = PeerConnection(host, options, clientID: clientID, user: self)
        self.connection = connection
        connection.start()
    }

    /// Ends the connection and drops what is queued; says how much that was.
    func stop() -> Int {
        connection?.stop()
        connection = nil
        let lost = queuedCount
        while let message = inFlight.popFirst() { forwarder.release(message) }
        while let message = waiting.popFirst() { forwarder.release(message) }
        return lost
    }

    // MARK: Sending

    /// Sends at once if nothing waits before it; otherwise the message is kept and queued.
    @inline(__always)
    func offer(_ message: UnsafePointer<isth_msg>, _ id: MessageIdentifier) {
        if waiting.isEmpty, hasRoom {
            switch transmit(message, id) {
            case .taken:
                if carrierQoS(message) > 0 { inFlight.append(forwarder.keep(message, id)) }
                return
            case .refused: return
            case .full: break
            }
        }
        forwarder.makeRoom(for: message, in: self)
        waiting.append(forwarder.keep(message, id))
    }

    /// At what QoS a message travels: confirmed if it is to be, and if the peer takes such messages.
    @inline(__always)
    private func carrierQoS(_ message: UnsafePointer<isth_msg>) -> UInt8 { min(message.pointee.qos, highestQoS) }

    private enum Outcome {
        case taken
        case full
        case refused
    }

    @inline(__always)
    private var hasRoom: Bool { !isBlocked && inFlight.count < inflightLimit && connection?.isUp == true }

    @inline(__always)
    private func transmit(_ message: UnsafePointer<isth_msg>, _ id: MessageIdentifier) -> Outcome {
        guard let connection else { return .full }
        let cookie = firstCookie &+ UInt64(inFlight.count)
        let qos = carrierQoS(message)
        let result = forwarder.withCarrier(of: message, id, qos: qos) { carrier in
            // With its topic, which is shorter than the limits of a name.
            carrier.pointee.payload.len + Self.packetOverhead > largestPacket
                ? Int32(ISTH_E_ARG) : connection.publish(carrier, cookie: cookie)
        }
        switch Int(result) {
        case ISTH_OK:
            forwarder.counters.sent &+= 1
            forwarder.counters.bytesSent &+= UInt64(message.pointee.payload.len)
            return .taken
        case ISTH_E_LIMIT, ISTH_E_STATE, ISTH_E_GONE:
            isBlocked = true
            return .full
        default:
            // It would never pass.
            forwarder.counters.failed &+= 1
            forwarder.tooLarge(message, connection.limits)
            return .refused
        }
    }

    /// A message is taken out before it is sent: the connection may report its end from within the call.
    private func pump() {
        dropExpired(forwarder.now)
        while hasRoom, let next = waiting.popFirst() {
            switch transmit(next.message, next.id) {
            case .full:
                waiting.prepend(next)
                return
            case .taken where carrierQoS(next.message) > 0: inFlight.append(next)
            case .taken, .refused: forwarder.release(next)
            }
        }
    }

    // MARK: Dropping

    func dropOldest(_ reason: WritableKeyPath<ForwardCounters, UInt64>) {
        guard let dropped = waiting.popFirst() else { return }
        forwarder.counters[keyPath: reason] &+= 1
        forwarder.release(dropped)
    }

    func dropExpired(_ now: UInt64) {
        while let first = waiting.first, first.expires <= now { dropOldest(\.expired) }
    }
}

extension ForwardLane: PeerConnectionUser {
    func connectionUp(_ connection: PeerConnection) {
        takeBackInFlight()
        isBlocked = false
        highestQoS = min(connection.limits.maximum_qos, 1)
        largestPacket = Int(connection.limits.maximum_packet_size)
        forwarder.laneChanged("")
        pump()
    }

    func connectionDown(_ connection: PeerConnection, _ text: String) {
        takeBackInFlight()
        forwarder.laneChanged(text)
    }

    /// What was not confirmed is sent again before anything newer.
    private func takeBackInFlight() {
        firstCookie &+= UInt64(inFlight.count)
        while let message = inFlight.popLast() {
            if message.isDone {
                forwarder.release(message)
            } else {
                forwarder.counters.retried &+= 1
                waiting.prepend(message)
            }
        }
    }

    func connection(_ connection: PeerConnection, acknowledged cookie: UInt64, reasonCode: UInt8) {
        let index = Int(truncatingIfNeeded: cookie &- firstCookie)
        guard cookie >= firstCookie, index < inFlight.count else { return }
        // 0x10: nobody there subscribes any more.
        if reasonCode == 0x10 {
            forwarder.counters.unmatched &+= 1
        } else if reasonCode >= 0x80 {
            forwarder.counters.failed &+= 1
            forwarder.refused(reasonCode)
        }
        inFlight.update(index) { $0.isDone = true }
        while inFlight.first?.isDone == true, let done = inFlight.popFirst() {
            firstCookie &+= 1
            forwarder.release(done)
        }
        isBlocked = false
        pump()
    }

    func connection(_ connection: PeerConnection, received message: UnsafePointer<isth_msg>) {}

    func connectionWritable(_ connection: PeerConnection) {
        isBlocked = false
        pump()
    }
}
