// SPDX-License-Identifier: Apache-2.0
// Several loops: one index each, told of the others' interest by mail that may arrive in any order between mailboxes.

import MQTT
import PluginAPI
import TestRandom
import Testing

@testable import Broker

@Suite struct LoopTests {
    @Test func theLastOfTheMostLoopsHears() {
        let last = Broker.maximumLoopCount - 1
        let world = World(loops: last + 1)
        let receiver = TestClient.connected(world, "r", loop: last)
        receiver.subscribe("a")
        TestClient.connected(world, "p").publish("a", "far")
        #expect(receiver.takeTexts() == ["far"])
    }

    @Test func theSubackWaitsForEveryLoop() {
        let world = World(loops: 3)
        let client = TestClient.connected(world, "c", loop: 1)
        client.settles = false
        client.send(client.subscribeBytes([("a", SubscriptionOptions(qos: .atMostOnce))], 1))
        world.endTurn(1)
        #expect(client.take().isEmpty)
        world.deliver(1, 0)
        world.endTurn(0)
        world.deliver(0, 1)
        world.endTurn(1)
        #expect(client.take().isEmpty)
        world.deliver(1, 2)
        world.endTurn(2)
        world.deliver(2, 1)
        world.endTurn(1)
        #expect(client.takeTypes() == [.suback])
        // The loops know the filter: nobody has to be asked.
        client.send(client.subscribeBytes([("a", SubscriptionOptions(qos: .atLeastOnce))], 2))
        world.endTurn(1)
        #expect(client.takeTypes() == [.suback])
    }

    @Test func aSecondSubscriberOfAnUnconfirmedFilterWaitsToo() {
        let world = World(loops: 2)
        let clients = (0..<2).map { TestClient.connected(world, "c\($0)", loop: 1) }
        for client in clients {
            client.settles = false
            client.send(client.subscribeBytes([("a", SubscriptionOptions(qos: .atMostOnce))], 1))
        }
        world.endTurn(1)
        #expect(clients.allSatisfy { $0.take().isEmpty })
        world.settle()
        #expect(clients.map { $0.takeTypes() } == [[.suback], [.suback]])
    }

    @Test func aPublishAfterTheSubackIsNeverMissed() {
        for _ in 0..<200 {
            var random = SeededRandom()
            let world = World(loops: 3)
            let filters = ["a/b", "a/+", "#"]
            let readers = (0..<3).map { TestClient.connected(world, "r\($0)", loop: random.below(3)) }
            let publisher = TestClient.connected(world, "p", loop: random.below(3))
            for (reader, filter) in zip(readers, filters) {
                reader.settles = false
                reader.send(reader.subscribeBytes([(filter, SubscriptionOptions(qos: .atLeastOnce))], 1))
            }
            publisher.settles = false
            var waiting = Set(readers.indices)
            var sent = 0
            var expected = [0: 0, 1: 0, 2: 0]
            while !waiting.isEmpty || sent < 20 {
                world.step(&random)
                for i in waiting where readers[i].takeTypes().contains(.suback) { waiting.remove(i) }
                if random.below(4) == 0 {
                    publisher.publish("a/b", "\(sent)")
                    sent += 1
                    for i in readers.indices where !waiting.contains(i) { expected[i, default: 0] += 1 }
                }
            }
            world.settle(&random)
            for (i, reader) in readers.enumerated() {
                let texts = reader.takeTexts().compactMap(Int.init)
                // Those that came along with the SUBACK were taken with it: count from the end.
                #expect(texts.count >= expected[i, default: 0] - 20 && texts == texts.sorted(), "seed \(random.seed)")
                #expect(Set(texts).count == texts.count, "seed \(random.seed)")
            }
        }
    }

    @Test func theMessagesOfOnePublisherKeepTheirOrder() {
        var random = SeededRandom()
        let world = World(loops: 3)
        let readers = (0..<3).map { TestClient.connected(world, "r\($0)", loop: $0) }
        for reader in readers { reader.subscribe("#", .atLeastOnce) }
        let publishers = (0..<3).map { TestClient.connected(world, "p\($0)", loop: $0) }
        for publisher in publishers { publisher.settles = false }
        for i in 0..<90 {
            let publisher = publishers[i % 3]
            publisher.publish(
                "t\(i % 2)",
                "\(publisher.name) \(100 + i)",
                qos: random.pick([.atMostOnce, .atLeastOnce])
            )
            world.step(&random)
        }
        world.settle(&random)
        for reader in readers {
            let packets = reader.takeAndAcknowledge()
            #expect(packets.count == 90, "seed \(random.seed)")
            for qos in [UInt8(0), 1] {
                for name in ["p0", "p1", "p2"] {
                    let texts = packets.filter { $0.qos == qos && $0.text.hasPrefix(name) }.map(\.text)
                    #expect(texts == texts.sorted(), "seed \(random.seed)")
                }
            }
        }
    }

