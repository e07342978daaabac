// SPDX-License-Identifier: Apache-2.0
// Messages for a session while it moves between loops, whatever the order of turns and mail: each of them comes once,
// behind the earlier ones of its publisher.

import MQTT
import PluginAPI
import TestRandom
import Testing

@testable import Broker

@Suite struct MoveTests {
    /// One for each loop; their messages are counted.
    private final class Publishers {
        let clients: [TestClient]
        private var counts: [Int]

        init(_ world: World) {
            clients = world.brokers.indices.map { TestClient.connected(world, "p\($0)", loop: $0) }
            for client in clients { client.settles = false }
            counts = clients.map { _ in 0 }
        }

        /// Publishes something somewhere; returns its payload if it must not be lost.
        func publish(_ random: inout SeededRandom) -> String? {
            let i = random.below(clients.count)
            let qos = random.pick([QoS.atMostOnce, .atLeastOnce, .atLeastOnce, .exactlyOnce])
            counts[i] += 1
            let text = "p\(i) \(1000 + counts[i])"
            clients[i].publish("t/\(random.below(2))", text, qos: qos)
            return qos == .atMostOnce ? nil : text
        }

        func answer() {
            for client in clients {
                for packet in client.take() where packet.type == .pubrec {
                    client.acknowledge(.pubrel, packet.identifier)
                }
            }
        }
    }

    private func isInOrder(_ texts: [String]) -> Bool {
        ["p0", "p1", "p2"].allSatisfy { name in
            let own = texts.filter { $0.hasPrefix(name) }
            return own == own.sorted()
        }
    }

    private func check(_ client: HoppingClient, _ seed: UInt64) {
        #expect(client.faults.isEmpty, "\(client.faults), seed \(seed)")
        let missing = Set(client.expected).subtracting(client.received)
        #expect(missing.isEmpty, "\(missing.sorted()) are missing, seed \(seed)")
        #expect(isInOrder(client.received), "\(client.received), seed \(seed)")
    }

