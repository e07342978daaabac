// SPDX-License-Identifier: Apache-2.0
// PUBLISH and its four acknowledgements.

import MQTT
import Testing

@Suite struct PublishPacketTests {
    static let versions: [ProtocolVersion] = [.v31, .v311, .v5]

    @Test(arguments: versions)
    func everyCombinationSurvives(version: ProtocolVersion) throws {
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        writer.append(.topicAlias, 9)
        // Lengths around the borders of one, two and three length bytes.
        for payloadCount in [0, 1, 100, 121, 122, 123, 124, 125, 126, 300, 16_370, 16_384, 70_000] {
            let payload = (0..<payloadCount).map { UInt8(truncatingIfNeeded: $0) }
            for (qos, dup) in [
                (QoS.atMostOnce, false), (.atLeastOnce, false), (.atLeastOnce, true), (.exactlyOnce, true),
            ] {
                for (retain, properties) in [(false, Properties.empty), (true, writer.properties)] {
                    try payload.withView { payload in
                        let packet = PublishPacket(
                            dup: dup,
                            qos: qos,
                            retain: retain,
                            topic: "a/b",
                            packetIdentifier: qos == .atMostOnce ? 0 : 0xABCD,
                            properties: properties,
                            payload: payload
                        )
                        try check(packet, version)
                    }
                }
            }
        }
    }

    private func check(_ packet: PublishPacket, _ version: ProtocolVersion) throws {
        let bytes = encoded { packet.encode(into: &$0, version: version) }
        #expect(
            bytes.count
                == PublishEncoder.size(
                    topicCount: packet.topic.count,
                    payloadCount: packet.payload.count,
                    qos: packet.qos,
                    propertiesCount: packet.properties.raw.count,
                    version: version
                )
        )
        try withBody(bytes, version: version) { header, body in
            let decoded = try PublishPacket.decode(body, flags: header.flags, version: version)
            #expect(decoded.dup == packet.dup)
            #expect(decoded.qos == packet.qos)
            #expect(decoded.retain == packet.retain)
            #expect(decoded.topic == packet.topic)
            #expect(decoded.packetIdentifier == packet.packetIdentifier)
            #expect(decoded.payload == packet.payload)
            #expect(decoded.properties.raw == (version == .v5 ? packet.properties.raw : .empty))
            #expect(decoded.properties.topicAlias == (version == .v5 ? packet.properties.topicAlias : nil))
        }
    }

    @Test(arguments: versions)
    func thePacketIdentifierCanBePatched(version: ProtocolVersion) throws {
        var offset = 0
        var bytes = encoded {
            // Something in front: the offset counts from the packet's first byte.
            $0.append(0xEE)
            offset = PublishEncoder.encode(
                into: &$0,
                topic: "topic",
                payload: "payload",
                qos: .atLeastOnce,
                retain: false,
                packetIdentifier: 1,
                version: version
            )
        }
        bytes.removeFirst()
        bytes[offset] = 0x12
        bytes[offset + 1] = 0x34
        try withBody(bytes, version: version) { header, body in
            let decoded = try PublishPacket.decode(body, flags: header.flags, version: version)
            #expect(decoded.packetIdentifier == 0x1234)
            #expect(decoded.topic == "topic")
            #expect(decoded.payload == "payload")
        }
    }

    @Test func theDefaultsAreQoS0AndNoFlags() {
        let packet = PublishPacket(topic: "a")
        #expect(!packet.dup && !packet.retain && packet.qos == .atMostOnce && packet.payload.isEmpty)
        #expect(encoded { packet.encode(into: &$0, version: .v311) } == [0x30, 3, 0, 1, 0x61])
        #expect(encoded { packet.encode(into: &$0, version: .v5) } == [0x30, 4, 0, 1, 0x61, 0])
        #expect(min(QoS.exactlyOnce, .atLeastOnce) == .atLeastOnce)
    }

    @Test func aClientSendsNoSubscriptionIdentifier() throws {
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        writer.append(.subscriptionIdentifier, 1)
        let packet = PublishPacket(topic: "a", properties: writer.properties)
        #expect(fault { try packet.validateSentByClient() }?.reason == .protocolError)
        try PublishPacket(topic: "a").validateSentByClient()
    }

    @Test func faultsSayWhatIsWrong() {
        let faults: [(flags: UInt8, body: ByteView, text: String)] = [
            (0x6, "\u{0}\u{1}a", "the PUBLISH QoS is 3"),
            (0x8, "\u{0}\u{1}a", "the PUBLISH has QoS 0 and the DUP flag"),
            (0x0, "\u{0}\u{1}+", "the PUBLISH topic name contains a wildcard"),
            (0x0, "\u{0}\u{0}", "the PUBLISH topic name is empty"),
            (0x2, "\u{0}\u{1}a\u{0}\u{0}", "the PUBLISH packet identifier is 0"),
        ]
        for (flags, body, text) in faults {
            let found = fault { _ = try PublishPacket.decode(body, flags: flags, version: .v311) }
            #expect(found.map { "\($0.text)" } == text)
            #expect(found.map { "\($0)".hasPrefix("\(text) (reason code 0x") } == true)
        }
    }

    @Test(arguments: versions, [PacketType.puback, .pubrec, .pubrel, .pubcomp])
    func acknowledgements(version: ProtocolVersion, type: PacketType) throws {
        let first = type.rawValue << 4 | type.requiredFlags
        #expect(encoded { AckPacket.appendSuccess(type, packetIdentifier: 0x1234, to: &$0) } == [first, 2, 0x12, 0x34])

        var writer = PropertyWriter()
        defer { writer.deallocate() }
        writer.append(.reasonString, "why")
        let packet = AckPacket(
            type,
            packetIdentifier: 0xFFFE,
            reason: .packetIdentifierNotFound,
            properties: writer.properties
        )
        let bytes = encoded { packet.encode(into: &$0, version: version) }
        #expect(bytes.prefix(1) == [first])
        if version != .v5 { #expect(bytes == [first, 2, 0xFF, 0xFE]) }
        guard type == .pubrel || type == .pubcomp || version != .v5 else { return }
        try withBody(bytes, version: version) { header, body in
            let decoded = try AckPacket.decode(body, type: header.type, version: version)
            #expect(decoded.type == type)
            #expect(decoded.packetIdentifier == 0xFFFE)
            #expect(decoded.reason == (version == .v5 ? .packetIdentifierNotFound : .success))
            #expect(decoded.properties.reasonString == (version == .v5 ? "why" : nil))
        }
    }

    @Test func anMQTT5AcknowledgementMayLeaveThingsOut() throws {
        try ([0, 7] as [UInt8]).withView {
            let decoded = try AckPacket.decode($0, type: .puback, version: .v5)
            #expect(decoded.reason == .success)
        }
        try ([0, 7, 0x10] as [UInt8]).withView {
            let decoded = try AckPacket.decode($0, type: .pubrec, version: .v5)
            #expect(decoded.reason == .noMatchingSubscribers)
            #expect(decoded.properties.isEmpty)
        }
    }
}
