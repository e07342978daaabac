// SPDX-License-Identifier: Apache-2.0
// What a broker refuses and gives up when memory is short.

import MQTT
import Testing

@testable import Broker

@Suite struct MemoryPressureTests {
    private let large = String(repeating: "x", count: 10_000)

    @Test(arguments: [ProtocolVersion.v5, .v311])
    func newSessionsAreRefusedAndOldOnesGoOn(version: ProtocolVersion) {
        let world = World()
        let here = TestClient.connected(world, "here", version)
        TestClient.connected(world, "away", version, cleanStart: false, sessionExpiry: 100).vanish()
        world.broker.adopt(.high)
        let stranger = TestClient(world, "stranger", version)
        stranger.connect()
        #expect(stranger.take().map(\.reason) == [version == .v5 ? 0x97 : 0x88] && stranger.isClosed)
        #expect(world.broker.counters.memoryRefused == 1)
        #expect(world.warnings.contains { $0.contains("node.max_memory") })
        let back = TestClient(world, "away", version)
        back.connect(cleanStart: false)
        #expect(back.take().map(\.reason) == [0])
        here.ping()
        #expect(here.takeTypes() == [.pingresp])
        world.broker.adopt(.none)
        let next = TestClient(world, "stranger", version)
        next.connect()
        #expect(next.take().map(\.reason) == [0])
    }

    /// An acknowledgement would say that the message is taken.
    @Test(arguments: [QoS.atLeastOnce, .exactlyOnce])
    func aClientThatCannotBeToldIsClosed(qos: QoS) {
        let world = World()
        let publisher = TestClient.connected(world, "p", .v311)
        world.broker.adopt(.high)
        publisher.publish("a", large)
        #expect(!publisher.isClosed)
        publisher.publish("a", large, qos: qos)
        #expect(publisher.takeTypes() == [] && publisher.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func largeMessagesAreRefusedAndSmallOnesGoOn() {
        let world = World()
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        world.broker.adopt(.high)
        for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] { publisher.publish("a", large, qos: qos) }
        #expect(publisher.take().map(\.reason) == [0x97, 0x97])
        #expect(world.broker.counters.memoryRefused == 3 && world.broker.counters.publishDropped == 3)
        publisher.publish("a", "small", qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) == [0])
        #expect(reader.takeTexts() == ["small"])
        world.broker.adopt(.none)
        publisher.publish("a", large)
        #expect(reader.takeTexts() == [large])
    }

    @Test func nothingIsRetainedOrDelayedAnew() {
        let world = World()
        let publisher = TestClient.connected(world, "p")
        publisher.publish("r", "before", retain: true)
        world.broker.adopt(.high)
        publisher.publish("r", "after all", retain: true)
        publisher.publish("r/2", "new", retain: true)
        #expect(world.broker.retainedCount == 1 && world.broker.counters.retainedDropped == 2)
        publisher.publish("$delayed/5/a", "x", qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) == [0x97])
        publisher.publish("r", "", retain: true)
        #expect(world.broker.retainedCount == 0)
    }

    @Test func theLargestTakersAreGivenUpFirst() {
        let world = World()
        for (name, count) in [("much", 20), ("some", 5)] {
            let client = TestClient.connected(world, name, sessionExpiry: 1000)
            client.subscribe(name, .atLeastOnce)
            client.vanish()
            let publisher = TestClient.connected(world, "p")
            for _ in 0..<count { publisher.publish(name, large, qos: .atLeastOnce) }
            publisher.disconnect()
        }
        let blocked = TestClient.connected(world, "blocked")
        blocked.subscribe("b")
        blocked.transport.room = 0
        let publisher = TestClient.connected(world, "p")
        for _ in 0..<10 { publisher.publish("b", large) }
        world.broker.adopt(.severe)
        let before = world.broker.sheddableBytes
        #expect(before > 350_000)
        let shed = world.broker.shed(1)
        world.settle()
        #expect(shed > 200_000 && !blocked.isClosed)
        #expect(world.warnings.contains { $0.contains("much: 20 messages") })
        _ = world.broker.shed(1)
        world.settle()
        #expect(blocked.isClosed && world.broker.outputBytes == 0)
        #expect(world.broker.counters.memoryShed == 2)
        #expect(world.broker.sheddableBytes > 50_000)
        _ = world.broker.shed(.max)
        #expect(world.broker.sheddableBytes == 0)
        // The session itself is still there, with its subscriptions.
        world.broker.adopt(.none)
        publisher.publish("some", "new", qos: .atLeastOnce)
        let back = TestClient(world, "some")
        back.connect(cleanStart: false)
        #expect(back.takeTexts() == ["new"])
    }

    @Test func queuesDoNotGrowWhenItIsSevere() {
        let world = World()
        let client = TestClient.connected(world, "away", sessionExpiry: 1000)
        client.subscribe("a", .atLeastOnce)
        client.vanish()
        let publisher = TestClient.connected(world, "p")
        for i in 0..<5 { publisher.publish("a", "\(i)", qos: .atLeastOnce) }
        let before = world.broker.queuedBytes.pointee.total
        world.broker.adopt(.severe)
        for i in 5..<50 { publisher.publish("a", "\(i)", qos: .atLeastOnce) }
        #expect(world.broker.queuedBytes.pointee.total <= before + 100)
        let back = TestClient(world, "away")
        back.connect(cleanStart: false)
        #expect(back.takeTexts().last == "49")
    }
}