    private func checkNothingIsLeft(_ world: World, _ seed: UInt64) {
        world.settle()
        world.advance(seconds: 200)
        #expect(world.leftovers == [:], "seed \(seed)")
        #expect(world.brokers.allSatisfy { $0.arrivingSessions == 0 }, "seed \(seed)")
        for name in ["c", "d"] { #expect(world.registry.owner(Array(name.utf8)) == nil, "seed \(seed)") }
        #expect(world.warnings.isEmpty, "seed \(seed)")
    }

    /// Clients that hop, on two or three loops, with and without others that want the same messages on every loop.
    @Test(arguments: [2, 3], [false, true])
    func aHoppingClientMissesNothing(loops: Int, startsAfresh: Bool) {
        hop(loops, startsAfresh, rounds: 150, retained: 0)
    }

    /// The same with more retained messages than are sent at a time: sessions move while portions of them are awaited.
    @Test(arguments: [2, 3])
    func retainedMessagesLoseNoOthers(loops: Int) {
        hop(loops, false, rounds: 15, retained: 300)
    }

    private func hop(_ loops: Int, _ startsAfresh: Bool, rounds: Int, retained: Int) {
        for round in 0..<rounds {
            var random = SeededRandom()
            let world = World(loops: loops)
            let publishers = Publishers(world)
            for i in 0..<retained {
                publishers.clients[0].publish(
                    "t/r\(i)",
                    "r\(i)",
                    qos: random.pick([.atMostOnce, .atLeastOnce]),
                    retain: true
                )
            }
            world.settle()
            let bystanders = (0..<(round % 2 == 0 ? loops : 0)).map { TestClient.connected(world, "b\($0)", loop: $0) }
            for bystander in bystanders { bystander.subscribe("t/+", .exactlyOnce) }
            // The second one's filters overlap.
            let clients = [
                HoppingClient(world, "c", ["t/+"], loop: random.below(loops)),
                HoppingClient(world, "d", ["t/0", "t/#", "t/1"], loop: random.below(loops)),
            ]
            let hurry = random.pick([4, 12, 40])
            var published: [String] = []
            for _ in 0..<400 {
                if random.below(2) == 0 { world.step(&random) }
                if random.below(4) == 0 { world.tick() }
                if random.below(3) == 0, published.count < 120, let text = publishers.publish(&random) {
                    published.append(text)
                    for client in clients where client.isSubscribed { client.expected.append(text) }
                }
                publishers.answer()
                let client = random.pick(clients)
                client.act(&random)
                if random.below(hurry) == 0 {
                    client.hop(&random, cleanStart: startsAfresh && random.below(4) == 0)
                }
            }
            world.settle(&random)
            // A session does not move before it has what is retained for it, which is read in turns.
            world.advance(100)
            publishers.answer()
            for client in clients {
                client.finish()
                check(client, random.seed)
                client.leave()
            }
            for bystander in bystanders {
                bystander.settles = true
                let packets = bystander.takeAndAcknowledge()
                let texts = packets.filter { $0.type == .publish && $0.qos > 0 && !$0.retain }.map(\.text)
                #expect(texts.sorted() == published.sorted() && isInOrder(texts), "seed \(random.seed)")
                bystander.vanish()
            }
            for publisher in publishers.clients { publisher.vanish() }
            checkNothingIsLeft(world, random.seed)
        }
    }

    /// The members' loops change all the time; the message goes to one of them, and is not lost on its way.
    @Test func aGroupOfHoppingMembersGetsEachMessageOnce() {
        for _ in 0..<150 {
            var random = SeededRandom()
            let world = World(loops: 3)
            let publishers = Publishers(world)
            let clients = ["c", "d"].map { HoppingClient(world, $0, ["$share/g/t/#"], loop: random.below(3)) }
            var expected: [String] = []
            for _ in 0..<400 {
                if random.below(2) == 0 { world.step(&random) }
                if random.below(3) == 0, expected.count < 120, let text = publishers.publish(&random),
                    clients.contains(where: \.isSubscribed)
                {
                    expected.append(text)
                }
                publishers.answer()
                let client = random.pick(clients)
                client.act(&random)
                if random.below(12) == 0 { client.hop(&random) }
            }
            world.settle(&random)
            publishers.answer()
            for client in clients { client.finish() }
            let received = clients.flatMap(\.received)
            #expect(clients.allSatisfy { $0.faults.isEmpty }, "\(clients.map(\.faults)), seed \(random.seed)")
            #expect(Set(received).count == received.count, "seed \(random.seed)")
            #expect(Set(expected).subtracting(received).isEmpty, "seed \(random.seed)")
            for client in clients { client.leave() }
            for publisher in publishers.clients { publisher.vanish() }
            checkNothingIsLeft(world, random.seed)
        }
    }

    @Test func retainedMessagesAreAwaitedBeforeTheMove() {
        for _ in 0..<200 {
            var random = SeededRandom()
            let world = World(loops: 3)
            let publisher = TestClient.connected(world, "p")
            for i in 0..<3 { publisher.publish("a/\(i)", "\(i)", qos: .atLeastOnce, retain: true) }
            let first = TestClient.connected(world, "c", loop: 1, cleanStart: false, sessionExpiry: 100)
            first.settles = false
            first.send(first.subscribeBytes([("a/+", SubscriptionOptions(qos: .atLeastOnce))], 1))
            for _ in 0..<random.below(6) { world.step(&random) }
            let second = TestClient(world, "c", loop: random.pick([0, 2]))
            second.settles = false
            second.connect(cleanStart: false, sessionExpiry: 100)
            world.settle(&random)
            second.settles = true
            let packets = second.takeAndAcknowledge().filter { $0.type == .publish }
            #expect(packets.map(\.text).sorted() == ["0", "1", "2"], "seed \(random.seed)")
            #expect(packets.allSatisfy { $0.retain }, "seed \(random.seed)")
            second.disconnect(sessionExpiry: 0)
            publisher.vanish()
            checkNothingIsLeft(world, random.seed)
        }
    }

    /// The same where the question is slower than the whole move.
    @Test func aSlowQuestionForRetainedMessagesIsAwaited() {
        let world = World(loops: 3)
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "kept", qos: .atLeastOnce, retain: true)
        let first = TestClient.connected(world, "c", loop: 1, cleanStart: false, sessionExpiry: 100)
        first.settles = false
        first.send(first.subscribeBytes([("a", SubscriptionOptions(qos: .atLeastOnce))], 1))
        let second = TestClient(world, "c", loop: 2)
        second.settles = false
        second.connect(cleanStart: false, sessionExpiry: 100)
        for _ in 0..<10 {
            for loop in 0..<3 { world.endTurn(loop) }
            for (sender, receiver) in [(0, 1), (0, 2), (1, 2), (2, 0), (2, 1)] {
                while world.deliver(sender, receiver) {}
            }
        }
        #expect(second.take().isEmpty)
        world.settle()
        #expect(second.takeTexts() == ["kept"])
    }

