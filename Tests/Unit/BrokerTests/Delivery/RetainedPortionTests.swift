// SPDX-License-Identifier: Apache-2.0
// Very many retained messages: found, expired and delivered without holding anybody up.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct RetainedPortionTests {
    private func fill(_ world: World, _ count: Int, qos: UInt8 = 0) {
        for i in 0..<count {
            world.broker.store(makeMessage("site/\(i % 100)/device/\(i)/state", "\(i)", qos: qos, retain: true))
        }
    }

    private func numbers(_ client: TestClient) -> [Int] { client.takeTexts().compactMap { Int($0) } }

    @Test func twoHundredThousandComeInPortions() {
        let world = World()
        fill(world, 200_000)
        #expect(world.broker.retainedCount == 200_000)
        let reader = TestClient.connected(world, "r")
        let other = TestClient.connected(world, "o")
        other.subscribe("live")
        reader.subscribe("site/#")
        var seen = Set(numbers(reader))
        #expect(seen.count < 5000)
        var turns = 0
        while seen.count < 200_000, turns < 1000 {
            world.advance(1)
            let portion = numbers(reader)
            #expect(portion.count <= 4096)
            for number in portion { #expect(seen.insert(number).inserted) }
            // Others are served in between.
            other.publish("live", "\(turns)")
            #expect(other.takeTexts() == ["\(turns)"])
            turns += 1
        }
        #expect(seen.count == 200_000)
        #expect(world.broker.retainedRequests.isEmpty && world.broker.retained.parkedCount == 0)
        reader.subscribe("site/7/device/+/state")
        world.advance(100)
        #expect(numbers(reader).count == 2000)
        reader.subscribe("site/7/device/107/state")
        #expect(numbers(reader) == [107])
    }

    @Test(arguments: [0, 1])
    func aSlowSubscriberIsWaitedFor(loop: Int) {
        let world = World(loops: 2)
        fill(world, 60_000)
        let reader = TestClient.connected(world, "r", loop: loop)
        reader.transport.room = 1000
        reader.subscribe("#")
        world.advance(seconds: 10)
        let slot = reader.identifier.slot
        let waiting = world.brokers[loop].connections[slot].pointee.output.pending
        #expect(waiting < world.brokers[loop].settings.highWatermark)
        reader.transport.room = nil
        for _ in 0..<200 {
            world.brokers[loop].writable(reader.identifier)
            world.settle()
            world.advance(10)
        }
        #expect(Set(numbers(reader)).count == 60_000)
        #expect(world.brokers[loop].counters.publishDropped == 0)
    }

    @Test(arguments: [0, 1])
    func acknowledgedOnesFollowTheAcknowledgements(loop: Int) {
        let world = World(loops: 2)
        fill(world, 3000, qos: 1)
        let reader = TestClient.connected(world, "r", loop: loop, receiveMaximum: 10)
        reader.subscribe("#", .atLeastOnce)
        world.advance(seconds: 10)
        let session = world.brokers[loop].sessions[
            world.brokers[loop].connections[reader.identifier.slot].pointee.session
        ]
        #expect(session.pointee.queue.count <= 512)
        var seen: [Int] = []
        for _ in 0..<400 {
            seen += reader.takeAndAcknowledge().compactMap { Int($0.text) }
            world.advance(2)
        }
        #expect(seen.count == 3000 && Set(seen).count == 3000)
    }

    @Test func afterUnsubscribingNothingComesAnyMore() {
        let world = World()
        fill(world, 20_000)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("#")
        _ = reader.take()
        _ = reader.unsubscribe("#")
        world.advance(100)
        #expect(numbers(reader) == [])
        #expect(world.broker.retained.parkedCount == 0)
    }

    @Test(arguments: [0, 1])
    func aSubscriberThatGoesIsNotReadFor(loop: Int) {
        let world = World(loops: 2)
        fill(world, 20_000, qos: 1)
        for qos in [QoS.atMostOnce, .atLeastOnce] {
            for expiry in [UInt32(0), 100] {
                let reader = TestClient.connected(world, "r\(qos)\(expiry)", loop: loop, sessionExpiry: expiry)
                reader.subscribe([("#", SubscriptionOptions(qos: qos))])
                reader.subscribe([("site/#", SubscriptionOptions(qos: qos))])
                reader.vanish()
                world.advance(500)
            }
        }
        #expect(world.broker.retained.parkedCount == 0)
        #expect(world.brokers[loop].retainedWaiting.isEmpty)
        world.advance(seconds: 200)
        #expect(world.brokers[loop].sessions.count == 0)
    }

    /// A session that moves with its retained messages still coming loses none of those it has room for.
    @Test func aSessionMovesBetweenPortions() {
        let world = World(loops: 3)
        fill(world, 900, qos: 1)
        var reader = TestClient.connected(world, "r", loop: 1, sessionExpiry: 100, receiveMaximum: 5)
        reader.subscribe("#", .atLeastOnce)
        _ = reader.take()
        reader = TestClient(world, "r", loop: 2)
        reader.connect(cleanStart: false, sessionExpiry: 100)
        var seen: Set<Int> = []
        for _ in 0..<200 {
            seen.formUnion(reader.takeAndAcknowledge().compactMap { Int($0.text) })
            world.advance(5)
        }
        #expect(seen.count == 900)
    }

    @Test func expiredOnesLeaveByThemselves() {
        let world = World()
        for i in 0..<10_000 {
            let message = makeMessage("e/\(i)", retain: true)
            message.header.pointee.expiresAt = world.now + UInt64(1 + i % 3) * 1000
            world.broker.store(message)
        }
        world.broker.store(makeMessage("stays", retain: true))
        world.advance(seconds: 1)
        world.advance(100)
        #expect(world.broker.retainedCount == 6667)
        // Renewed, one without an end.
        let renewed = makeMessage("e/2", retain: true)
        renewed.header.pointee.expiresAt = world.now + 60_000
        world.broker.store(renewed)
        world.broker.store(makeMessage("e/5", retain: true))
        world.advance(seconds: 10)
        #expect(world.broker.retainedCount == 3)
        world.advance(seconds: 60)
        #expect(world.broker.retainedCount == 2)
        #expect(world.timers[0].count == 0)
    }

    /// Topics come and go while somebody reads.
    @Test func aReadSurvivesChanges() {
        var random = SeededRandom()
        for _ in 0..<200 {
            var store = RetainedStore()
            var topics: Set<String> = []
            func topic() -> String { (0...random.below(3)).map { _ in "\(random.below(4))" }.joined(separator: "/") }
            for _ in 0..<60 {
                let topic = topic()
                store.set(makeMessage(topic))
                topics.insert(topic)
            }
            let lasting = topics.filter { _ in random.below(2) == 0 }
            let filter = random.pick(["#", "+/#", "+/+", "1/#", "+/2/+", "2/+"])
            let expected = lasting.filter { topic in
                filter.withView { filter in topic.withView { TopicFilter.matches(filter, $0) } }
            }
            var found: [String] = []
            var cursor = RetainedCursor(Array(filter.utf8), in: store)
            while !cursor.isDone {
                cursor.advance(in: store, limit: 1 + random.below(3)) { message in
                    found.append(message.topic.string)
                    return true
                }
                store.park(cursor, as: 1)
                for _ in 0..<random.below(4) {
                    let topic = topic()
                    if random.below(3) > 0, !lasting.contains(topic) {
                        topic.withView { store.remove($0) }
                    } else {
                        store.set(makeMessage(topic))
                    }
                }
                cursor = store.unpark(1) ?? cursor
            }
            #expect(Set(found).isSuperset(of: expected), "filter \(filter), seed \(random.seed)")
            store.deallocate()
        }
    }

    @Test func settingsOfTheRetainer() {
        var settings = BrokerSettings()
        settings.retainedExpiryInterval = 5000
        settings.retainedExpiryOverride = 20_000
        settings.stopsClearingMessages = true
        settings.retainedPublishRate = 2
        let world = World(settings)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("#")
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "x", retain: true)
        publisher.publish("b", "x", retain: true) { writer, _ in writer.append(.messageExpiryInterval, 1000) }
        publisher.publish("c", "too many", retain: true)
        #expect(reader.take().count == 3)
        #expect(world.broker.retainedCount == 2)
        #expect(world.broker.counters.retainedDropped == 1 && world.warnings.count == 1)
        world.advance(seconds: 7)
        #expect(world.broker.retainedCount == 1)
        world.advance(seconds: 15)
        #expect(world.broker.retainedCount == 0)
        publisher.publish("a", "", retain: true)
        #expect(reader.take().isEmpty)
    }

    @Test func deliveryCanBePaced() {
        var settings = BrokerSettings()
        settings.retainedDeliveryRate = 100
        let world = World(settings)
        fill(world, 300)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("#")
        world.advance(seconds: 1)
        let first = numbers(reader).count
        #expect(first >= 90 && first <= 110)
        world.advance(seconds: 3)
        #expect(first + numbers(reader).count == 300)
    }
}
