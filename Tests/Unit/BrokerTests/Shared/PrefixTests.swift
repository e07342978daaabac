// SPDX-License-Identifier: Apache-2.0
// `$queue/` and `$exclusive/`, and strategies that change while the broker runs.

import MQTT
import Testing

@testable import Broker

@Suite struct PrefixTests {
    private func exclusiveWorld(loops: Int = 1) -> World {
        var settings = BrokerSettings()
        settings.isExclusiveSubscriptionAvailable = true
        return World(loops: loops, settings)
    }

    @Test(arguments: [ProtocolVersion.v311, .v5])
    func queueIsAGroup(_ version: ProtocolVersion) {
        let plugin = ScriptedPlugin()
        plugin.recordsRoutes = true
        let world = World(loops: 2, plugins: [plugin])
        let members = (0..<2).map { TestClient.connected(world, "m\($0)", version, loop: $0) }
        for one in members { #expect(one.subscribe("$queue/t", .atLeastOnce) == [1]) }
        #expect(plugin.events == ["+t|$queue"])
        let publisher = TestClient.connected(world, "p")
        for number in 0..<10 { publisher.publish("t", "\(number)", qos: .atLeastOnce) }
        let got = members.map { $0.takeAndAcknowledge().map(\.text) }
        #expect(got.map(\.count) == [5, 5])
        #expect(Set(got.joined()).count == 10)
        for one in members { _ = one.unsubscribe("$queue/t") }
        #expect(plugin.events == ["+t|$queue", "-t|$queue"])
    }

    @Test func noLocalDoesNotLoseAQueueAMessage() {
        let world = World()
        let client = TestClient.connected(world, "c")
        client.subscribe([("$queue/t", SubscriptionOptions(qos: .atLeastOnce, noLocal: true))])
        client.publish("t", "own")
        #expect(client.takeTexts() == ["own"])
        #expect(client.subscribe("$queue/") == [0x8F])
    }

    /// [MQTT-4.8.2-2]
    @Test(
        arguments: [
            "$share/g/$share/h/t", "$share/g/$queue/t", "$share/g/$exclusive/t", "$queue/$share/g/t", "$queue/$queue/t",
            "$exclusive/$share/g/t", "$exclusive/$exclusive/t", "$share/g/$share/", "$queue/$exclusive/",
        ]
    )
    func aPrefixBehindAPrefixIsRefused(_ filter: String) {
        let world = exclusiveWorld()
        for (version, code) in [(ProtocolVersion.v5, UInt8(0x8F)), (.v311, 0x80)] {
            let client = TestClient.connected(world, "c", version)
            #expect(client.subscribe([("a", SubscriptionOptions(qos: .atMostOnce))]) == [0])
            #expect(client.subscribe(filter) == [code])
            #expect(!client.isClosed)
            client.disconnect()
        }
        #expect(world.leftovers == [:])
    }

    @Test func whereSharingIsOffAQueueIsRefused() {
        var settings = BrokerSettings()
        settings.isSharedSubscriptionAvailable = false
        let world = World(settings)
        #expect(TestClient.connected(world, "c").subscribe("$queue/t") == [0x9E])
    }

    @Test(arguments: [0, 1])
    func anExclusiveFilterIsOneClients(_ loop: Int) {
        let world = exclusiveWorld(loops: 2)
        let first = TestClient.connected(world, "first")
        #expect(first.subscribe("$exclusive/t/1", .atLeastOnce) == [1])
        #expect(first.subscribe("$exclusive/t/1", .exactlyOnce) == [2])
        let second = TestClient.connected(world, "second", loop: loop)
        #expect(second.subscribe("$exclusive/t/1") == [0x97])
        #expect(second.subscribe("t/1") == [0])
        let third = TestClient.connected(world, "third", .v311, loop: loop)
        #expect(third.subscribe("$exclusive/t/1") == [0x80])
        TestClient.connected(world, "p").publish("t/1", "both")
        #expect(first.takeTexts() == ["both"])
        #expect(second.takeTexts() == ["both"])
        #expect(first.unsubscribe("$exclusive/t/1") == [0])
        #expect(third.subscribe("$exclusive/t/1", .atLeastOnce) == [1])
        third.vanish()
        #expect(second.subscribe("$exclusive/t/1") == [0])
        second.vanish()
        #expect(world.registry.exclusive.count == 0)
    }

    @Test func anExclusiveFilterStaysWithASessionThatMoves() {
        let world = exclusiveWorld(loops: 2)
        let first = TestClient.connected(world, "c", sessionExpiry: 60)
        #expect(first.subscribe("$exclusive/t") == [0])
        first.vanish()
        let other = TestClient.connected(world, "other")
        #expect(other.subscribe("$exclusive/t") == [0x97])
        let back = TestClient(world, "c", loop: 1)
        back.connect(cleanStart: false, sessionExpiry: 60)
        #expect(other.subscribe("$exclusive/t") == [0x97])
        back.vanish()
        world.advance(seconds: 61)
        #expect(other.subscribe("$exclusive/t") == [0])
    }

    @Test func withoutTheSettingAnExclusiveFilterIsInvalid() {
        let world = World()
        #expect(TestClient.connected(world, "c").subscribe("$exclusive/t") == [0x8F])
        #expect(TestClient.connected(world, "d", .v311).subscribe("$exclusive/t") == [0x80])
        #expect(TestClient.connected(exclusiveWorld(), "c").subscribe("$exclusive/") == [0x8F])
    }

    @Test func aReloadChangesTheStrategy() {
        let world = World()
        let members = (0..<2).map { TestClient.connected(world, "m\($0)") }
        for one in members { one.subscribe("$share/g/t") }
        let publisher = TestClient.connected(world, "p")
        var settings = BrokerSettings()
        settings.sharedStrategies["g"] = SharedStrategy(.hashClientIdentifier)
        world.broker.reconfigure(settings)
        for number in 0..<10 { publisher.publish("t", "\(number)") }
        #expect(Set(members.map { $0.takeTexts().count }) == [0, 10])
        world.broker.reconfigure(BrokerSettings())
        for number in 0..<10 { publisher.publish("t", "\(number)") }
        #expect(members.map { $0.takeTexts().count } == [5, 5])
    }
}
