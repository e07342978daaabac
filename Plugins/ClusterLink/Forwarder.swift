// SPDX-License-Identifier: Apache-2.0
// Brings local messages that a peer wants to it: an external destination in the host's subscription index, a bounded
// queue and a pool of connections. A publisher's messages always take the same connection, which keeps their order.
// Belongs to one loop: the destination, the connections and all of this object's methods.

import Glibc
import PluginAPI
import PluginKit

/// What happened to messages since the last report. `unmatched` ones are among those sent.
struct ForwardCounters {
    var sent: UInt64 = 0
    var bytesSent: UInt64 = 0
    var unmatched: UInt64 = 0
    var retried: UInt64 = 0
    var expired: UInt64 = 0
    var overflowed: UInt64 = 0
    var failed: UInt64 = 0
}

final class Forwarder: @unchecked Sendable {
    private static let tickMilliseconds: UInt32 = 1_000

    let loop: UInt32
    var counters = ForwardCounters()

    private let host: PluginHost
    private let link: CheckedLink
    private let identity: Identity
    private let status: LinkStatus
    private let carrierTopic: UnsafeMutableBufferPointer<UInt8>
    private var lanes: [ForwardLane] = []
    private var writer = TermWriter()
    private let carrier: isth_msg
    private var queuedBytes = 0
    private var sequence: UInt16 = 0
    private var tick: PluginTimer?
    private var lastComplaint = ""

    init(_ host: PluginHost, _ link: CheckedLink, _ identity: Identity, _ status: LinkStatus, loop: UInt32) {
        self.host = host
        self.link = link
        self.identity = identity
        self.status = status
        self.loop = loop
        let topic = Array(LinkTopic.message(from: identity.clusterName).utf8)
        carrierTopic = .allocate(capacity: topic.count)
        _ = carrierTopic.initialize(from: topic)
        let view = Bytes(UnsafeBufferPointer(carrierTopic))
        carrier = isth_msg(topic: view.str, payload: Bytes.empty.bytes)
    }

    deinit { carrierTopic.deallocate() }

    /// On the forwarder's loop.
    func start(_ services: LinkServices) {
        let options = PeerOptions(link: link, services: services, loop: loop)
        let base = "\(identity.clientBase(link)):msg:\(identity.nodeHash)"
        for number in 1...link.settings.connections {
            let lane = ForwardLane(self, inflightLimit: link.settings.inflightLimit)
            lanes.append(lane)
            lane.start(host, options, clientID: "\(base):\(number)")
        }
        tick = host.timer(loop: loop, first: Self.tickMilliseconds, every: Self.tickMilliseconds) { [weak self] in
            self?.ticked()
        }
    }

    func stop() {
        tick?.cancel()
        tick = nil
        let lost = lanes.reduce(0) { $0 + $1.stop() }
        if lost > 0 {
            host.log(
                .warning,
                "Link \(link.settings.name): \(lost) messages were still waiting for it and are dropped."
            )
        }
        lanes = []
        report()
    }

    // MARK: Message path

    /// The callback of the destination.
    @inline(__always)
    func deliver(_ message: UnsafePointer<isth_msg>) {
        // What came over a link goes to no link: that alone keeps a mesh free of loops.
        guard message.pointee.origin != UInt8(ISTH_ORIGIN_LINK), !lanes.isEmpty,
            !message.pointee.topic.view.hasPrefix(LinkTopic.reserved)
        else { return }
        let publisher = message.pointee.publisher_id.view
        let lane = lanes.count == 1 ? 0 : Int(truncatingIfNeeded: publisher.spread % UInt64(lanes.count))
        lanes[lane].offer(message, nextIdentifier())
    }

