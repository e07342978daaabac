// SPDX-License-Identifier: Apache-2.0
// Writes a PUBLISH from its parts: the size is computed first, then one reservation takes straight copies. The packet
// identifier's place is returned, so that an encoded packet can be copied to many receivers and patched for each.

public enum PublishEncoder {
    /// The bytes behind the fixed header.
    @inlinable
    @inline(__always)
    public static func remainingLength(
        topicCount: Int,
        payloadCount: Int,
        qos: QoS,
        propertiesCount: Int,
        version: ProtocolVersion
    ) -> Int {
        var length = 2 &+ topicCount &+ payloadCount
        if qos != .atMostOnce { length &+= 2 }
        if version == .v5 { length &+= VariableByteInteger.size(propertiesCount) &+ propertiesCount }
        return length
    }

    /// The bytes of the whole packet, which a receiver's Maximum Packet Size is compared with. [MQTT-3.1.2-24]
    @inlinable
    public static func size(
        topicCount: Int,
        payloadCount: Int,
        qos: QoS,
        propertiesCount: Int,
        version: ProtocolVersion
    ) -> Int {
        let length = remainingLength(
            topicCount: topicCount,
            payloadCount: payloadCount,
            qos: qos,
            propertiesCount: propertiesCount,
            version: version
        )
        return 1 &+ VariableByteInteger.size(length) &+ length
    }

    /// Appends the packet and returns the packet identifier's offset from the packet's first byte; with QoS 0, where
    /// there is none, the offset of what follows the topic name.
    ///
    /// The topic name has at most 65,535 bytes and the packet at most 268,435,455 behind its fixed header: both hold
    /// for what the decoders accept; whoever makes messages himself checks ``size(topicCount:payloadCount:qos:propertiesCount:version:)``.
    /// `propertiesRaw` is ignored before MQTT 5. `followedBy` counts payload bytes that the caller sends behind these.
    @inlinable
    @inline(__always)
    @discardableResult
    public static func encode(
        into buffer: inout ByteBuffer,
        topic: ByteView,
        payload: ByteView,
        followedBy laterPayloadCount: Int = 0,
        qos: QoS,
        retain: Bool,
        dup: Bool = false,
        packetIdentifier: UInt16 = 0,
        propertiesRaw: ByteView = .empty,
        version: ProtocolVersion
    ) -> Int {
        let remaining = remainingLength(
            topicCount: topic.count,
            payloadCount: payload.count &+ laterPayloadCount,
            qos: qos,
            propertiesCount: propertiesRaw.count,
            version: version
        )
        assert(topic.count <= 65_535 && remaining <= VariableByteInteger.maximum)
        let target = buffer.reserve(remaining &- laterPayloadCount &+ 5)
        // [MQTT-4.3.1-1] [MQTT-4.3.2-2] [MQTT-4.3.3-2]
        target[0] = 0x30 | (dup ? 0b1000 : 0) | qos.rawValue &<< 1 | (retain ? 1 : 0)
        var offset = 1 &+ VariableByteInteger.encode(remaining, to: target + 1)
        store(UInt16(truncatingIfNeeded: topic.count), at: target + offset)
        (target + (offset &+ 2)).update(from: topic.base, count: topic.count)
        offset &+= 2 &+ topic.count
        let identifierOffset = offset
        if qos != .atMostOnce {  // [MQTT-2.2.1-2]
            store(packetIdentifier, at: target + offset)
            offset &+= 2
        }
        if version == .v5 {
            offset &+= VariableByteInteger.encode(propertiesRaw.count, to: target + offset)
            (target + offset).update(from: propertiesRaw.base, count: propertiesRaw.count)
            offset &+= propertiesRaw.count
        }
        (target + offset).update(from: payload.base, count: payload.count)
        buffer.commit(offset &+ payload.count)
        return identifierOffset
    }

    @inlinable
    @inline(__always)
    static func store(_ value: UInt16, at target: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(target).storeBytes(of: value.bigEndian, as: UInt16.self)
    }
}
