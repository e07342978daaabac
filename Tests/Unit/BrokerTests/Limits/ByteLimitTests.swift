// SPDX-License-Identifier: Apache-2.0
// Bytes have bounds, not only messages: of one queue and of all, of what is delayed, retained and waits for sockets.

import MQTT
import Synchronization
import TestRandom
import Testing

@testable import Broker

@Suite struct ByteLimitTests {
    private func text(_ i: Int, _ size: Int = 1000) -> String { "\(i) " + String(repeating: "x", count: size) }

    private func absent(_ world: World, _ name: String, loop: Int = 0, _ filter: String = "a") {
        let client = TestClient.connected(world, name, loop: loop, sessionExpiry: 1000)
        client.subscribe(filter, .atLeastOnce)
        client.vanish()
    }

    private func number(_ text: String) -> Int? { text.split(separator: " ").first.flatMap { Int($0) } }

    @Test func aQueueLosesItsOldestForItsBytes() {
        var settings = BrokerSettings()
        settings.maximumQueueBytes = 10_000
        let world = World(settings)
        absent(world, "away")
        let publisher = TestClient.connected(world, "p")
        for i in 0..<50 { publisher.publish("a", text(i), qos: .atLeastOnce) }
        #expect(world.broker.queuedBytes.pointee.total <= 10_000)
        #expect(world.broker.counters.queueFullDropped == world.broker.counters.publishDropped)
        #expect((1...3).contains(world.warnings.filter { $0.contains("mqtt.max_mqueue_bytes") }.count))
        let back = TestClient(world, "away")
        back.connect(cleanStart: false, sessionExpiry: 0)
        let numbers = back.takeAndAcknowledge().filter { $0.type == .publish }.compactMap { number($0.text) }
        #expect(numbers.count >= 8 && numbers == Array(50 - numbers.count..<50))
        #expect(Int(world.broker.counters.queueFullDropped) == 50 - numbers.count)
        for client in [back, publisher] { client.disconnect() }
        #expect(world.leftovers == [:])
    }

