// SPDX-License-Identifier: Apache-2.0
// What a busy publisher fills a read with: PUBLISH packets of QoS 0, one behind the other, all with the same topic name
// and without properties. They are forwarded as the bytes they are, so nothing more is found out about each of them than
// that it is one: the first packet is looked at in full, the others are compared with how it begins.

public struct PublishRun: Sendable {
    /// All packets, whole.
    public let bytes: ByteView
    /// How many packets these are, at least 1.
    public let count: Int
    /// Not validated; never empty.
    public let topic: ByteView
    /// Of all packets together.
    public let payloadCount: Int
    /// Whether the packets are those of MQTT 5, which have a place for properties.
    public let isV5: Bool

    /// A run is cut here: its bytes are to stay near while they are copied to many.
    @inlinable
    static var longest: Int { 32_768 }

    /// The packet at the start of `bytes` as a run of one; nil if there is no whole packet of this kind. Packets of more
    /// than `maximumPacketSize` bytes, or with `payloadBorder` bytes of payload, are none.
    @inlinable
    @inline(__always)
    public init?(first bytes: ByteView, version: ProtocolVersion, maximumPacketSize: Int, payloadBorder: Int) {
        let isV5 = version == .v5
        guard let first = PlainPublish(bytes, isV5: isV5), first.qos == .atMostOnce, first.length <= maximumPacketSize,
            first.payloadCount < payloadBorder
        else { return nil }
        self.init(
            bytes: bytes.slice(0, first.length),
            count: 1,
            topic: first.topic,
            payloadCount: first.payloadCount,
            isV5: isV5
        )
    }

    /// The run with what follows its first packet in the `bytes` that this one was found in.
    @inlinable
    @inline(__always)
    public func extended(in bytes: ByteView, maximumPacketSize: Int, payloadBorder: Int) -> PublishRun {
        // Where the topic name begins with its length, in every packet of the run.
        let named = topic.base - self.bytes.base - 2
        var last = (start: self.bytes.count &- payloadCount, length: self.bytes.count)
        var lastStart = 0
        var end = last.length
        var count = 1
        var payloadCount = self.payloadCount
        while end < Self.longest {
            let rest = bytes.dropFirst(end)
            // Mostly one is as long as the one before it.
            if rest.count < last.length || !memoryEqual(rest.base, bytes.base + lastStart, last.start) {
                guard rest.count > named + 2 + topic.count,
                    memoryEqual(rest.base + named, bytes.base + named, 2 + topic.count),
                    let next = PlainPublish(rest, isV5: isV5), next.qos == .atMostOnce,
                    next.length <= maximumPacketSize, next.payloadCount < payloadBorder, next.topic == topic
                else { break }
                last = (next.start, next.length)
            }
            lastStart = end
            end &+= last.length
            count &+= 1
            payloadCount &+= last.length &- last.start
        }
        return PublishRun(
            bytes: bytes.slice(0, end),
            count: count,
            topic: topic,
            payloadCount: payloadCount,
            isV5: isV5
        )
    }

    /// The payload of each packet, in order, until `body` returns false. Returns the packets whose payloads these were.
    @discardableResult
    public func eachPayload(_ body: (ByteView) -> Bool) -> PublishRun {
        var end = 0
        var (count, payloadCount) = (0, 0)
        while let packet = PlainPublish(bytes.dropFirst(end), isV5: isV5) {
            let payload = packet.payload(in: bytes.dropFirst(end))
            end += packet.length
            count += 1
            payloadCount += payload.count
            if !body(payload) { break }
        }
        return PublishRun(
            bytes: bytes.slice(0, end),
            count: count,
            topic: topic,
            payloadCount: payloadCount,
            isV5: isV5
        )
    }

    /// The same run, copied to memory that has room for its `bytes`.
    public func copied(to target: UnsafeMutablePointer<UInt8>) -> PublishRun {
        target.update(from: bytes.base, count: bytes.count)
        let copy = ByteView(UnsafePointer(target), count: bytes.count)
        let topicStart = topic.base - bytes.base
        return PublishRun(
            bytes: copy,
            count: count,
            topic: copy.slice(topicStart, topicStart + topic.count),
            payloadCount: payloadCount,
            isV5: isV5
        )
    }

    @inlinable
    init(bytes: ByteView, count: Int, topic: ByteView, payloadCount: Int, isV5: Bool) {
        self.bytes = bytes
        self.count = count
        self.topic = topic
        self.payloadCount = payloadCount
        self.isV5 = isV5
    }
}
