// SPDX-License-Identifier: Apache-2.0
// What a member leaves behind when its session ends goes to the others of its group, and to nobody twice.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct RedispatchTests {
    private static let filter = "$share/g/t/#"

    private func member(
        _ world: World,
        _ name: String,
        _ qos: QoS = .atLeastOnce,
        loop: Int = 0,
        window: UInt16 = 32
    )
        -> TestClient
    {
        let client = TestClient.connected(world, name, loop: loop, receiveMaximum: window)
        client.subscribe(Self.filter, qos)
        return client
    }

    @Test(arguments: [0, 1])
    func whatWasNotAcknowledgedGoesToAnotherInOrder(_ otherLoop: Int) {
        let world = World(loops: 2)
        let first = member(world, "first", loop: 0, window: 3)
        let publisher = TestClient.connected(world, "p")
        for number in 0..<10 { publisher.publish("t/1", "\(number)", qos: .atLeastOnce) }
        let got = first.take()
        #expect(got.map(\.text) == ["0", "1", "2"])
        first.acknowledge(.puback, got[0].identifier)
        #expect(first.takeTexts() == ["3"])
        let second = member(world, "second", loop: otherLoop)
        first.vanish()
        let taken = second.takeAndAcknowledge()
        #expect(taken.map(\.text) == (1..<10).map(String.init))
        #expect(taken.allSatisfy { !$0.dup })
        second.vanish()
        publisher.vanish()
        #expect(world.leftovers == [:])
    }

    @Test func qos2InFlightGoesToNobodyElseAndItsQueueDoes() {
        let world = World()
        let first = member(world, "first", .exactlyOnce, window: 2)
        let publisher = TestClient.connected(world, "p")
        for number in 0..<5 { publisher.publish("t/1", "\(number)", qos: .exactlyOnce) }
        #expect(first.takeTexts() == ["0", "1"])
        let second = member(world, "second", .exactlyOnce)
        first.vanish()
        #expect(second.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text) == ["2", "3", "4"])
    }

    @Test func aSessionThatOnlyLostItsConnectionKeepsItsMessages() {
        let world = World()
        let first = TestClient.connected(world, "first", sessionExpiry: 60)
        first.subscribe(Self.filter, .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        publisher.publish("t/1", "kept", qos: .atLeastOnce)
        let second = member(world, "second")
        first.vanish()
        #expect(second.takeTexts() == [])
        publisher.publish("t/1", "new", qos: .atLeastOnce)
        #expect(second.takeAndAcknowledge().map(\.text) == ["new"])
        let back = TestClient(world, "first")
        back.connect(cleanStart: false, sessionExpiry: 60)
        #expect(back.takeTexts() == ["kept"])
        back.vanish()
        world.advance(seconds: 61)
        #expect(second.takeTexts() == ["kept"])
    }

    @Test func aRefusedMessageGoesToNobodyElse() {
        let world = World()
        let first = member(world, "first")
        TestClient.connected(world, "p").publish("t/1", "no", qos: .atLeastOnce)
        let second = member(world, "second")
        guard let refused = first.take().first else {
            Issue.record("nothing came")
            return
        }
        first.acknowledge(.puback, refused.identifier, .notAuthorized)
        first.vanish()
        #expect(second.takeTexts() == [])
    }

    @Test(arguments: [0, 1])
    func unsubscribingLeavesTheQueueToOthers(_ otherLoop: Int) {
        let world = World(loops: 2)
        let first = member(world, "first", window: 2)
        first.subscribe("plain", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        for number in 0..<5 { publisher.publish("t/1", "\(number)", qos: .atLeastOnce) }
        publisher.publish("plain", "own", qos: .atLeastOnce)
        let second = member(world, "second", loop: otherLoop)
        let got = first.take()
        #expect(got.map(\.text) == ["0", "1"])
        #expect(first.unsubscribe(Self.filter) == [0])
        #expect(second.takeAndAcknowledge().map(\.text) == ["2", "3", "4"])
        first.acknowledge(.puback, got[0].identifier)
        #expect(first.takeTexts() == ["own"])
        // What it was sent as a member is the group's still.
        first.vanish()
        #expect(second.takeAndAcknowledge().map(\.text) == ["1"])
        #expect(world.brokers.allSatisfy { $0.formerGroups.isEmpty })
    }

    /// [MQTT-3.3.2-5]
    @Test func whatExpiredMeanwhileGoesToNobodyElse() {
        let world = World()
        let first = member(world, "first", window: 2)
        let publisher = TestClient.connected(world, "p")
        for (number, seconds) in [10, 100, 10, 100].enumerated() {
            publisher.publish("t/1", "\(number)", qos: .atLeastOnce) { writer, _ in
                writer.append(.messageExpiryInterval, UInt32(seconds))
            }
        }
        #expect(first.takeTexts() == ["0", "1"])
        world.advance(seconds: 20)
        let second = member(world, "second")
        first.vanish()
        #expect(second.takeAndAcknowledge().map(\.text) == ["1", "3"])
        second.vanish()
        publisher.vanish()
        #expect(world.leftovers == [:])
    }

    /// It comes back to the loop that sent it, which knows who became a member since.
    @Test func aMessageToAGroupThatEndedOnItsWayGoesToTheNextMember() {
        let world = World(loops: 2)
        let first = member(world, "first", loop: 1)
        let publisher = TestClient.connected(world, "p")
        let second = TestClient.connected(world, "second")
        for client in [first, publisher, second] { client.settles = false }
        publisher.publish("t/1", "on its way", qos: .atLeastOnce)
        first.vanish()
        second.subscribe(Self.filter, .atLeastOnce)
        world.settle()
        #expect(second.take().filter { $0.type == .publish }.map(\.text) == ["on its way"])
        #expect(first.take().isEmpty)
    }

    @Test func theLastMemberKeepsItsQueue() {
        let world = World()
        let only = member(world, "only", window: 1)
        let publisher = TestClient.connected(world, "p")
        for number in 0..<3 { publisher.publish("t/1", "\(number)", qos: .atLeastOnce) }
        _ = only.unsubscribe(Self.filter)
        #expect(only.takeAndAcknowledge().map(\.text) == ["0", "1", "2"])
        only.vanish()
        publisher.vanish()
        #expect(world.leftovers == [:])
        #expect(world.broker.formerGroups.isEmpty)
    }

    @Test func aGroupOfAnotherNameInTheSamePlaceGetsNothing() {
        let world = World()
        let first = member(world, "first")
        TestClient.connected(world, "p").publish("t/1", "old", qos: .atLeastOnce)
        #expect(first.takeTexts() == ["old"])
        _ = first.unsubscribe(Self.filter)
        let stranger = TestClient.connected(world, "stranger")
        stranger.subscribe("$share/h/t/#", .atLeastOnce)
        first.vanish()
        #expect(stranger.takeTexts() == [])
    }

    @Test func fullMembersArePassedOverOnAllLoops() {
        var settings = BrokerSettings()
        settings.maximumQueueLength = 2
        let world = World(loops: 3, settings)
        let slow = (0..<2).map { member(world, "slow\($0)", loop: $0, window: 1) }
        let quick = member(world, "quick", loop: 2)
        let publisher = TestClient.connected(world, "p", loop: 0)
        var got: [String] = []
        for number in 0..<60 {
            publisher.publish("t/1", "\(number)", qos: .atLeastOnce)
            got += quick.takeAndAcknowledge().map(\.text)
        }
        #expect(got.count == 54)
        let rest = slow.flatMap { $0.takeAndAcknowledge().map(\.text) }
        #expect(Set(got + rest) == Set((0..<60).map(String.init)))
        #expect(got.count + rest.count == 60)
    }

    @Test func shuttingDownHandsNothingOver() {
        let world = World()
        let members = (0..<3).map { member(world, "m\($0)") }
        let publisher = TestClient.connected(world, "p")
        for number in 0..<9 { publisher.publish("t/1", "\(number)", qos: .atLeastOnce) }
        for one in members { #expect(one.takeTexts().count == 3) }
        world.broker.shutDown()
        world.settle()
        for one in members { #expect(one.takeTexts() == []) }
        #expect(world.leftovers == [:])
    }

    /// Members of three loops come, go, take each other over, unsubscribe and acknowledge at random, in any order of
    /// mail. In the end every message was acknowledged once, and none but those in flight to a member that ended came to two.
    @Test func nothingIsLostOrDoubled() {
        for _ in 0..<40 {
            var random = SeededRandom()
            let world = World(loops: 3)
            // One stays, so that the group does.
            let anchor = TestClient.connected(world, "anchor", loop: random.below(3))
            anchor.subscribe(Self.filter, .atLeastOnce)
            let publisher = TestClient.connected(world, "p", loop: random.below(3))
            var members: [TestClient] = []
            var acknowledged: [String: Int] = [:]
            var seen: [String: Int] = [:]
            var mayRepeat: Set<String> = []
            func read(_ client: TestClient, acknowledging: Bool) {
                for packet in client.take() where packet.type == .publish {
                    seen[packet.text, default: 0] += 1
                    if acknowledging {
                        acknowledged[packet.text, default: 0] += 1
                        client.acknowledge(.puback, packet.identifier)
                    } else {
                        mayRepeat.insert(packet.text)
                    }
                }
            }
            var sent = 0
            publisher.settles = false
            anchor.settles = false
            for _ in 0..<150 {
                switch random.below(8) {
                case 0 where members.count < 4:
                    let client = TestClient(world, "m\(random.below(8))", loop: random.below(3))
                    let displaced = members.firstIndex { $0.name == client.name }.map { members.remove(at: $0) }
                    client.connect(sessionExpiry: random.below(2) == 0 ? nil : 5, receiveMaximum: 3)
                    client.subscribe(Self.filter, .atLeastOnce)
                    client.settles = false
                    members.append(client)
                    // What it has not acknowledged is another's now.
                    if let displaced { read(displaced, acknowledging: false) }
                case 1:
                    guard !members.isEmpty else { break }
                    let client = members.remove(at: random.below(members.count))
                    read(client, acknowledging: false)
                    client.vanish()
                    read(client, acknowledging: false)
                case 2:
                    guard !members.isEmpty else { break }
                    let client = members.remove(at: random.below(members.count))
                    client.settles = true
                    _ = client.unsubscribe(Self.filter)
                    read(client, acknowledging: random.below(2) == 0)
                    client.vanish()
                case 3, 4:
                    for client in members where random.below(2) == 0 { read(client, acknowledging: true) }
                case 5: read(anchor, acknowledging: true)
                default:
                    publisher.publish("t/1", "\(sent)", qos: .atLeastOnce)
                    sent += 1
                }
                for _ in 0..<random.below(4) { world.step(&random) }
            }
            world.settle(&random)
            world.advance(seconds: 6)
            for _ in 0..<100 {
                for client in members + [anchor] { read(client, acknowledging: true) }
                world.settle(&random)
            }
            for number in 0..<sent {
                let text = "\(number)"
                #expect(acknowledged[text, default: 0] == 1, "\(text), seed \(random.seed)")
                if !mayRepeat.contains(text) { #expect(seen[text] == 1, "\(text), seed \(random.seed)") }
            }
            for client in members + [anchor, publisher] { client.vanish() }
            world.settle(&random)
            world.advance(seconds: 6)
            #expect(world.leftovers == [:], "seed \(random.seed)")
        }
    }
}