    /// It would push out everything, and not even then fit.
    @Test func aMessageLargerThanTheQueueIsLostAlone() {
        var settings = BrokerSettings()
        settings.maximumQueueBytes = 3000
        settings.queuePriorities = QueuePriorities([(topic: "b", priority: 9)], fallback: 0)
        let world = World(settings)
        absent(world, "away", "#")
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "small", qos: .atLeastOnce)
        publisher.publish("b", text(1, 5000), qos: .atLeastOnce)
        let back = TestClient(world, "away")
        back.connect(cleanStart: false)
        #expect(back.takeTexts() == ["small"])
        #expect(world.broker.counters.queueFullDropped == 1)
    }

    @Test func aPublisherWaitsForTheBytesOfItsReceiver() {
        var settings = BrokerSettings()
        settings.maximumInflight = 2
        settings.maximumQueueBytes = 10_000
        let world = World(settings)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        var sent = 0
        while !publisher.transport.isPaused, sent < 100 {
            publisher.publish("a", text(sent), qos: .atLeastOnce)
            sent += 1
        }
        #expect(publisher.transport.isPaused && sent < 20)
        #expect(reader.takeAndAcknowledge().filter { $0.type == .publish }.count == sent)
        #expect(!publisher.transport.isPaused)
        #expect(world.broker.counters.publishDropped == 0)
    }

    /// A message that waits in many queues is in memory once.
    @Test func allQueuesCountAMessageOnce() {
        let world = World()
        for i in 0..<20 { absent(world, "away \(i)") }
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", text(0, 50_000), qos: .atLeastOnce)
        let total = world.broker.queuedBytes.pointee.total
        #expect(total > 50_000 && total < 55_000)
    }

    /// Each loop counts for itself; the bound is for all of them.
    @Test(arguments: [1, 2])
    func allQueuesTogetherAreBounded(loops: Int) {
        var settings = BrokerSettings()
        settings.maximumQueueBytesInAll = 100_000
        let world = World(loops: loops, settings)
        for i in 0..<40 { absent(world, "away \(i)", loop: i % loops, "a/\(i)") }
        let publisher = TestClient.connected(world, "p")
        for round in 0..<20 {
            for i in 0..<40 { publisher.publish("a/\(i)", text(round), qos: .atLeastOnce) }
        }
        let total = world.brokers.map { $0.queuedBytes.pointee.total }.reduce(0, +)
        #expect(total > 90_000 && total <= 101_000)
        #expect(world.warnings.contains { $0.contains("mqtt.max_all_mqueue_bytes") })
        // Who has something gives of its own: nobody else's is taken for it.
        let back = TestClient(world, "away 0")
        back.connect(cleanStart: false)
        let numbers = back.takeTexts().compactMap { number($0) }
        #expect(numbers.last == 19)
    }

    /// Whatever is queued, sent, moved between loops and lost: at the end nothing is counted any more.
    @Test func theSumsComeOutEven() {
        var random = SeededRandom()
        var settings = BrokerSettings()
        settings.maximumInflight = 2
        settings.maximumQueueLength = 10
        settings.maximumQueueBytes = 3000
        settings.maximumQueueBytesInAll = 9000
        settings.queuePriorities = QueuePriorities([(topic: "p", priority: 3)], fallback: 0)
        let world = World(loops: 2, settings)
        let publishers = (0..<2).map { TestClient.connected(world, "pub \($0)", loop: $0) }
        let names = (0..<6).map { "s \($0)" }
        for _ in 0..<400 {
            let name = random.pick(names)
            switch random.below(6) {
            case 0:
                let client = TestClient(world, name, loop: random.below(2))
                client.connect(cleanStart: random.below(5) == 0, sessionExpiry: random.pick([0, 100, 1000]))
                client.subscribe("#", random.pick([.atMostOnce, .atLeastOnce]))
                client.subscribe("$share/g/#", .atLeastOnce)
                if random.below(2) == 0 { _ = client.takeAndAcknowledge() }
                if random.below(2) == 0 { client.vanish() }
            case 1: world.advance(UInt64(random.below(3000)))
            default:
                let size = random.pick([1, 100, 900, 4000])
                random.pick(publishers).publish(
                    random.pick(["p", "q"]),
                    String(repeating: "x", count: size),
                    qos: random.pick([.atMostOnce, .atLeastOnce])
                )
            }
            for broker in world.brokers { #expect(broker.queuedBytes.pointee.total >= 0, "seed \(random.seed)") }
        }
        for publisher in publishers { publisher.disconnect() }
        for name in names {
            let client = TestClient(world, name)
            client.connect(cleanStart: true)
            client.disconnect()
        }
        world.advance(seconds: 2000)
        #expect(world.leftovers == [:], "seed \(random.seed)")
    }

    // MARK: Delayed and retained

    @Test func delayedMessagesAreBoundedByTheirBytes() {
        var settings = BrokerSettings()
        settings.maximumDelayedBytes = 10_000
        let world = World(settings)
        let publisher = TestClient.connected(world, "p")
        for i in 0..<20 { publisher.publish("$delayed/5/a", text(i), qos: .atLeastOnce) }
        let reasons = publisher.take().map(\.reason)
        let kept = reasons.filter { $0 != ReasonCode.quotaExceeded.rawValue }.count
        #expect(kept >= 7 && kept < 10 && reasons.suffix(20 - kept).allSatisfy { $0 == 0x97 })
        #expect(world.broker.counters.delayedDropped == UInt64(20 - kept))
        #expect((1...3).contains(world.warnings.filter { $0.contains("delayed.max_delayed_bytes") }.count))
        world.advance(seconds: 5)
        #expect(world.registry.delayedBytes.load(ordering: .relaxed) == 0)
        publisher.publish("$delayed/5/a", text(1), qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) != [0x97])
    }

    @Test(arguments: [0, 1])
    func retainedMessagesAreBoundedByTheirBytes(loop: Int) {
        var settings = BrokerSettings()
        settings.maximumRetainedBytes = 20_000
        let world = World(loops: 2, settings)
        let publisher = TestClient.connected(world, "p", loop: loop)
        for i in 0..<40 { publisher.publish("r/\(i)", text(i), retain: true) }
        let kept = world.broker.retainedCount
        #expect(kept > 10 && kept < 20 && world.broker.retained.bytes <= 20_000)
        #expect(world.broker.counters.retainedDropped == UInt64(40 - kept))
        #expect((1...3).contains(world.warnings.filter { $0.contains("retainer.max_retained_bytes") }.count))
        // A shorter one in place of another, and clearing, are always possible.
        publisher.publish("r/0", "short", retain: true)
        publisher.publish("r/1", "", retain: true)
        #expect(world.broker.retainedCount == kept - 1)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("r/0")
        #expect(reader.takeTexts() == ["short"])
        for i in 0..<40 { publisher.publish("r/\(i)", "", retain: true) }
        #expect(world.broker.retainedCount == 0 && world.broker.retained.bytes < 500)
    }

    // MARK: Output

    /// Each of them may have more for itself than all may have together.
    @Test(arguments: [1, 2])
    func outputOfAllClientsIsBounded(loops: Int) {
        var settings = BrokerSettings()
        settings.highWatermark = 100_000
        settings.maximumOutputBytes = 400_000
        let world = World(loops: loops, settings)
        let slow = (0..<40).map { i in
            let client = TestClient.connected(world, "slow \(i)", loop: i % loops)
            client.subscribe("a")
            client.transport.room = 0
            return client
        }
        let quick = TestClient.connected(world, "quick")
        quick.subscribe("a")
        let publisher = TestClient.connected(world, "p")
        var received = 0
        for i in 0..<200 {
            publisher.publish("a", text(i))
            received += quick.takeTexts().count
        }
        // Nobody who reads loses anything.
        #expect(received == 200)
        let total = world.brokers.map(\.outputBytes).reduce(0, +)
        #expect(total > 100_000 && total < 500_000)
        #expect(world.brokers.map(\.counters.outputFullDropped).reduce(0, +) > 0)
        #expect(world.warnings.contains { $0.contains("mqtt.max_output_bytes") })
        for client in slow {
            client.transport.room = nil
            client.broker.writable(client.identifier)
        }
        world.settle()
        #expect(world.brokers.map(\.outputBytes).reduce(0, +) == 0)
        #expect(world.brokers.map(\.blockedCount).reduce(0, +) == 0)
        publisher.publish("a", "again")
        #expect(slow.allSatisfy { $0.takeTexts().last == "again" })
        for client in slow + [quick, publisher] { client.disconnect() }
        #expect(world.leftovers == [:])
    }

    // MARK: Sessions

    @Test(arguments: [1, 2])
    func tooManySessionsAreRefused(loops: Int) {
        var settings = BrokerSettings()
        settings.maximumSessions = 3
        let world = World(loops: loops, settings)
        absent(world, "away")
        let others = (0..<2).map { TestClient.connected(world, "c \($0)", loop: loops - 1) }
        let one = TestClient(world, "one too many")
        one.connect()
        #expect(one.take().map(\.reason) == [ReasonCode.quotaExceeded.rawValue] && one.isClosed)
        let old = TestClient(world, "one too many", .v311)
        old.connect()
        #expect(old.isClosed)
        #expect(world.broker.counters.sessionsRefused == 2)
        // Who has a session goes on with it, or begins a new one in its place.
        for cleanStart in [false, true] {
            let back = TestClient(world, "away", loop: loops - 1)
            back.connect(cleanStart: cleanStart, sessionExpiry: 1000)
            #expect(back.take().map(\.reason) == [0])
            back.vanish()
        }
        others[0].disconnect()
        let next = TestClient(world, "next")
        next.connect()
        #expect(next.take().map(\.reason) == [0])
    }

    @Test func aLongerLifeIsShortenedAndTold() {
        var settings = BrokerSettings()
        settings.maximumSessionExpiryInterval = 60
        let world = World(settings)
        for (asked, told) in [(UInt32(61), UInt32(60)), (.max, 60)] {
            let client = TestClient(world, "c")
            client.connect(sessionExpiry: asked)
            #expect(client.take().first?.property(\.sessionExpiryInterval) == told)
            client.vanish()
            world.advance(59_999)
            #expect(world.broker.sessionCount == 1)
            world.advance(1)
            #expect(world.broker.sessionCount == 0)
        }
        for asked: UInt32? in [nil, 0, 60] {
            let client = TestClient(world, "c")
            client.connect(sessionExpiry: asked)
            #expect(client.take().first?.property(\.sessionExpiryInterval) == .some(nil))
            client.disconnect()
        }
        world.advance(60_000)
        let client = TestClient.connected(world, "c", sessionExpiry: 30)
        client.disconnect(sessionExpiry: 5000)
        world.advance(60_000)
        #expect(world.broker.sessionCount == 0)
        let old = TestClient.connected(world, "old", .v311, cleanStart: false)
        old.vanish()
        world.advance(60_000)
        #expect(world.broker.sessionCount == 0)
    }
}
