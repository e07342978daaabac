// SPDX-License-Identifier: Apache-2.0
// A client that comes back on another loop: its session follows it, whole and once.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct TakeOverTests {
    private func connect(_ world: World, _ name: String, loop: Int, cleanStart: Bool = false) -> TestClient {
        let client = TestClient(world, name, loop: loop)
        client.connect(cleanStart: cleanStart, sessionExpiry: 100)
        return client
    }

    @Test func theSessionFollowsItsClient() {
        let world = World(loops: 3)
        let first = connect(world, "c", loop: 1)
        first.subscribe([
            ("a", SubscriptionOptions(qos: .exactlyOnce)), ("$share/g/s", SubscriptionOptions(qos: .atLeastOnce)),
        ])
        _ = first.take()
        let publisher = TestClient.connected(world, "p", loop: 2)
        publisher.publish("a", "1", qos: .atLeastOnce)
        publisher.publish("a", "2", qos: .exactlyOnce)
        first.publish("x", qos: .exactlyOnce, identifier: 77)
        let sent = first.take().filter { $0.type == .publish }
        first.acknowledge(.pubrec, sent[1].identifier)
        first.vanish()
        for i in 3..<50 { publisher.publish("a", "\(i)", qos: .atLeastOnce) }
        let second = connect(world, "c", loop: 0)
        let packets = second.takeAndAcknowledge()
        #expect(packets.first?.sessionPresent == true)
        #expect(packets.filter { $0.type == .pubrel }.map(\.identifier) == [sent[1].identifier])
        #expect(packets.filter { $0.type == .publish }.map(\.text) == ["1"] + (3..<50).map(String.init))
        second.publish("x", qos: .exactlyOnce, dup: true, identifier: 77)
        second.acknowledge(.pubrel, 77)
        #expect(second.take().filter { $0.type != .pubrel }.map(\.reason) == [0, 0])
        publisher.publish("a", "new", qos: .atLeastOnce)
        publisher.publish("s", "shared", qos: .atLeastOnce)
        #expect(second.takeTexts() == ["new", "shared"])
        #expect(world.brokers.map(\.sessionCount) == [1, 0, 1])
        second.disconnect(sessionExpiry: 0)
        publisher.disconnect()
        #expect(world.leftovers == [:])
        #expect(world.registry.owner(Array("c".utf8)) == nil)
    }

    @Test func theOldConnectionIsToldAndItsWillPublished() {
        let world = World(loops: 2)
        let witness = TestClient.connected(world, "w")
        witness.subscribe("w")
        let first = TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 100, will: .init(topic: "w"))
        let second = connect(world, "c", loop: 1)
        #expect(first.take().map(\.reason) == [0x8E])
        #expect(first.isClosed)
        #expect(second.take().map(\.sessionPresent) == [true])
        #expect(witness.takeTexts() == ["gone"])
    }

    @Test(arguments: [true, false])
    func aCleanStartEndsTheSessionOnTheOtherLoop(isConnected: Bool) {
        let world = World(loops: 2)
        let first = connect(world, "c", loop: 0)
        first.subscribe("a", .atLeastOnce)
        if !isConnected { first.vanish() }
        let second = connect(world, "c", loop: 1, cleanStart: true)
        #expect(second.take().map(\.sessionPresent) == [false])
        #expect(first.isClosed)
        #expect(world.brokers.map(\.sessionCount) == [0, 1])
        #expect(world.brokers.map(\.filterCount) == [0, 0])
    }

    @Test func packetsBehindTheConnectWaitForTheSession() {
        let world = World(loops: 2)
        connect(world, "c", loop: 0).vanish()
        let second = TestClient(world, "c", loop: 1)
        second.settles = false
        second.send(second.connectBytes(cleanStart: false, sessionExpiry: 100) + [0xC0, 0, 0xC0])
        world.endTurn(1)
        #expect(second.take().isEmpty)
        #expect(second.transport.isPaused)
        world.settle()
        second.send([0])
        world.settle()
        #expect(second.takeTypes() == [.connack, .pingresp, .pingresp])
        #expect(!second.transport.isPaused)
    }

    @Test func aClientThatLeavesWhileItWaitsKeepsItsSession() {
        let world = World(loops: 2)
        connect(world, "c", loop: 0).vanish()
        let second = TestClient(world, "c", loop: 1)
        second.settles = false
        second.connect(cleanStart: false, sessionExpiry: 100)
        second.vanish()
        world.settle()
        #expect(world.brokers.map(\.sessionCount) == [0, 1])
        #expect(connect(world, "c", loop: 0).take().map(\.sessionPresent) == [true])
        world.brokers[0].shutDown()
        world.settle()
        world.advance(seconds: 101)
        #expect(world.leftovers == [:])
    }

    /// Messages that sessions of the old loop share do not cross to the new one.
    @Test func queuesThatShareMessagesAreParted() {
        let world = World(loops: 2)
        let clients = (0..<3).map { connect(world, "c\($0)", loop: 0) }
        for client in clients {
            client.subscribe("a", .atLeastOnce)
            client.vanish()
        }
        let publisher = TestClient.connected(world, "p")
        let texts = (0..<40).map { "\($0)" + String(repeating: "x", count: $0 % 2 * 9000) }
        for text in texts { publisher.publish("a", text, qos: .atLeastOnce) }
        for loop in [1, 0, 1] { connect(world, "c0", loop: loop).vanish() }
        for (i, client) in clients.enumerated() {
            let back = connect(world, client.name, loop: i % 2)
            #expect(back.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text) == texts)
        }
    }

    /// Whatever the order of claims and mail, one connection and one session are left.
    @Test func manyClaimsLeaveOneSession() {
        for round in 0..<300 {
            var random = SeededRandom()
            let world = World(loops: 3)
            var clients: [TestClient] = []
            let isPersistent = round % 2 == 0
            for _ in 0..<2 + random.below(5) {
                let client = TestClient(world, "c", loop: random.below(3))
                client.settles = false
                client.connect(
                    cleanStart: random.below(4) == 0,
                    sessionExpiry: isPersistent || random.below(2) == 0 ? 50 : nil
                )
                clients.append(client)
                for _ in 0..<random.below(6) { world.step(&random) }
                if random.below(6) == 0 { client.vanish() }
            }
            world.settle(&random)
            let open = clients.filter { !$0.isClosed }
            let sessions = world.brokers.map(\.sessionCount).reduce(0, +)
            #expect(open.count <= 1, "seed \(random.seed)")
            #expect(sessions <= 1, "seed \(random.seed)")
            if let survivor = open.first {
                #expect(sessions == 1 && world.brokers[survivor.loop].sessionCount == 1, "seed \(random.seed)")
                #expect(world.registry.owner([0x63]) == survivor.loop, "seed \(random.seed)")
                survivor.ping()
                world.settle()
                #expect(survivor.takeTypes().last == .pingresp, "seed \(random.seed)")
            }
            #expect(world.brokers.map(\.connectedCount).reduce(0, +) == open.count, "seed \(random.seed)")
            for client in open { client.vanish() }
            world.settle(&random)
            world.advance(seconds: 100)
            #expect(world.leftovers == [:], "seed \(random.seed)")
            #expect(world.registry.owner([0x63]) == nil, "seed \(random.seed)")
        }
    }

    /// A full queue grows rather than lose what comes on the way.
    @Test(arguments: [1000, 4])
    func noMessageIsLostWhileTheSessionMoves(queueLength: Int) {
        for _ in 0..<100 {
            var random = SeededRandom()
            var settings = BrokerSettings()
            settings.maximumQueueLength = queueLength
            let world = World(loops: 3, settings)
            let first = connect(world, "c", loop: 0)
            first.subscribe("a", .atLeastOnce)
            let publisher = TestClient.connected(world, "p", loop: 2)
            publisher.settles = false
            let second = TestClient(world, "c", loop: 1)
            second.settles = false
            second.connect(cleanStart: false, sessionExpiry: 100)
            for i in 0..<20 {
                publisher.publish("a", "\(i)", qos: .atLeastOnce)
                world.step(&random)
            }
            world.settle(&random)
            second.settles = true
            // What the old connection got is not acknowledged: it comes again.
            let texts = second.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
            #expect(texts == (0..<20).map(String.init), "seed \(random.seed)")
        }
    }
}
