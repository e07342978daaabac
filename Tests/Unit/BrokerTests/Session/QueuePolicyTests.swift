// SPDX-License-Identifier: Apache-2.0
// What waits for a session: in which order, how much, and how long.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct QueuePolicyTests {
    private func comeBack(_ world: World, receiveMaximum: UInt16? = nil) -> TestClient {
        let client = TestClient(world, "r")
        client.connect(cleanStart: false, sessionExpiry: 1000, receiveMaximum: receiveMaximum)
        return client
    }

    private func leave(_ world: World, _ filters: [(String, QoS)]) {
        let client = TestClient.connected(world, "r", sessionExpiry: 1000)
        for (filter, qos) in filters { client.subscribe(filter, qos) }
        client.disconnect()
    }

    @Test func waitingQoS0IsNotOvertaken() {
        let world = World()
        leave(world, [("one", .atLeastOnce), ("zero", .atMostOnce)])
        let publisher = TestClient.connected(world, "p")
        for i in 0..<5 { publisher.publish("one", "\(i)", qos: .atLeastOnce) }
        publisher.publish("zero", "waited")
        let client = comeBack(world, receiveMaximum: 1)
        publisher.publish("zero", "live")
        let packets = client.take().filter { $0.type == .publish }
        #expect(packets.filter { $0.qos == 0 }.map(\.text) == ["waited", "live"])
        #expect(packets.filter { $0.qos == 1 }.map(\.text) == ["0"])
    }

    @Test func prioritiesGoFirstAndAFullOneLosesItsOwn() {
        var settings = BrokerSettings()
        settings.maximumQueueLength = 3
        settings.queuePriorities = QueuePriorities([("high", 10), ("mid", 5)], fallback: 0)
        let world = World(settings)
        leave(world, [("#", .atLeastOnce)])
        let publisher = TestClient.connected(world, "p")
        for i in 0..<4 {
            for topic in ["low", "mid", "high"] { publisher.publish(topic, "\(topic)\(i)", qos: .atLeastOnce) }
        }
        let texts = comeBack(world).takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
        #expect(texts == ["high1", "high2", "high3", "mid1", "mid2", "mid3", "low1", "low2", "low3"])
    }

    @Test func theUnnamedMayGoFirst() {
        var settings = BrokerSettings()
        settings.queuePriorities = QueuePriorities([("named", 255)], fallback: QueuePriorities.highest)
        let world = World(settings)
        leave(world, [("#", .atLeastOnce)])
        let publisher = TestClient.connected(world, "p")
        for topic in ["named", "other", "named", "other"] { publisher.publish(topic, topic, qos: .atLeastOnce) }
        let texts = comeBack(world).takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
        #expect(texts == ["other", "other", "named", "named"])
    }

    /// Lower ones have their turn.
    @Test func noPriorityWaitsForEver() {
        var queue = MessageQueue()
        defer { queue.deallocate() }
        func add(_ text: String, _ priority: UInt16) {
            let item = MessageQueue.Item(
                message: makeMessage("t", text),
                options: DeliveryOptions(bits: 1),
                route: DeliveryRoute(retain: false)
            )
            queue.append(item, priority: priority)
        }
        for i in 0..<100 { add("h\(i)", 1) }
        for i in 0..<30 { add("l\(i)", 0) }
        var texts: [String] = []
        while let item = queue.popFirst() {
            texts.append(item.message.payload.string)
            item.message.release()
        }
        #expect(queue.isEmpty && texts.count == 130)
        // Twenty of the higher one, ten of the lower, and so on.
        #expect([0, 9, 10, 19, 20].map { texts.firstIndex(of: "l\($0)") } == [20, 29, 50, 59, 80])
        for prefix in ["h", "l"] {
            let own = texts.filter { $0.hasPrefix(prefix) }.compactMap { Int($0.dropFirst()) }
            #expect(own == own.sorted())
        }
    }

    @Test func aQueueWithPrioritiesIsAQueue() {
        var random = SeededRandom()
        var queue = MessageQueue()
        defer { queue.deallocate() }
        var waiting: [UInt16: [Int]] = [:]
        for step in 0..<20_000 {
            let priority = UInt16(random.below(4))
            switch random.below(5) {
            case 0, 1:
                let options = DeliveryOptions(bits: UInt32(step % 2))
                let message = makeMessage("t", "\(priority)-\(step)")
                let item = MessageQueue.Item(
                    message: message,
                    options: options,
                    route: DeliveryRoute(retain: false)
                )
                queue.append(item, priority: priority)
                waiting[priority, default: []].append(step)
            case 2:
                let item = queue.popFirst(of: priority)
                let expected = waiting[priority]?.first
                #expect(item?.message.payload.string == expected.map { "\(priority)-\($0)" }, "seed \(random.seed)")
                if expected != nil { waiting[priority]?.removeFirst() }
                item?.message.release()
            case 3 where step % 50 == 0:
                var taken = 0
                queue.takeQoS0 { item in
                    taken += 1
                    item.message.release()
                }
                let expected = waiting.values.joined().count { $0 % 2 == 0 }
                #expect(taken == expected)
                for key in waiting.keys { waiting[key]?.removeAll { $0 % 2 == 0 } }
            default:
                guard let item = queue.popFirst() else {
                    #expect(waiting.values.joined().isEmpty)
                    continue
                }
                let parts = item.message.payload.string.split(separator: "-").compactMap { Int($0) }
                #expect(waiting[UInt16(parts[0])]?.removeFirst() == parts[1], "seed \(random.seed)")
                item.message.release()
            }
            let count = waiting.values.map(\.count).reduce(0, +)
            #expect(queue.count == count)
            #expect(queue.isEmpty == (queue.count == 0))
        }
    }

    @Test func anIdentifierThatIsNotReleasedIsForgotten() {
        let world = World()
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a")
        let client = TestClient.connected(world, "c")
        client.publish("a", "first", qos: .exactlyOnce, identifier: 5)
        world.advance(seconds: 299)
        client.publish("a", "first", qos: .exactlyOnce, dup: true, identifier: 5)
        #expect(reader.takeTexts() == ["first"])
        world.advance(seconds: 2)
        client.publish("a", "second", qos: .exactlyOnce, identifier: 5)
        #expect(reader.takeTexts() == ["second"])
        _ = client.take()
        world.advance(seconds: 301)
        client.acknowledge(.pubrel, 5)
        #expect(client.take().map(\.reason) == [ReasonCode.packetIdentifierNotFound.rawValue])
    }

    /// An interval of 0 is over at once: nobody who is away gets it.
    @Test func aWillThatExpiresAtOnceDoesNotWait() {
        let world = World()
        leave(world, [("will", .atLeastOnce)])
        let live = TestClient.connected(world, "live")
        live.subscribe("will", .atLeastOnce)
        let will = TestClient.Will(topic: "will", qos: .atLeastOnce, retain: true, expiry: 0)
        TestClient.connected(world, "w", will: will).vanish()
        #expect(live.takeTexts() == ["gone"])
        #expect(world.broker.retainedCount == 0)
        world.advance(1)
        #expect(comeBack(world).takeTexts() == [])
    }
}
