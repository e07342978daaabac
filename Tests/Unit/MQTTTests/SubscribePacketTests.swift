// SPDX-License-Identifier: Apache-2.0
// SUBSCRIBE, UNSUBSCRIBE, their answers, DISCONNECT, AUTH and the pings.

import MQTT
import Testing

@Suite struct SubscribePacketTests {
    static let versions: [ProtocolVersion] = [.v31, .v311, .v5]

    @Test(arguments: versions)
    func subscriptionsKeepTheirOrderAndOptions(version: ProtocolVersion) throws {
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        writer.append(.subscriptionIdentifier, 4711)
        let subscriptions = [
            Subscription(filter: "a/b", options: .init(qos: .atMostOnce)),
            Subscription(filter: "+/#", options: .init(qos: .atLeastOnce, noLocal: true)),
            Subscription(
                filter: "$share/g/x",
                options: .init(qos: .exactlyOnce, retainAsPublished: true, retainHandling: .doNotSend)
            ),
            Subscription(filter: "a/b", options: .init(qos: .exactlyOnce, retainHandling: .sendIfNew)),
        ]
        let bytes = encoded {
            SubscribePacket.encode(
                into: &$0,
                packetIdentifier: 11,
                properties: writer.properties,
                subscriptions: subscriptions,
                version: version
            )
        }
        try withBody(bytes, version: version) { _, body in
            let decoded = try SubscribePacket.decode(body, version: version)
            #expect(decoded.packetIdentifier == 11)
            #expect(decoded.properties.subscriptionIdentifier == (version == .v5 ? 4711 : nil))
            #expect(decoded.subscriptions.count == 4)
            let found = Array(decoded.subscriptions)
            #expect(found.map(\.filter) == subscriptions.map(\.filter))
            if version == .v5 {
                #expect(found.map(\.options) == subscriptions.map(\.options))
            } else {
                #expect(found.map(\.options) == subscriptions.map { SubscriptionOptions(qos: $0.options.qos) })
            }
        }
    }

    @Test(arguments: versions)
    func unsubscribeKeepsItsOrder(version: ProtocolVersion) throws {
        let filters: [ByteView] = ["a", "b/+", "$share/g/#"]
        let bytes = encoded {
            UnsubscribePacket.encode(into: &$0, packetIdentifier: 65_535, filters: filters, version: version)
        }
        try withBody(bytes, version: version) { _, body in
            let decoded = try UnsubscribePacket.decode(body, version: version)
            #expect(decoded.packetIdentifier == 65_535)
            #expect(decoded.filters.count == 3)
            #expect(Array(decoded.filters) == filters)
        }
    }

    @Test func aLongSubscribeGetsALongerLength() throws {
        let filter = [UInt8](repeating: 0x61, count: 60_000)
        let bytes = filter.withView { filter in
            encoded {
                SubscribePacket.encode(
                    into: &$0,
                    packetIdentifier: 1,
                    subscriptions: [Subscription(filter: filter, options: .init(qos: .atLeastOnce))],
                    version: .v311
                )
            }
        }
        try withBody(bytes, version: .v311) { header, body in
            #expect(header.headerLength == 4)
            let decoded = try SubscribePacket.decode(body, version: .v311)
            #expect(decoded.subscriptions.map(\.filter.count) == [60_000])
        }
    }

    @Test(arguments: versions)
    func subackAndUnsuback(version: ProtocolVersion) throws {
        let codes: [UInt8] = [0, 1, 2, 0x87]
        try codes.withView { codes in
            let suback = SubackPacket(packetIdentifier: 5, reasonCodes: codes)
            try withBody(encoded { suback.encode(into: &$0, version: version) }, version: version) { _, body in
                let decoded = try SubackPacket.decode(body, version: version)
                #expect(decoded.packetIdentifier == 5)
                #expect(decoded.reasonCodes.array == (version == .v5 ? [0, 1, 2, 0x87] : [0, 1, 2, 0x80]))
            }
        }
        try ([0, 0x11] as [UInt8]).withView { codes in
            let unsuback = UnsubackPacket(packetIdentifier: 6, reasonCodes: codes)
            try withBody(encoded { unsuback.encode(into: &$0, version: version) }, version: version) { _, body in
                let decoded = try UnsubackPacket.decode(body, version: version)
                #expect(decoded.packetIdentifier == 6)
                #expect(decoded.reasonCodes.array == (version == .v5 ? [0, 0x11] : []))
            }
        }
    }

    @Test(arguments: versions)
    func disconnect(version: ProtocolVersion) throws {
        #expect(encoded { DisconnectPacket().encode(into: &$0, version: version) } == [0xE0, 0])
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        writer.append(.reasonString, "over")
        let packet = DisconnectPacket(reason: .sessionTakenOver, properties: writer.properties)
        try withBody(encoded { packet.encode(into: &$0, version: version) }, version: version) { _, body in
            let decoded = try DisconnectPacket.decode(body, version: version)
            #expect(decoded.reason == (version == .v5 ? .sessionTakenOver : .normalDisconnection))
            #expect(decoded.properties.reasonString == (version == .v5 ? "over" : nil))
        }
        let bare = DisconnectPacket(reason: .keepAliveTimeout)
        #expect(encoded { bare.encode(into: &$0, version: .v5) } == [0xE0, 1, 0x8D])
    }

    @Test func auth() throws {
        #expect(encoded { AuthPacket().encode(into: &$0) } == [0xF0, 0])
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        writer.append(.authenticationMethod, "M")
        writer.append(.authenticationData, "D")
        let packet = AuthPacket(reason: .continueAuthentication, properties: writer.properties)
        try withBody(encoded { packet.encode(into: &$0) }, version: .v5) { _, body in
            let decoded = try AuthPacket.decode(body, version: .v5)
            #expect(decoded.reason == .continueAuthentication)
            #expect(decoded.properties.authenticationMethod == "M")
            #expect(decoded.properties.authenticationData == "D")
            #expect(fault { _ = try AuthPacket.decode(body, version: .v311) }?.reason == .malformedPacket)
        }
    }

    @Test func pings() throws {
        #expect(encoded { PingPacket.encodeRequest(into: &$0) } == [0xC0, 0])
        #expect(encoded { PingPacket.encodeResponse(into: &$0) } == [0xD0, 0])
        try PingPacket.decode(.empty)
        #expect(fault { try PingPacket.decode("x") }?.reason == .malformedPacket)
    }
}
