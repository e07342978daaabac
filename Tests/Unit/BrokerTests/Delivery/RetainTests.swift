// SPDX-License-Identifier: Apache-2.0
// Retained messages: kept, replaced, cleared, and told to new subscriptions as their options say.

import MQTT
import Testing

@testable import Broker

@Suite struct RetainTests {
    private let world = World()
    private func client(_ name: String, _ version: ProtocolVersion = .v5) -> TestClient {
        TestClient.connected(world, name, version)
    }

    private func publish(_ topic: String, _ text: String, qos: QoS = .atMostOnce) {
        client("p").publish(topic, text, qos: qos, retain: true)
    }

    @Test(arguments: [ProtocolVersion.v31, .v311, .v5])
    func aNewSubscriptionIsToldTheLastMessage(version: ProtocolVersion) {
        publish("a/b", "old", qos: .exactlyOnce)
        publish("a/b", "new", qos: .exactlyOnce)
        publish("a/c", "other")
        publish("$x/b", "hidden")
        let reader = client("r", version)
        reader.subscribe("+/b", .atLeastOnce)
        let packets = reader.take()
        #expect(packets.map(\.text) == ["new"])
        #expect(packets.map(\.qos) == [1])
        #expect(packets.allSatisfy { $0.retain })
    }

    @Test func anEmptyPayloadClears() {
        publish("a", "x")
        let reader = client("r")
        reader.subscribe("a", .atMostOnce)
        #expect(reader.takeTexts() == ["x"])
        publish("a", "")
        // Those who are there get it like any message.
        #expect(reader.takeTexts() == [""])
        #expect(world.broker.retainedCount == 0)
        #expect(world.broker.retained.nodeCount == 0)
        reader.subscribe("a", .atMostOnce)
        #expect(reader.take().isEmpty)
    }

    @Test func retainHandlingDecides() {
        publish("a", "x")
        func texts(_ handling: SubscriptionOptions.RetainHandling, _ client: TestClient) -> [String] {
            client.subscribe([("a", SubscriptionOptions(qos: .atMostOnce, retainHandling: handling))])
            return client.takeTexts()
        }
        let reader = client("r")
        #expect(texts(.doNotSend, reader) == [])
        #expect(texts(.sendIfNew, reader) == [])
        #expect(texts(.sendAtSubscribe, reader) == ["x"])
        let other = client("o")
        #expect(texts(.sendIfNew, other) == ["x"])
        #expect(texts(.sendIfNew, other) == [])
        other.subscribe("$share/g/a", .atMostOnce)
        #expect(other.take().isEmpty)
    }

    @Test func theRetainFlagOfLiveMessagesIsKeptOnlyWhereAsked() {
        let plain = client("plain")
        plain.subscribe("a", .atLeastOnce)
        let keeping = client("keeping")
        keeping.subscribe([("a", SubscriptionOptions(qos: .atLeastOnce, retainAsPublished: true))])
        publish("a", "x", qos: .atLeastOnce)
        #expect(plain.take().map(\.retain) == [false])
        #expect(keeping.take().map(\.retain) == [true])
    }

    @Test func anExpiredMessageIsNotToldAndForgotten() {
        client("p").publish("a", "x", retain: true) { writer, _ in writer.append(.messageExpiryInterval, 10) }
        world.advance(seconds: 4)
        let reader = client("r")
        reader.subscribe("a", .atMostOnce)
        #expect(reader.take().map { $0.property(\.messageExpiryInterval) } == [6])
        world.advance(seconds: 6)
        reader.subscribe("a", .atMostOnce)
        #expect(reader.take().isEmpty)
        #expect(world.broker.retainedCount == 0)
    }

    @Test func moreRetainedMessagesThanInFlightAllArrive() {
        var settings = BrokerSettings()
        settings.maximumQueueLength = 10
        let world = World(settings)
        let publisher = TestClient.connected(world, "p")
        for i in 0..<100 { publisher.publish("a/\(i)", "\(i)", qos: .atLeastOnce, retain: true) }
        let reader = TestClient.connected(world, "r", receiveMaximum: 4)
        reader.subscribe("a/#", .atLeastOnce)
        let texts = reader.takeAndAcknowledge().map { Int($0.text) ?? -1 }
        #expect(texts.sorted() == Array(0..<100))
    }

    @Test func limitsAreKept() {
        var settings = BrokerSettings()
        settings.maximumRetainedMessages = 2
        settings.maximumRetainedPayload = 5
        let world = World(settings)
        let publisher = TestClient.connected(world, "p")
        for topic in ["a", "b", "c", "a"] { publisher.publish(topic, "x", retain: true) }
        publisher.publish("b", "too long", retain: true)
        #expect(world.broker.retainedCount == 2)
        #expect("b".withView { world.broker.retained[$0]?.payload.string } == "x")
        #expect(world.warnings.count == 2)
        #expect(world.warnings[0].contains("retainer.max_retained_messages"))
        #expect(world.warnings[1].contains("retainer.max_payload_size"))
    }

    @Test func aTopicOfTensOfThousandsOfLevelsIsRefused() {
        let deep = String(repeating: "/", count: 60_000)
        let publisher = client("p")
        publisher.publish(deep, "x", retain: true)
        #expect(publisher.isClosed)
        #expect(world.broker.retainedCount == 0)
    }

    @Test func theBrokersOwnMessagesAreRetained() {
        world.broker.publishSystem(topic: "$SYS/version", payload: "1")
        let reader = client("r")
        reader.subscribe("$SYS/#", .atMostOnce)
        #expect(reader.takeTexts() == ["1"])
    }
}