    @Test func retainedMessagesAreAskedForAndAnswered() {
        var random = SeededRandom()
        for _ in 0..<50 {
            let world = World(loops: 3)
            let publisher = TestClient.connected(world, "p", loop: random.below(3))
            for i in 0..<5 { publisher.publish("a/\(i)", "\(i)", qos: .atLeastOnce, retain: true) }
            publisher.publish("a/3", "", retain: true)
            let reader = TestClient.connected(world, "r", loop: random.below(3))
            reader.settles = false
            reader.send(reader.subscribeBytes([("a/+", SubscriptionOptions(qos: .atLeastOnce))], 1))
            world.settle(&random)
            let packets = reader.take()
            #expect(
                Set(packets.filter { $0.type == .publish }.map(\.text)) == ["0", "1", "2", "4"],
                "seed \(random.seed)"
            )
            #expect(world.brokers.map(\.retainedCount) == [4, 0, 0])
        }
    }

    @Test func anAnswerForASessionThatEndedIsNobodys() {
        let world = World(loops: 2)
        TestClient.connected(world, "p").publish("a", retain: true)
        let reader = TestClient.connected(world, "r", loop: 1)
        reader.settles = false
        reader.send(reader.subscribeBytes([("a", SubscriptionOptions(qos: .atLeastOnce))], 1))
        reader.vanish()
        let other = TestClient(world, "other", loop: 1)
        other.settles = false
        other.connect()
        world.settle()
        #expect(other.takeTypes() == [.connack])
    }

    @Test func aSharedGroupOverLoopsGetsOneCopy() {
        var random = SeededRandom()
        let world = World(loops: 3)
        let members = (0..<4).map { TestClient.connected(world, "m\($0)", loop: $0 % 3) }
        for member in members { member.subscribe("$share/g/a/#", .atLeastOnce) }
        let publishers = (0..<3).map { TestClient.connected(world, "p\($0)", loop: $0) }
        for publisher in publishers { publisher.settles = false }
        for i in 0..<120 {
            publishers[i % 3].publish("a/b", "\(i)", qos: .atLeastOnce)
            world.step(&random)
        }
        world.settle(&random)
        let texts = members.map { $0.takeAndAcknowledge().map(\.text) }
        #expect(texts.flatMap { $0 }.compactMap(Int.init).sorted() == Array(0..<120), "seed \(random.seed)")
        #expect(texts.allSatisfy { (20...40).contains($0.count) }, "\(texts.map(\.count)), seed \(random.seed)")
    }

    @Test func routesAreToldOnLoop0OnceEach() {
        var random = SeededRandom()
        let plugin = ScriptedPlugin()
        plugin.recordsRoutes = true
        let world = World(loops: 3, plugins: [plugin])
        let clients = (0..<6).map { TestClient.connected(world, "c\($0)", loop: $0 % 3) }
        for client in clients { client.settles = false }
        for _ in 0..<600 {
            let client = random.pick(clients)
            let filter = random.pick(["a", "b/#", "$share/g/a", "$share/h/b/#"])
            if random.below(2) == 0 { client.subscribe(filter) } else { _ = client.unsubscribe(filter) }
            for _ in 0..<random.below(4) { world.step(&random) }
        }
        for client in clients { client.vanish() }
        world.settle(&random)
        var standing: Set<String> = []
        for event in plugin.events {
            let name = String(event.dropFirst())
            if event.first == "+" {
                #expect(standing.insert(name).inserted, "\(name) is added twice, seed \(random.seed)")
            } else {
                #expect(standing.remove(name) != nil, "\(name) is removed twice, seed \(random.seed)")
            }
        }
        #expect(standing.isEmpty, "seed \(random.seed)")
        #expect(world.leftovers == [:], "seed \(random.seed)")
    }
}
