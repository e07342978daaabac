// SPDX-License-Identifier: Apache-2.0
// When a will is published, and when it is not.

import MQTT
import Testing

@testable import Broker

@Suite struct WillTests {
    private let world = World()
    private let witness: TestClient

    init() {
        witness = TestClient.connected(world, "witness", .v311)
        witness.subscribe("w/#", .exactlyOnce)
    }

    private func client(
        _ will: TestClient.Will = .init(topic: "w"),
        _ version: ProtocolVersion = .v5,
        expiry: UInt32? = nil
    ) -> TestClient {
        TestClient.connected(world, "c", version, cleanStart: expiry == nil, sessionExpiry: expiry, will: will)
    }

    @Test(arguments: [ProtocolVersion.v31, .v311, .v5])
    func aLostConnectionPublishesTheWill(version: ProtocolVersion) {
        let client = client(.init(topic: "w/a", payload: "bye", qos: .atLeastOnce), version)
        client.vanish()
        let packets = witness.take()
        #expect(packets.map(\.text) == ["bye"])
        #expect(packets.map(\.topic) == ["w/a"])
        #expect(packets.map(\.qos) == [1])
    }

    @Test func aDisconnectDropsTheWill() {
        client().disconnect()
        #expect(witness.take().isEmpty)
    }

    @Test func aDisconnectWithWillPublishesIt() {
        client().disconnect(.disconnectWithWill)
        #expect(witness.takeTexts() == ["gone"])
    }

    @Test func aProtocolErrorPublishesTheWill() {
        client().send([0x00, 0x00])
        #expect(witness.takeTexts() == ["gone"])
    }

    @Test func aRetainedWillIsRetained() {
        client(.init(topic: "w", retain: true)).vanish()
        #expect(world.broker.retainedCount == 1)
    }

    @Test func aDelayedWillWaits() {
        client(.init(topic: "w", delay: 10), expiry: 100).vanish()
        world.advance(9999)
        #expect(witness.take().isEmpty)
        world.advance(1)
        #expect(witness.takeTexts() == ["gone"])
        #expect(world.broker.sessionCount == 2)
        world.advance(seconds: 90)
        #expect(world.broker.sessionCount == 1)
        #expect(witness.take().isEmpty)
    }

    @Test func theEndOfTheSessionPublishesADelayedWill() {
        client(.init(topic: "w", delay: 100), expiry: 10).vanish()
        world.advance(9999)
        #expect(witness.take().isEmpty)
        world.advance(1)
        #expect(witness.takeTexts() == ["gone"])
    }

    @Test func aSessionThatEndsWithItsConnectionHasNoDelay() {
        client(.init(topic: "w", delay: 100)).vanish()
        #expect(witness.takeTexts() == ["gone"])
    }

    @Test func aClientThatComesBackInTimeTakesItsWillBack() {
        client(.init(topic: "w", delay: 10), expiry: 100).vanish()
        world.advance(seconds: 5)
        let back = TestClient(world, "c")
        back.connect(cleanStart: false, sessionExpiry: 100)
        #expect(back.take()[0].sessionPresent)
        world.advance(seconds: 50)
        #expect(witness.take().isEmpty)
    }

    @Test func aCleanStartPublishesADelayedWill() {
        client(.init(topic: "w", delay: 10), expiry: 100).vanish()
        TestClient(world, "c").connect()
        #expect(witness.takeTexts() == ["gone"])
    }

    @Test func takingOverPublishesAWillWithoutDelay() {
        let first = client(.init(topic: "w"), expiry: 100)
        TestClient(world, "c").connect(cleanStart: false, sessionExpiry: 100)
        #expect(first.take().map(\.reason) == [0x8E])
        #expect(witness.takeTexts() == ["gone"])
    }

    @Test func takingOverCancelsADelayedWill() {
        _ = client(.init(topic: "w", delay: 10), expiry: 100)
        TestClient(world, "c").connect(cleanStart: false, sessionExpiry: 100)
        world.advance(seconds: 60)
        #expect(witness.take().isEmpty)
    }

    /// The old session ends with its connection, and with it the delay. [MQTT-3.1.3-9]
    @Test func takingOverASessionThatEndsPublishesADelayedWill() {
        _ = client(.init(topic: "w", delay: 10))
        TestClient(world, "c").connect(cleanStart: false, sessionExpiry: 100)
        #expect(witness.takeTexts() == ["gone"])
    }

    @Test func theExpiryOfAWillCountsFromItsPublication() {
        let reader = TestClient.connected(world, "reader", cleanStart: false, sessionExpiry: 1000)
        reader.subscribe("w", .atLeastOnce)
        client(.init(topic: "w", qos: .atLeastOnce, delay: 20, expiry: 5), expiry: 100).vanish()
        world.advance(seconds: 21)
        let packets = reader.take()
        #expect(packets.map { $0.property(\.messageExpiryInterval) } == [5])
    }
}
