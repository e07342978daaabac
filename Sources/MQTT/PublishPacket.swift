// SPDX-License-Identifier: Apache-2.0
// PUBLISH, the packet the broker lives on: decoded in place, everything of it inlined into the caller but the faults
// and the check of a property section that is not empty.

public struct PublishPacket: Sendable {
    public var dup: Bool
    public var qos: QoS
    public var retain: Bool
    /// Empty only in MQTT 5, where a topic alias then stands for the name.
    public var topic: ByteView
    /// 0 for QoS 0.
    public var packetIdentifier: UInt16
    public var properties: Properties
    public var payload: ByteView

    @inlinable
    @inline(__always)
    public init(
        dup: Bool = false,
        qos: QoS = .atMostOnce,
        retain: Bool = false,
        topic: ByteView,
        packetIdentifier: UInt16 = 0,
        properties: Properties = .empty,
        payload: ByteView = .empty
    ) {
        self.dup = dup
        self.qos = qos
        self.retain = retain
        self.topic = topic
        self.packetIdentifier = packetIdentifier
        self.properties = properties
        self.payload = payload
    }

    @inlinable
    @inline(__always)
    public static func decode(
        _ body: ByteView,
        flags: UInt8,
        version: ProtocolVersion
    ) throws(MalformedPacket) -> PublishPacket {
        guard let qos = QoS(rawValue: (flags &>> 1) & 0b11) else {
            throw .malformed("the PUBLISH QoS is 3")  // [MQTT-3.3.1-4]
        }
        let dup = flags & 0b1000 != 0
        if dup && qos == .atMostOnce {
            throw .malformed("the PUBLISH has QoS 0 and the DUP flag")  // [MQTT-3.3.1-2]
        }
        var reader = ByteReader(body)
        let topic = try reader.prefixed(or: "the PUBLISH ends before or inside its topic name")  // [MQTT-3.3.2-1]
        var packetIdentifier: UInt16 = 0
        if qos != .atMostOnce {  // [MQTT-2.2.1-2]
            packetIdentifier = try reader.uint16(or: "the PUBLISH ends before its packet identifier")
            guard packetIdentifier != 0 else {
                throw .malformed("the PUBLISH packet identifier is 0")  // [MQTT-2.2.1-3]
            }
        }
        var properties = Properties.empty
        if version == .v5 {
            properties = try Properties.decode(at: &reader.position, in: body, for: .publish)
            if topic.isEmpty {
                guard properties.contains(.topicAlias) else {
                    throw .protocolError("the PUBLISH has neither a topic name nor a topic alias")
                }
            } else if !TopicName.validate(topic) {
                throw TopicName.publishFault(topic)
            }
        } else if !TopicName.validate(topic) {
            throw TopicName.publishFault(topic)
        }
        return PublishPacket(
            dup: dup,
            qos: qos,
            retain: flags & 1 != 0,
            topic: topic,
            packetIdentifier: packetIdentifier,
            properties: properties,
            payload: reader.rest
        )
    }

    /// What only a server may send: a client's PUBLISH carries no subscription identifier. [MQTT-3.3.4-6]
    @inlinable
    public func validateSentByClient() throws(MalformedPacket) {
        if properties.contains(.subscriptionIdentifier) {
            throw .protocolError("the PUBLISH of a client carries a subscription identifier")
        }
    }

    @inlinable
    public func encode(into buffer: inout ByteBuffer, version: ProtocolVersion) {
        PublishEncoder.encode(
            into: &buffer,
            topic: topic,
            payload: payload,
            qos: qos,
            retain: retain,
            dup: dup,
            packetIdentifier: packetIdentifier,
            propertiesRaw: properties.raw,
            version: version
        )
    }
}
