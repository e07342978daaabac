// SPDX-License-Identifier: Apache-2.0
// Reason strings and response information: who gets them, and who does not.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct ExplanationTests {
    private func strict() -> World {
        let plugin = ScriptedPlugin()
        plugin.authorize = { _, _, topic, _ in Int(topic == "open" ? ISTH_ALLOW : ISTH_DENY) }
        return World(plugins: [plugin])
    }

    private func refused(
        _ world: World,
        asksWhy: Bool = true,
        _ build: @escaping (inout PropertyWriter) -> Void = { _ in }
    ) -> [Packet] {
        let client = TestClient(world, "c")
        client.asksWhy = asksWhy
        client.connect { writer, _ in build(&writer) }
        _ = client.take()
        client.publish("secret", qos: .atLeastOnce)
        client.publish("secret", qos: .exactlyOnce)
        let bytes = client.subscribeBytes(
            [("open", SubscriptionOptions(qos: .atMostOnce)), ("secret", SubscriptionOptions(qos: .atMostOnce))],
            9
        )
        client.send(bytes)
        client.connect()
        return client.take()
    }

    @Test func negativeAcknowledgementsSayWhy() {
        let packets = refused(strict())
        #expect(packets.map(\.type) == [.puback, .pubrec, .suback, .disconnect])
        #expect(packets.map(\.reason) == [0x87, 0x87, 0, 0x82])
        #expect(packets[2].codes == [0, 0x87])
        #expect(packets.allSatisfy { $0.reasonString?.isEmpty == false })
    }

    /// [MQTT-3.1.2-29]
    @Test(arguments: [false, nil])
    func whoDoesNotAskGetsTheCodeAlone(asks: Bool?) {
        let world = strict()
        let packets = refused(world, asksWhy: false) { writer in
            if let asks { writer.append(.requestProblemInformation, asks) }
        }
        #expect(packets.map(\.reason) == [0x87, 0x87, 0, 0x82])
        #expect(packets.map(\.rawProperties) == [[], [], [], []])
        let client = TestClient(world, "")
        client.connect { writer, text in
            if let asks { writer.append(.requestProblemInformation, asks) }
            writer.append(.authenticationMethod, text("none"))
        }
        let refusal = client.take()
        #expect(refusal.map(\.reason) == [0x8C])
        #expect(refusal.map(\.rawProperties) == [[]])
    }

    @Test func refusalsAreExplainedToThoseWhoAsk() {
        let client = TestClient(strict(), "")
        client.asksWhy = true
        client.connect(method: "none")
        #expect(client.take().first?.reasonString?.isEmpty == false)
    }

    /// A plugin decides for itself what the client is told at the end.
    @Test(arguments: [false, nil])
    func aPluginsWordsNeedNoQuestion(asks: Bool?) {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { _, ticket, _ in
            var answer = HookAnswer(result: Int32(ISTH_DENY))
            answer.details = AnswerDetails(reason: Array("closed today".utf8))
            _ = plugin.world.broker.answer(ticket, answer)
            return Int(ISTH_LATER)
        }
        let client = TestClient(World(plugins: [plugin]), "c")
        client.connect { writer, _ in
            if let asks { writer.append(.requestProblemInformation, asks) }
        }
        #expect(client.take().map(\.reasonString) == ["closed today"])
    }

    /// The reason string goes before the packet does. [MQTT-3.2.2-19] [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.9.2-1] [MQTT-3.14.2-3]
    @Test func whatWouldBeTooLargeIsLeftOut() {
        let full = refused(strict())
        let sizes = full.map { packet in
            // Fixed header, what the packet has of its own, and properties with their length.
            2 + (packet.type == .disconnect ? 1 : packet.type == .suback ? 4 : 3) + 1 + packet.rawProperties.count
        }
        for (number, size) in sizes.enumerated() {
            let fits = refused(strict()) { $0.append(.maximumPacketSize, UInt32(size)) }
            #expect(fits[number].reasonString == full[number].reasonString, "\(number)")
            let misses = refused(strict()) { $0.append(.maximumPacketSize, UInt32(size - 1)) }
            #expect(misses[number].reasonString == nil, "\(number)")
            #expect(misses.map(\.reason) == full.map(\.reason))
        }
        let client = TestClient(strict(), "c")
        client.asksWhy = true
        client.connect(method: "none", maximumPacketSize: 20)
        let connack = client.take()
        #expect(connack.map(\.reason) == [0x8C])
        #expect(connack.map(\.reasonString) == [nil])
    }

    /// [MQTT-3.2.2-19]
    @Test func aRefusedIdentifierIsExplainedWithinTheLimit() {
        for (limit, isExplained) in [(20, false), (200, true)] {
            var settings = BrokerSettings()
            settings.maximumClientIdentifierLength = 30
            let client = TestClient(World(settings), String(repeating: "c", count: 31))
            client.asksWhy = true
            client.connect(maximumPacketSize: UInt32(limit))
            let refusal = client.take()
            #expect(refusal.map(\.reason) == [0x85])
            #expect(refusal.map { $0.reasonString != nil } == [isExplained])
        }
    }

    @Test func goodPacketsSayNothing() {
        let client = TestClient.connected(strict(), "c")
        client.publish("open", qos: .atLeastOnce)
        client.send(client.subscribeBytes([("open", SubscriptionOptions(qos: .atMostOnce))], 2))
        #expect(client.take().map(\.rawProperties) == [[], []])
    }

    @Test func aPluginsTextThatIsNoTextIsNotSent() {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { _, ticket, _ in
            var answer = HookAnswer(result: Int32(ISTH_DENY))
            answer.details = AnswerDetails(reason: [0xFF])
            _ = plugin.world.broker.answer(ticket, answer)
            return Int(ISTH_LATER)
        }
        let client = TestClient(World(plugins: [plugin]), "c")
        client.connect()
        #expect(client.take().map(\.reasonString) == [nil])
    }

    /// A code that the packet does not have must not reach the client.
    @Test(arguments: [(UInt8(0x42), UInt8(0x83)), (0x8D, 0x83), (0x97, 0x97), (0x10, 0x10)])
    func aPluginsCodeIsOneOfThePacket(given: UInt8, told: UInt8) {
        let plugin = ScriptedPlugin()
        plugin.publish = { _, edit in
            _ = EditFunctions.reason(edit, given)
            return Int(ISTH_DENY)
        }
        let client = TestClient.connected(World(plugins: [plugin]), "c")
        client.publish("a", qos: .atLeastOnce)
        #expect(client.take().map(\.reason) == [told])
    }

    /// [MQTT-3.1.2-28]
    @Test(arguments: [
        (true, "answers/", true), (false, "answers/", false), (true, "", false), (nil, "answers/", false),
    ])
    func responseInformationIsForThoseWhoAsk(asks: Bool?, configured: String, isTold: Bool) {
        var settings = BrokerSettings()
        settings.responseInformation = Array(configured.utf8)
        let client = TestClient(World(settings), "c")
        client.connect { writer, _ in
            if let asks { writer.append(.requestResponseInformation, asks) }
        }
        let told = client.take().first?.property { $0.responseInformation?.string }
        #expect(told == (isTold ? "answers/" : nil))
    }
}
