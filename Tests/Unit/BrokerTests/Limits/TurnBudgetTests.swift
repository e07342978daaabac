// SPDX-License-Identifier: Apache-2.0
// What a client can make the broker do in one turn is bounded, whatever its packets ask for, and others come first.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct TurnBudgetTests {
    private func world(loops: Int = 1, budget: Int, _ change: (inout BrokerSettings) -> Void = { _ in }) -> World {
        var settings = BrokerSettings()
        settings.turnBudget = budget
        settings.maximumSubscriptions = nil
        change(&settings)
        let world = World(loops: loops, settings)
        // The first turn has no limit.
        world.settle()
        return world
    }

    /// All filters with `+` or `a` at each of so many levels, and `zz` behind them.
    private func branching(_ levels: Int) -> [String] {
        (0..<1 << levels).map { bits in
            (0..<levels).map { bits >> $0 & 1 == 0 ? "+/" : "a/" }.joined() + "zz"
        }
    }

    /// So many messages for each of which all of `branching(12)` are looked at. Their topics differ: those of one topic in
    /// a row are looked up once.
    private func costly(_ client: TestClient, _ count: Int) -> [UInt8] {
        (0..<count).flatMap { client.publishBytes(String(repeating: "a/", count: 12) + "z\($0 % 2)", [1]) }
    }

    private func subscribe(_ client: TestClient, _ filters: [String], identifier: UInt32? = nil) {
        for start in stride(from: 0, to: filters.count, by: 1000) {
            let part = filters[start..<min(start + 1000, filters.count)].map {
                ($0, SubscriptionOptions(qos: .atMostOnce))
            }
            client.send(client.subscribeBytes(part, client.nextIdentifier(), identifier: identifier))
            finish(client)
        }
    }

    /// Lets turns pass until the client is read again.
    private func finish(_ client: TestClient) {
        var turns = 0
        while client.transport.isPaused, turns < 100_000 {
            client.world.advance(1)
            turns += 1
        }
        #expect(!client.transport.isPaused)
    }

    @Test func aMessageThatManyFiltersAreLookedAtForPaysWithItsTurn() {
        let world = world(budget: 1 << 19) { $0.costlyMatch = 4000 }
        let hoarder = TestClient.connected(world, "hoarder")
        subscribe(hoarder, branching(12))
        let (attacker, good) = (TestClient.connected(world, "attacker"), TestClient.connected(world, "good"))
        good.subscribe("good")
        attacker.send(costly(attacker, 50))
        // 4,094 nodes are twice a turn's budget: one message a turn.
        #expect(world.broker.counters.publishReceived == 1)
        #expect(attacker.transport.isPaused)
        #expect(world.broker.counters.costlyMatches == 1 && world.broker.counters.turnsExceeded > 0)
        let warning = world.warnings.first ?? ""
        #expect(warning.contains(" 4094 nodes of") && warning.contains("are of client hoarder, such as"), "\(warning)")
        for number in 1...49 {
            let before = world.broker.counters.publishReceived
            good.publish("good", "\(number)")
            #expect(good.takeTexts() == ["\(number)"])
            world.advance(1)
            #expect(world.broker.counters.publishReceived - before <= 2)
        }
        finish(attacker)
        #expect(world.broker.counters.publishReceived == 50 + 49)
    }

    @Test func whoComesWhenTheTurnIsSpentIsServedFirstInTheNext() {
        let world = world(budget: 1 << 19)
        subscribe(TestClient.connected(world, "hoarder"), branching(12))
        let (attacker, good) = (TestClient.connected(world, "attacker"), TestClient.connected(world, "good"))
        good.subscribe("good")
        attacker.settles = false
        good.settles = false
        attacker.send(costly(attacker, 9))
        good.publish("good", "1")
        good.publish("good", "2")
        #expect(good.takeTexts().isEmpty && good.transport.isPaused)
        world.settle()
        let before = world.broker.counters.publishReceived
        world.advance(1)
        #expect(good.takeTexts() == ["1", "2"] && !good.transport.isPaused)
        #expect(world.broker.counters.publishReceived == before + 3)
    }

    @Test(arguments: [QoS.atMostOnce, .atLeastOnce])
    func aFanOutIsCutWhereTheTurnIsSpent(qos: QoS) {
        let world = world(budget: 1 << 20)
        let receivers = (0..<64).map { TestClient.connected(world, "r\($0)", receiveMaximum: 1000) }
        for receiver in receivers { receiver.subscribe("t", qos) }
        let publisher = TestClient.connected(world, "p")
        let payload = [UInt8](repeating: 7, count: 2000)
        publisher.send(
            (1...200).flatMap { publisher.publishBytes("t", payload, qos, false, false, qos == .atMostOnce ? 0 : $0) }
        )
        #expect(publisher.transport.isPaused)
        // A run of 32 KB is not cut.
        #expect(world.broker.counters.payloadBytesSent < 4 << 20)
        for _ in 0..<100 {
            world.advance(1)
            if qos == .atLeastOnce { for receiver in receivers { _ = receiver.takeAndAcknowledge() } }
        }
        #expect(!publisher.transport.isPaused)
        #expect(world.broker.counters.publishSent == 200 * 64)
    }

    @Test func messagesForOtherLoopsCount() {
        let world = world(loops: 3, budget: 1 << 20)
        for loop in 1...2 { TestClient.connected(world, "r\(loop)", loop: loop).subscribe("t") }
        let publisher = TestClient.connected(world, "p")
        publisher.settles = false
        let payload = [UInt8](repeating: 7, count: 20_000)
        publisher.send((0..<200).flatMap { _ in publisher.publishBytes("t", payload) })
        #expect(publisher.transport.isPaused)
        #expect(world.broker.counters.publishReceived < 30)
        finish(publisher)
        world.settle()
        #expect(world.broker.counters.publishReceived == 200)
        #expect(world.brokers[1].counters.publishSent == 200 && world.brokers[2].counters.publishSent == 200)
    }

    // MARK: Shared groups

    @Test func veryManyGroupsOfOneFilterAreFoundAndLeft() {
        let world = world(budget: 1 << 40)
        let client = TestClient.connected(world, "c")
        let count = 10_000
        subscribe(client, (0..<count).map { "$share/g\($0)/t" })
        #expect(world.broker.groups.count == count)
        let entry = "t".withView { world.broker.index.find($0) }
        #expect("g7".withView { world.broker.findGroup($0, entry) } >= 0)
        #expect("h7".withView { world.broker.findGroup($0, entry) } < 0)
        // From the middle, the ends, and one that is not there.
        _ = client.unsubscribe("$share/g100/t", "$share/g0/t", "$share/g\(count - 1)/t", "$share/h/t")
        #expect("g100".withView { world.broker.findGroup($0, entry) } < 0)
        #expect(world.broker.groups.count == count - 3)
        client.publish("t")
        #expect(client.takeTexts().count == count - 3)
        client.disconnect()
        world.advance(1000)
        #expect(world.leftovers == [:])
    }

    @Test func aMessageGoesToAnotherLoopOnceForAllGroups() {
        let world = world(loops: 2, budget: 1 << 40)
        let client = TestClient.connected(world, "c", loop: 1)
        subscribe(client, (0..<500).map { "$share/g\($0)/t" })
        let publisher = TestClient.connected(world, "p")
        publisher.settles = false
        publisher.send(publisher.publishBytes("t", [UInt8](repeating: 7, count: 10_000)))
        var copies = 0
        world.broker.outboxes[1].each {
            if case .publishShared(_, let paths) = $0 {
                copies += 1
                #expect(paths.count == 500)
            }
        }
        #expect(copies == 1)
        world.settle()
        #expect(client.takeTexts().count == 500)
    }

    // MARK: SUBSCRIBE and UNSUBSCRIBE

    @Test func aSubscribeOfVeryManyFiltersTakesSeveralTurns() {
        let world = world(loops: 2, budget: 1 << 20)
        let client = TestClient.connected(world, "c")
        let good = TestClient.connected(world, "good")
        let filters = (0..<3000).map { ("t/\($0)", SubscriptionOptions(qos: .atLeastOnce)) }
        client.settles = false
        client.send(client.subscribeBytes(filters, 7))
        #expect(client.transport.isPaused && world.broker.filterCount == 0)
        client.ping()
        var most = 0
        while client.transport.isPaused {
            let before = world.broker.subscriptionCount
            world.advance(1)
            most = max(most, world.broker.subscriptionCount - before)
            good.ping()
            #expect(good.takeTypes() == [.pingresp])
        }
        #expect(most > 0 && most <= 600)
        world.settle()
        let answers = client.take()
        #expect(answers.map(\.type) == [.pingresp, .suback] || answers.map(\.type) == [.suback, .pingresp])
        #expect(answers.first { $0.type == .suback }?.codes == Array(repeating: 1, count: 3000))
        #expect(world.brokers[1].filterCount == 3000)
        var unsubscribe = ByteBuffer()
        defer { unsubscribe.deallocate() }
        let names = filters.map { Array($0.0.utf8) }
        UnsubscribePacket.encode(
            into: &unsubscribe,
            packetIdentifier: 8,
            filters: names.map { name in name.withUnsafeBufferPointer { ByteView($0.baseAddress!, count: $0.count) } },
            version: .v5
        )
        _ = names
        client.send(Array(unsubscribe.view.buffer))
        #expect(client.transport.isPaused && world.broker.filterCount > 2000)
        finish(client)
        #expect(client.take().first?.codes == Array(repeating: 0, count: 3000))
        #expect(world.broker.filterCount == 0)
    }

    @Test func aClientThatGoesInTheMiddleOfItsSubscribeLeavesNothing() {
        let world = world(budget: 1 << 20)
        let client = TestClient.connected(world, "c")
        client.send(client.subscribeBytes((0..<3000).map { ("t/\($0)", SubscriptionOptions(qos: .atMostOnce)) }, 7))
        while world.broker.subscriptionCount == 0 { world.advance(1) }
        client.vanish()
        world.advance(1000)
        #expect(world.leftovers == [:])
    }

    /// Each answer goes on where the one before ended: the filters that have theirs are not looked at again.
    @Test func veryManyVerdictsMayComeLater() {
        let plugin = ScriptedPlugin()
        var tickets: [UInt64] = []
        plugin.authorize = { _, ticket, _, _ in
            tickets.append(ticket)
            return Int(ISTH_LATER)
        }
        var settings = BrokerSettings()
        settings.maximumSubscriptions = nil
        let world = World(settings, plugins: [plugin])
        let client = TestClient.connected(world, "c")
        let count = 10_000
        client.send(client.subscribeBytes((0..<count).map { ("t/\($0)", SubscriptionOptions(qos: .atMostOnce)) }, 7))
        for i in 0..<count {
            #expect(tickets.count == i + 1)
            _ = world.broker.answer(tickets[i], HookAnswer(result: Int32(ISTH_ALLOW)))
            world.settle()
            if client.transport.isPaused, tickets.count == i + 1 { world.advance(1) }
        }
        finish(client)
        #expect(client.take().first?.codes == Array(repeating: 0, count: count))
        #expect(world.broker.filterCount == count)
    }

    // MARK: Subscription identifiers

    @Test func manyIdentifiersReachManyReceivers() throws {
        let world = world(budget: 1 << 40)
        let receivers = (0..<20).map { TestClient.connected(world, "r\($0)") }
        let filters = branching(6).map { String($0.dropLast(3)) }
        for (number, receiver) in receivers.enumerated() {
            for (i, filter) in filters.enumerated() where i % (number + 1) == 0 {
                receiver.subscribe(filter, identifier: UInt32(i + 1))
            }
        }
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a/a/a/a/a/a")
        for (number, receiver) in receivers.enumerated() {
            let packets = receiver.take()
            #expect(packets.count == 1)
            let expected = filters.indices.filter { $0 % (number + 1) == 0 }.map { UInt32($0 + 1) }
            #expect(Set(packets.first?.subscriptionIdentifiers ?? []) == Set(expected))
            #expect(packets.first?.subscriptionIdentifiers.count == expected.count)
        }
    }

    @Test func messagesWithManyIdentifiersAreCutFromTheirRun() {
        let world = world(budget: 1 << 20)
        let receivers = (0..<20).map { TestClient.connected(world, "r\($0)") }
        for receiver in receivers {
            for (i, filter) in branching(6).enumerated() {
                receiver.subscribe(String(filter.dropLast(3)), identifier: UInt32(i + 1))
            }
        }
        let publisher = TestClient.connected(world, "p")
        publisher.send((0..<1000).flatMap { _ in publisher.publishBytes("a/a/a/a/a/a", [1]) })
        #expect(publisher.transport.isPaused)
        #expect(world.broker.counters.publishReceived < 30)
        finish(publisher)
        #expect(world.broker.counters.publishReceived == 1000)
        #expect(world.broker.counters.publishSent == 20_000)
    }

    // MARK: The end of a session

    @Test(arguments: [1, 2])
    func verySubscribedSessionsEndInPortions(loops: Int) {
        let world = world(loops: loops, budget: 1 << 40)
        let count = 20_000
        let client = TestClient.connected(world, "c")
        subscribe(client, (0..<count).map { $0 % 2 == 0 ? "t/\($0)" : "$share/g/t/\($0)" })
        client.vanish()
        #expect(world.broker.subscriptionCount == count)
        // The client may come back meanwhile, as somebody new.
        let again = TestClient.connected(world, "c")
        let publisher = TestClient.connected(world, "p")
        publisher.publish("t/0", "for nobody", qos: .atLeastOnce)
        again.subscribe("t/0")
        publisher.publish("t/0", "1")
        #expect(again.takeTexts() == ["1"])
        var portions = 0
        while world.broker.subscriptionCount > 1, portions < 100 {
            let before = world.broker.subscriptionCount
            world.advance(1)
            #expect(before - world.broker.subscriptionCount <= 2048)
            portions += 1
        }
        #expect(portions > 5)
        for one in [again, publisher] { one.disconnect() }
        world.advance(1000)
        #expect(world.leftovers == [:])
    }

    /// A message that a shared group gave to a session that is ending goes to who is left.
    @Test func whatAnEndingSessionWasGivenGoesToOthers() {
        let world = world(budget: 1 << 40)
        let (ending, other) = (TestClient.connected(world, "e"), TestClient.connected(world, "o", sessionExpiry: 1000))
        subscribe(ending, ["$share/g/t"] + (0..<5000).map { "u/\($0)" })
        other.subscribe("$share/g/t", .atLeastOnce)
        other.vanish()
        ending.vanish()
        let publisher = TestClient.connected(world, "p")
        for number in 0..<10 { publisher.publish("t", "\(number)", qos: .atLeastOnce) }
        world.advance(1000)
        let back = TestClient(world, "o")
        back.connect(cleanStart: false, sessionExpiry: 1000)
        #expect(
            Set(back.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)) == Set((0..<10).map { "\($0)" })
        )
    }

    // MARK: Retained messages

    @Test(arguments: [0, 1])
    func aFilterWaitsForItsRetainedMessagesOnce(loop: Int) {
        let world = World(loops: 2)
        for i in 0..<20_000 { world.broker.store(makeMessage("t/\(i)/b", "\(i)", qos: 0, retain: true)) }
        let client = TestClient.connected(world, "c", loop: loop)
        client.subscribe("t/+/a")
        for _ in 0..<100 {
            client.send(
                client.subscribeBytes([("t/+/a", SubscriptionOptions(qos: .atMostOnce))], client.nextIdentifier())
            )
        }
        #expect(world.brokers[loop].retainedWaiting.values.map(\.count).reduce(0, +) <= 2)
        world.advance(1000)
        #expect(world.brokers[loop].retainedWaiting.isEmpty && world.broker.retainedRequests.isEmpty)
        // It is read again for who subscribes again.
        client.subscribe("t/7/b")
        world.advance(10)
        client.subscribe("t/7/b")
        world.advance(10)
        #expect(client.takeTexts() == ["7", "7"])
    }

    @Test(arguments: [0, 1])
    func whoWaitsForTooManyIsNotRead(loop: Int) {
        var settings = BrokerSettings()
        settings.maximumRetainedReads = 10
        let world = World(loops: 2, settings)
        for i in 0..<20_000 { world.broker.store(makeMessage("t/\(i)/b", "\(i)", qos: 0, retain: true)) }
        let client = TestClient.connected(world, "c", loop: loop)
        for number in 0..<60 {
            client.send(
                client.subscribeBytes([("t/+/\(number)", SubscriptionOptions(qos: .atMostOnce))], UInt16(number + 1))
            )
        }
        #expect(client.transport.isPaused)
        #expect(world.brokers[loop].retainedWaiting.values.map(\.count).reduce(0, +) == 11)
        #expect(world.brokers[loop].counters.retainedReadsHeld == 1)
        #expect(world.warnings.first?.contains("retainer.max_waiting_reads") == true)
        world.advance(seconds: 10)
        #expect(!client.transport.isPaused)
        #expect(client.take().filter { $0.type == .suback }.count == 60)
        #expect(world.brokers[loop].retainedWaiting.isEmpty && world.broker.retainedRequests.isEmpty)
    }

    @Test func topicsThatBeginWithDollarCostWildcardsNothing() {
        let world = World()
        for i in 0..<20_000 { world.broker.store(makeMessage("$x\(i)/b", "\(i)", qos: 0, retain: true)) }
        world.broker.store(makeMessage("y/b", "y", qos: 0, retain: true))
        for filter in ["#", "+/b", "+/#"] {
            var cursor = RetainedCursor(Array(filter.utf8), in: world.broker.retained)
            var found: [String] = []
            let looked = cursor.advance(in: world.broker.retained, limit: .max) {
                found.append($0.payload.string)
                return true
            }
            #expect(looked <= 4 && found == ["y"])
        }
        var found = 0
        "$x7/#".withView { world.broker.retained.eachMessage(matching: $0) { _ in found += 1 } }
        "$x8/+".withView { world.broker.retained.eachMessage(matching: $0) { _ in found += 1 } }
        #expect(found == 2)
    }
}