    @Test func aSessionWithoutSubscriptionsIsThereAtOnce() {
        let world = World(loops: 3)
        TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 100).vanish()
        let second = TestClient(world, "c", loop: 1)
        second.settles = false
        second.connect(cleanStart: false, sessionExpiry: 100)
        world.endTurn(1)
        world.deliver(1, 0)
        world.endTurn(0)
        world.deliver(0, 1)
        world.endTurn(1)
        #expect(second.take().map(\.sessionPresent) == [true])
    }

    /// The session's own announcement of the filter may not have reached every loop yet.
    @Test func aSubackWaitsForAnArrivingSessionsFilter() {
        let world = World(loops: 3)
        TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 100).subscribe("a", .atLeastOnce)
        let other = TestClient.connected(world, "d", loop: 1)
        other.settles = false
        let second = TestClient(world, "c", loop: 1)
        second.settles = false
        second.connect(cleanStart: false, sessionExpiry: 100)
        world.endTurn(1)
        world.deliver(1, 0)
        world.endTurn(0)
        world.deliver(0, 1)
        other.send(other.subscribeBytes([("a", SubscriptionOptions(qos: .atLeastOnce))], 1))
        world.endTurn(1)
        #expect(other.take().isEmpty)
        world.settle()
        #expect(other.takeTypes() == [.suback])
        #expect(second.take().map(\.sessionPresent) == [true])
    }

    /// A plugin that drops a session on its way, on the loop that has it or had it until now, neither stops the move nor is
    /// ignored.
    @Test(arguments: [0, 1])
    func aKickMeetsAMovingSession(_ loop: Int) {
        for _ in 0..<300 {
            var random = SeededRandom()
            let world = World(loops: 3)
            let first = TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 100)
            first.subscribe("a", .atLeastOnce)
            let second = TestClient(world, "c", loop: 1)
            second.settles = false
            second.connect(cleanStart: false, sessionExpiry: 100)
            for _ in 0..<random.below(20) { world.step(&random) }
            let holder = sessionHolder(world)
            #expect("c".withView { world.brokers[loop].kick($0, 0x98, dropSession: true) }, "seed \(random.seed)")
            world.settle(&random)
            #expect(first.isClosed, "seed \(random.seed)")
            if loop == 1 || holder != 0 {
                #expect(second.isClosed, "seed \(random.seed)")
                checkNothingIsLeft(world, random.seed)
            } else {
                // It came before the move: the second connection has a session of its own.
                #expect(second.isClosed || second.take().map(\.sessionPresent) == [false], "seed \(random.seed)")
            }
        }
    }

    /// The loop where the session is and does not move, -1 = it is on its way.
    private func sessionHolder(_ world: World) -> Int {
        world.brokers.firstIndex { broker in
            let slot = "c".withView { broker.session(named: $0) }
            return slot >= 0 && !broker.sessions[slot].pointee.isMoving
        } ?? -1
    }

    /// It follows the client however often that went on before the loop came to it.
    @Test func aKickFollowsTheClient() {
        for _ in 0..<100 {
            var random = SeededRandom()
            let world = World(loops: 3)
            var clients = [TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 100)]
            clients[0].subscribe("a", .atLeastOnce)
            for loop in [1, 2, 1] {
                let next = TestClient(world, "c", loop: loop)
                next.settles = false
                next.connect(cleanStart: false, sessionExpiry: 100)
                clients.append(next)
                for _ in 0..<random.below(12) { world.step(&random) }
            }
            #expect("c".withView { world.brokers[2].kick($0, 0x98, dropSession: true) }, "seed \(random.seed)")
            world.settle(&random)
            let last = clients[3]
            let stillOpen = clients.dropLast().count { !$0.isClosed }
            #expect(stillOpen == 0, "seed \(random.seed)")
            #expect(last.isClosed || last.take().map(\.sessionPresent) == [false], "seed \(random.seed)")
        }
    }

    @Test func aBrokerMayEndDuringAMove() {
        for _ in 0..<50 {
            var random = SeededRandom()
            let world = World(loops: 3)
            let first = TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 100)
            first.subscribe("a", .atLeastOnce)
            first.publish("a", "1", qos: .atLeastOnce)
            let second = TestClient(world, "c", loop: 1)
            second.settles = false
            second.connect(cleanStart: false, sessionExpiry: 100)
            for _ in 0..<random.below(30) { world.step(&random) }
            for broker in world.brokers { broker.shutDown() }
            world.settle(&random)
            #expect(first.isClosed && second.isClosed, "seed \(random.seed)")
            #expect(world.brokers.map(\.sessionCount).reduce(0, +) == 1, "seed \(random.seed)")
        }
    }
}
