// SPDX-License-Identifier: Apache-2.0
// Where the parts of a PUBLISH are that has no more of them than it needs: neither retained nor sent again,
// no properties, a length of one or two bytes. Nearly all are like that; `PublishPacket` decodes any.

public struct PlainPublish {
    public let qos: QoS
    /// Not validated; never empty.
    public let topic: ByteView
    /// 0 at QoS 0.
    public let packetIdentifier: UInt16
    /// Of the payload.
    public let start: Int
    /// Of the whole packet.
    public let length: Int

    @inlinable
    public var payloadCount: Int { length &- start }

    /// In the bytes that the packet was found at the start of.
    @inlinable
    public func payload(in bytes: ByteView) -> ByteView { bytes.slice(start, length) }

    /// Nil unless `bytes` start with a whole packet of this kind. Its length is written in as few bytes as it needs, so
    /// that the packet is the one that we would encode.
    @inlinable
    @inline(__always)
    public init?(_ bytes: ByteView, isV5: Bool) {
        guard bytes.count >= 4, bytes[0] & ~0b110 == 0x30, bytes[0] != 0x36 else { return nil }
        var body = 2
        var remaining = Int(bytes[1])
        if remaining >= 0x80 {
            let high = Int(bytes[2])
            guard high > 0, high < 0x80 else { return nil }
            remaining = remaining & 0x7F | high &<< 7
            body = 3
        }
        guard remaining >= 3, body &+ remaining <= bytes.count else { return nil }
        let length = body &+ remaining
        let topicCount = Int(bytes[body]) &<< 8 | Int(bytes[body &+ 1])
        let topicEnd = body &+ 2 &+ topicCount
        let isAcknowledged = bytes[0] != 0x30
        guard topicCount > 0, topicEnd &+ (isAcknowledged ? 2 : 0) &+ (isV5 ? 1 : 0) <= length else { return nil }
        var start = topicEnd
        var identifier: UInt16 = 0
        if isAcknowledged {
            identifier = UInt16(bytes[start]) &<< 8 | UInt16(bytes[start &+ 1])
            guard identifier != 0 else { return nil }
            start &+= 2
        }
        if isV5 {
            guard bytes[start] == 0 else { return nil }
            start &+= 1
        }
        topic = bytes.slice(body &+ 2, topicEnd)
        qos = isAcknowledged ? (bytes[0] == 0x32 ? .atLeastOnce : .exactlyOnce) : .atMostOnce
        packetIdentifier = identifier
        self.start = start
        self.length = length
    }
}
