// SPDX-License-Identifier: Apache-2.0
// CONNECT and CONNACK, field by field; refused ones are in the corpus.

import MQTT
import Testing

@Suite struct ConnectPacketTests {
    @Test(arguments: [ProtocolVersion.v31, .v311, .v5], [QoS.atMostOnce, .atLeastOnce, .exactlyOnce])
    func everyFieldSurvives(version: ProtocolVersion, qos: QoS) throws {
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        writer.append(.sessionExpiryInterval, 77)
        var willWriter = PropertyWriter()
        defer { willWriter.deallocate() }
        willWriter.append(.willDelayInterval, 5)
        let packet = ConnectPacket(
            version: version,
            clientIdentifier: "client-1",
            cleanStart: qos == .atMostOnce,
            keepAlive: 300,
            properties: writer.properties,
            will: .init(
                topic: "w/t",
                payload: "gone",
                qos: qos,
                retain: qos != .atMostOnce,
                properties: willWriter.properties
            ),
            userName: "user",
            password: "secret"
        )
        let bytes = encoded { packet.encode(into: &$0) }
        try withBody(bytes, version: version) { header, body in
            #expect(header.type == .connect)
            #expect(ConnectPacket.answerVersion(of: body) == version)
            let decoded = try ConnectPacket.decode(body)
            #expect(decoded.version == version)
            #expect(!decoded.isBridge)
            #expect(decoded.clientIdentifier == "client-1")
            #expect(decoded.cleanStart == (qos == .atMostOnce))
            #expect(decoded.keepAlive == 300)
            #expect(decoded.properties.sessionExpiryInterval == (version == .v5 ? 77 : nil))
            let will = try #require(decoded.will)
            #expect(will.topic == "w/t")
            #expect(will.payload == "gone")
            #expect(will.qos == qos)
            #expect(will.retain == (qos != .atMostOnce))
            #expect(will.properties.willDelayInterval == (version == .v5 ? 5 : nil))
            #expect(decoded.hasUserName && decoded.userName == "user")
            #expect(decoded.hasPassword && decoded.password == "secret")
        }
    }

    @Test func absentAndEmptyCredentialsDiffer() throws {
        let absent = ConnectPacket(version: .v311, clientIdentifier: "c")
        try withBody(encoded { absent.encode(into: &$0) }, version: .v311) { _, body in
            let decoded = try ConnectPacket.decode(body)
            #expect(!decoded.hasUserName && !decoded.hasPassword && decoded.will == nil && decoded.cleanStart)
        }
        let empty = ConnectPacket(version: .v311, clientIdentifier: "c", userName: .empty, password: .empty)
        try withBody(encoded { empty.encode(into: &$0) }, version: .v311) { _, body in
            let decoded = try ConnectPacket.decode(body)
            #expect(decoded.hasUserName && decoded.hasPassword)
            #expect(decoded.userName.isEmpty && decoded.password.isEmpty)
        }
    }

    @Test(arguments: [ProtocolVersion.v31, .v311, .v5])
    func aBridgeIsSeenByItsLevel(version: ProtocolVersion) throws {
        let packet = ConnectPacket(version: version, clientIdentifier: "b", isBridge: true)
        try withBody(encoded { packet.encode(into: &$0) }, version: version) { _, body in
            let decoded = try ConnectPacket.decode(body)
            #expect(decoded.isBridge)
            #expect(decoded.version == version)
        }
    }

    @Test func anMQTT31ClientMayAnnounceCredentialsItDoesNotSend() throws {
        let samples = try Corpus.load("valid.txt")
        let userOnly = try #require(samples.first { $0.name.contains("password-announced-only") })
        try withBody(userOnly.bytes, version: .v31) { _, body in
            let decoded = try ConnectPacket.decode(body)
            #expect(decoded.hasUserName && decoded.userName == "u")
            #expect(!decoded.hasPassword)
        }
    }

    @Test func theVersionIsKnownWhereTheRestIsRefused() {
        // MQTT 3.1.1, an empty client identifier without Clean Session.
        let body: [UInt8] = [0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 0, 0, 60, 0, 0]
        body.withView { view in
            #expect(fault { _ = try ConnectPacket.decode(view) }?.reason == .clientIdentifierNotValid)
            #expect(ConnectPacket.answerVersion(of: view) == .v311)
        }
        #expect(ConnectPacket.answerVersion(of: "") == nil)
        #expect(ConnectPacket.answerVersion(of: "\u{0}\u{4}MQTT") == nil)
    }

    /// [MQTT-3.1.2-2]
    @Test(arguments: [(0, ProtocolVersion.v311), (2, .v311), (6, .v5), (0x7F, .v5), (0x82, .v311), (0x86, .v5)])
    func anUnknownLevelIsAnsweredInTheNearestForm(level: Int, form: ProtocolVersion) {
        let body: [UInt8] = [0, 4, 0x4D, 0x51, 0x54, 0x54, UInt8(level), 2, 0, 60, 0, 1, 0x63]
        body.withView { view in
            #expect(fault { _ = try ConnectPacket.decode(view) }?.reason == .unsupportedProtocolVersion)
            #expect(ConnectPacket.answerVersion(of: view) == form)
        }
    }

    @Test func connackCarriesReturnCodesBeforeMQTT5() throws {
        for version in [ProtocolVersion.v31, .v311] {
            for code in UInt8(0)...5 {
                let reason = try #require(ReasonCode(connackReturnCode: code))
                let bytes = encoded { ConnackPacket(reason: reason).encode(into: &$0, version: version) }
                #expect(bytes == [0x20, 2, 0, code])
                try withBody(bytes, version: version) { _, body in
                    let decoded = try ConnackPacket.decode(body, version: version)
                    #expect(decoded.reason == reason)
                }
            }
        }
        #expect(encoded { ConnackPacket(reason: .banned).encode(into: &$0, version: .v311) } == [0x20, 2, 0, 5])
        #expect(encoded { ConnackPacket(reason: .protocolError).encode(into: &$0, version: .v311) } == [0x20, 2, 0, 3])
    }

    @Test func connackSessionPresent() throws {
        let packet = ConnackPacket(sessionPresent: true)
        #expect(encoded { packet.encode(into: &$0, version: .v31) } == [0x20, 2, 0, 0])
        #expect(encoded { packet.encode(into: &$0, version: .v311) } == [0x20, 2, 1, 0])
        #expect(encoded { packet.encode(into: &$0, version: .v5) } == [0x20, 3, 1, 0, 0])
        try withBody([0x20, 3, 1, 0, 0], version: .v5) { _, body in
            let decoded = try ConnackPacket.decode(body, version: .v5)
            #expect(decoded.sessionPresent)
        }
    }
}