    @inline(__always)
    private func nextIdentifier() -> MessageIdentifier {
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME, &clock)
        let microseconds = UInt64(bitPattern: Int64(clock.tv_sec) &* 1_000_000 &+ Int64(clock.tv_nsec) / 1000)
        sequence &+= 1
        return MessageIdentifier(microseconds: microseconds, node: identity.nodeBits, sequence: sequence)
    }

    /// Lends the PUBLISH that carries `message`. A message of QoS 2 travels at QoS 1 (`qos`): its inner QoS stays 2.
    @inline(__always)
    func withCarrier(
        of message: UnsafePointer<isth_msg>,
        _ id: MessageIdentifier,
        qos: UInt8,
        _ body: (UnsafePointer<isth_msg>) -> Int32
    ) -> Int32 {
        writer.forwardedMessage(message.pointee, id: id)
        var carrier = carrier
        carrier.payload = writer.bytes.bytes
        carrier.qos = qos
        return withUnsafePointer(to: &carrier, body)
    }

    var now: UInt64 { host.now }

    func keep(_ message: UnsafePointer<isth_msg>, _ id: MessageIdentifier) -> QueuedMessage {
        let size = Self.size(of: message)
        queuedBytes += size
        return QueuedMessage(
            message: host.table.pointee.msg_retain(host.ctx, message),
            id: id,
            expires: now &+ link.settings.requestTTL,
            size: size
        )
    }

    func release(_ queued: QueuedMessage) {
        queuedBytes -= queued.size
        host.table.pointee.msg_release(host.ctx, queued.message)
    }

    private static func size(of message: UnsafePointer<isth_msg>) -> Int {
        message.pointee.topic.len + message.pointee.payload.len + ForwardLane.overhead
    }

    /// The oldest messages go first: of the lane that needs the room, or of the longest one.
    func makeRoom(for message: UnsafePointer<isth_msg>, in lane: ForwardLane) {
        let size = Self.size(of: message)
        while queuedBytes + size > link.settings.maxBufferBytes {
            let longest = lane.waitingCount > 0 ? lane : lanes.max { $0.waitingCount < $1.waitingCount }
            guard let longest, longest.waitingCount > 0 else { return }
            longest.dropOldest(\.overflowed)
        }
    }

    // MARK: Reports

    func laneChanged(_ text: String) {
        status.connections = lanes.count { $0.isUp }
        guard !text.isEmpty else {
            if status.connections == lanes.count { lastComplaint = "" }
            return
        }
        status.forwardError = text
        guard text != lastComplaint else { return }
        lastComplaint = text
        say("a message connection is down: \(text)")
    }

    func refused(_ reasonCode: UInt8) {
        dropped("the peer refused a message with reason code \(reasonCode.reasonCode)")
    }

    func tooLarge(_ message: UnsafePointer<isth_msg>, _ limits: isth_mqtt_limits) {
        let topic = message.pointee.topic.view.slice(0, min(message.pointee.topic.len, 100))
        dropped(
            "a message of \(message.pointee.payload.len) bytes on \(topic.string) is larger than the peer takes, packets of "
                + "\(limits.maximum_packet_size) bytes (mqtt.max_packet_size there)"
        )
    }

    private func dropped(_ text: String) {
        status.forwardError = text
        guard text != lastComplaint else { return }
        lastComplaint = text
        say("\(text); it is dropped.")
    }

    private func say(_ sentence: String) {
        let name = link.settings.name
        host.log(.warning, "message connections of links", about: name, "Link \(name): \(sentence)")
    }

    private func ticked() {
        let now = now
        for lane in lanes { lane.dropExpired(now) }
        writer.shrink(to: 256 << 10)
        report()
    }

    private func report() {
        status.report(counters, queued: lanes.reduce(0) { $0 + $1.queuedCount }, queuedBytes: queuedBytes)
        counters = ForwardCounters()
    }
}

extension BytesView {
    /// A hash that spreads publishers over connections; not meant to resist anybody.
    @inline(__always)
    fileprivate var spread: UInt64 {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        let raw = UnsafeRawPointer(base)
        var index = 0
        while index &+ 8 <= count {
            state = (state ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
            state ^= state >> 32
            index &+= 8
        }
        while index < count {
            state = (state ^ UInt64(base[index])) &* 0x0000_0100_0000_01B3
            index &+= 1
        }
        return state ^ state >> 32
    }
}
