// SPDX-License-Identifier: Apache-2.0
// Topic aliases from the broker to clients that take them.

import MQTT
import TestRandom
import Testing

@testable import Broker

extension TestClient {
    /// A client that takes topic aliases.
    static func aliased(_ world: World, _ name: String, _ maximum: UInt16, packetSize: UInt32? = nil) -> TestClient {
        let client = TestClient(world, name)
        let keeper = TextKeeper()
        let packet = ConnectPacket(
            version: .v5,
            clientIdentifier: keeper(name),
            cleanStart: false,
            keepAlive: 0,
            properties: client.properties { writer in
                writer.append(.topicAliasMaximum, UInt32(maximum))
                writer.append(.sessionExpiryInterval, 100)
                if let packetSize { writer.append(.maximumPacketSize, packetSize) }
            },
            will: nil,
            userName: nil,
            password: nil
        )
        client.send(encoded { packet.encode(into: &$0) })
        _ = client.transport.take()
        return client
    }
}

@Suite struct AliasTests {
    private let world = World()

    /// What the packets say of their topics, with aliases put back; nil where an alias is not known.
    private func resolve(_ packets: [Packet], _ known: inout [UInt16: String], maximum: UInt16) -> [String?] {
        packets.map { packet in
            guard let alias = packet.property(\.topicAlias) else { return packet.topic.isEmpty ? nil : packet.topic }
            #expect(alias >= 1 && alias <= maximum)
            if !packet.topic.isEmpty { known[alias] = packet.topic }
            return known[alias]
        }
    }

    @Test func aTopicIsLeftOutFromTheSecondTimeOn() {
        let reader = TestClient.aliased(world, "r", 10)
        reader.subscribe("sensors/#", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        for _ in 0..<4 { publisher.publish("sensors/temperature", "x", qos: .atLeastOnce) }
        let packets = reader.take()
        let topic = "sensors/temperature"
        #expect(packets.map(\.topic) == [topic, "", "", ""])
        let aliases = packets.map { $0.property(\.topicAlias) }
        #expect(aliases[0] != nil && Set(aliases).count == 1)
    }

    /// Whoever comes once must not take an alias from a topic that comes often.
    @Test func aTopicThatComesOnceGetsNoPlaceOfAnother() {
        let reader = TestClient.aliased(world, "r", 1)
        reader.subscribe("sensors/#")
        let publisher = TestClient.connected(world, "p")
        for _ in 0..<3 { publisher.publish("sensors/temperature") }
        publisher.publish("sensors/humidity")
        publisher.publish("sensors/temperature")
        #expect(reader.take().map(\.topic) == ["sensors/temperature", "", "", "sensors/humidity", ""])
    }

    @Test(arguments: [UInt16(1), 2, 3, 7, 32, 1000])
    func everyTopicIsUnderstood(maximum: UInt16) {
        var random = SeededRandom()
        let reader = TestClient.aliased(world, "r", maximum)
        reader.subscribe("#")
        let publisher = TestClient.connected(world, "p")
        var known: [UInt16: String] = [:]
        var saved = 0
        for _ in 0..<3000 {
            // Some topics often, many seldom.
            let number = random.below(3) > 0 ? random.below(4) : random.below(200)
            publisher.publish("building/floor/\(number)")
            let packets = reader.take()
            saved += packets.filter(\.topic.isEmpty).count
            #expect(resolve(packets, &known, maximum: min(maximum, 32)) == ["building/floor/\(number)"])
        }
        #expect(saved > (maximum < 4 ? 50 : 1000), "saved \(saved), seed \(random.seed)")
    }

    @Test func noneForThoseWhoTakeNoneOrWhereSwitchedOff() {
        var settings = BrokerSettings()
        settings.maximumOutgoingTopicAlias = 0
        for (world, maximum) in [(World(settings), UInt16(10)), (World(), 0)] {
            let reader = TestClient.aliased(world, "r", maximum)
            reader.subscribe("#")
            let publisher = TestClient.connected(world, "p")
            for _ in 0..<5 { publisher.publish("a/long/topic") }
            #expect(reader.take().allSatisfy { $0.property(\.topicAlias) == nil && $0.topic == "a/long/topic" })
            #expect(world.broker.connections[reader.identifier.slot].pointee.outgoingAliases == nil)
        }
    }

    @Test func aShortTopicGetsNone() {
        let reader = TestClient.aliased(world, "r", 10)
        reader.subscribe("#")
        let publisher = TestClient.connected(world, "p")
        for _ in 0..<4 { publisher.publish("a/b") }
        #expect(reader.take().allSatisfy { $0.topic == "a/b" && $0.property(\.topicAlias) == nil })
    }

    @Test func aPacketThatIsTooLargeSetsNoAlias() {
        // 24 bytes of topic, 2 of length, 2 of header, 1 of properties, 1 of payload; the alias needs 3 more.
        let topic = "a/topic/of/twenty/4/byte"
        let reader = TestClient.aliased(world, "r", 10, packetSize: 30)
        reader.subscribe("#")
        let publisher = TestClient.connected(world, "p")
        for _ in 0..<4 { publisher.publish(topic, "x") }
        let packets = reader.take()
        #expect(packets.count == 4)
        #expect(packets.allSatisfy { $0.topic == topic && $0.property(\.topicAlias) == nil })
        publisher.publish(topic, "much too long for this client")
        #expect(reader.take().isEmpty)
        publisher.publish(topic, "x")
        #expect(reader.take().map(\.topic) == [topic])
    }

    @Test func aNewConnectionKnowsNoAliases() {
        var reader = TestClient.aliased(world, "r", 10)
        reader.subscribe("#", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        for i in 0..<4 { publisher.publish("sensors/temperature", "\(i)", qos: .atLeastOnce) }
        _ = reader.take()
        reader.vanish()
        reader = TestClient(world, "r")
        reader.connect(cleanStart: false, sessionExpiry: 100)
        let again = reader.take().filter { $0.type == .publish }
        #expect(again.map(\.text) == ["0", "1", "2", "3"])
        #expect(again.allSatisfy { $0.dup && $0.topic == "sensors/temperature" })
    }

    @Test func aliasesAndFanOutsGoTogether() {
        let readers = [
            TestClient.aliased(world, "r1", 5), TestClient.aliased(world, "r2", 0),
            TestClient.connected(world, "r3", .v311),
        ]
        for reader in readers { reader.subscribe("#", .atMostOnce) }
        let publisher = TestClient.connected(world, "p")
        for i in 0..<5 { publisher.publish("one/for/all", "\(i)") }
        var known: [UInt16: String] = [:]
        let packets = readers.map { $0.take() }
        for packets in packets { #expect(packets.map(\.text) == ["0", "1", "2", "3", "4"]) }
        #expect(packets[0].filter(\.topic.isEmpty).count == 4)
        #expect(resolve(packets[0], &known, maximum: 5).allSatisfy { $0 == "one/for/all" })
        #expect(packets[1].allSatisfy { $0.topic == "one/for/all" })
    }
}
