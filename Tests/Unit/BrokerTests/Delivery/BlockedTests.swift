// SPDX-License-Identifier: Apache-2.0
// A receiver whose socket is full: QoS 0 is dropped from a certain amount on, the rest waits, nothing is torn.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct BlockedTests {
    /// Messages with and without properties take different ways.
    @Test(arguments: [false, true])
    func qos0IsDroppedAboveTheWatermarkAndCounted(hasProperties: Bool) {
        var settings = BrokerSettings()
        settings.highWatermark = 1000
        let world = World(settings)
        let slow = TestClient.connected(world, "slow")
        slow.subscribe("a", .atLeastOnce)
        let quick = TestClient.connected(world, "quick")
        quick.subscribe("a", .atLeastOnce)
        slow.transport.room = 10
        let publisher = TestClient.connected(world, "p")
        for i in 0..<50 {
            publisher.publish("a", "\(i)" + String(repeating: "x", count: 98)) { writer, text in
                if hasProperties { writer.append(.contentType, text("t")) }
            }
        }
        #expect(quick.takeTexts().count == 50)
        let dropped = Int(world.broker.counters.publishDropped)
        #expect(dropped > 30 && dropped < 45)
        publisher.publish("a", "kept", qos: .atLeastOnce)
        slow.transport.room = nil
        world.broker.writable(slow.identifier)
        world.settle()
        let texts = slow.takeTexts()
        #expect(texts.count == 50 - dropped + 1)
        #expect(texts.last == "kept")
        publisher.publish("a", "again")
        #expect(slow.takeTexts() == ["again"])
    }

    @Test func anyPortionsMakeTheSameStream() {
        var random = SeededRandom()
        let world = World()
        let slow = TestClient.connected(world, "slow", cleanStart: false, sessionExpiry: 100)
        slow.subscribe("a", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        var expected: [String] = []
        slow.transport.room = 0
        for i in 0..<30 {
            let text = "\(i)" + String(repeating: "q", count: random.pick([0, 10, 8191, 8192, 20_000]))
            publisher.publish("a", text, qos: random.pick([.atMostOnce, .atLeastOnce]))
            expected.append(text)
            slow.transport.room = random.pick([0, 1, 5, 8000, 9000])
            world.broker.writable(slow.identifier)
            world.settle()
        }
        var texts: [String] = []
        repeat {
            slow.transport.room = nil
            world.broker.writable(slow.identifier)
            world.settle()
            texts += slow.takeTexts()
        } while texts.count < expected.count && slow.hasCutPacket
        #expect(texts == expected, "seed \(random.seed)")
    }

    @Test func aBlockedConnectionMayEnd() {
        let world = World()
        let slow = TestClient.connected(world, "slow")
        slow.subscribe("a", .atLeastOnce)
        slow.transport.room = 3
        let publisher = TestClient.connected(world, "p")
        for _ in 0..<5 { publisher.publish("a", String(repeating: "x", count: 10_000), qos: .atLeastOnce) }
        slow.vanish()
        #expect(slow.isClosed)
        publisher.disconnect()
        #expect(world.leftovers == [:])
    }
}
