// SPDX-License-Identifier: Apache-2.0
// What plugins decide: admission and authorisation, at once, later, too late or never.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct QuestionTests {
    private static let next = Int(ISTH_NEXT)
    private static let allow = Int(ISTH_ALLOW)
    private static let deny = Int(ISTH_DENY)
    private static let later = Int(ISTH_LATER)

    private func answer(_ result: Int) -> HookAnswer { HookAnswer(result: Int32(result)) }

    /// A plugin that answers every authorisation later, and keeps what it was asked.
    private final class Slow {
        let plugin = ScriptedPlugin()
        var asked: [(ticket: UInt64, topic: String, access: Int)] = []

        init(_ isSlow: @escaping (String) -> Bool = { _ in true }) {
            plugin.authorize = { [unowned self] _, ticket, topic, access in
                asked.append((ticket, topic, access))
                return isSlow(topic) ? QuestionTests.later : QuestionTests.allow
            }
        }
    }

    @Test(arguments: [
        ([0, 1], true), ([1, 2], true), ([2, 1], false), ([0, 0], false), ([-1, 1], false), ([0, 2], false),
    ])
    func theFirstOpinionDecides(verdicts: [Int], isIn: Bool) {
        let plugins = verdicts.map { verdict in
            let plugin = ScriptedPlugin()
            plugin.authenticate = { _, _, _ in verdict }
            return plugin
        }
        let world = World(plugins: plugins)
        let client = TestClient(world, "a", isLoopback: isIn)
        client.connect(userName: "u", password: "p")
        #expect((client.take()[0].reason == 0) == isIn)
        #expect(client.isClosed != isIn)
        if isIn { client.disconnect() }
        #expect(world.leftovers == [:])
    }

    @Test func thePluginSeesTheCredentials() {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { client, _, password in
            plugin.events.append("\(client.client_id.text) \(client.username.text) \(password.text) \(client.protocol)")
            return Self.deny
        }
        let world = World(plugins: [plugin])
        let client = TestClient(world, "me", .v311)
        client.connect(userName: "u", password: "secret")
        #expect(plugin.events == ["me u secret 4"])
        #expect(client.take().map(\.reason) == [0x86])
    }

    @Test func anAnswerInsideTheCallCounts() {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { _, ticket, _ in
            var answer = HookAnswer(result: Int32(Self.allow))
            answer.details = AnswerDetails(userName: Array("renamed".utf8))
            answer.isSuperuser = true
            #expect(plugin.world.broker.answer(ticket, answer))
            return Self.later
        }
        plugin.authorize = { _, _, _, _ in Self.deny }
        let world = World(plugins: [plugin])
        let client = TestClient(world, "a")
        client.connect()
        #expect(client.take().map(\.reason) == [0])
        let session = "a".withView { world.broker.session(named: $0) }
        let connection = world.broker.sessions[session].pointee.connection
        #expect(connection?.pointee.userName.view.string == "renamed")
        // A superuser is not asked about.
        #expect(client.subscribe("x") == [0])
    }

    @Test func packetsBehindASuspendedConnectWait() {
        let plugin = ScriptedPlugin()
        var ticket: UInt64 = 0
        plugin.authenticate = { _, given, _ in
            ticket = given
            return Self.later
        }
        let world = World(plugins: [plugin])
        let client = TestClient(world, "a")
        let options = SubscriptionOptions(qos: .atMostOnce)
        client.send(client.connectBytes() + client.subscribeBytes([("a", options)], 1) + [0xC0])
        #expect(client.take().isEmpty)
        #expect(client.transport.isPaused)
        client.send([0])
        #expect(client.take().isEmpty)
        #expect(world.broker.answer(ticket, answer(Self.allow)))
        world.settle()
        #expect(client.takeTypes() == [.connack, .suback, .pingresp])
        #expect(!client.transport.isPaused)
        #expect(!world.broker.answer(ticket, answer(Self.allow)))
        client.disconnect()
        #expect(world.leftovers == [:])
    }

    @Test func silenceIsANo() {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { _, _, _ in Self.later }
        let world = World(plugins: [plugin])
        let client = TestClient(world, "a")
        client.connect()
        world.advance(9999)
        #expect(!client.isClosed)
        world.advance(1)
        #expect(client.take().map(\.reason) == [0x86])
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func aClientThatLeftIsNotResumed() {
        let plugin = ScriptedPlugin()
        var ticket: UInt64 = 0
        plugin.authenticate = { _, given, _ in
            ticket = given
            return Self.later
        }
        let world = World(plugins: [plugin])
        let client = TestClient(world, "a")
        client.connect()
        client.vanish()
        #expect(!world.broker.answer(ticket, answer(Self.allow)))
        world.settle()
        #expect(world.leftovers == [:])
    }

    @Test func aClientThatLeavesBetweenAnswerAndResumptionIsNotResumed() {
        let plugin = ScriptedPlugin()
        var ticket: UInt64 = 0
        plugin.authenticate = { _, given, _ in
            ticket = given
            return Self.later
        }
        let world = World(plugins: [plugin])
        let client = TestClient(world, "a")
        client.connect()
        #expect(world.broker.answer(ticket, answer(Self.allow)))
        client.vanish()
        #expect(client.take().isEmpty)
        #expect(world.leftovers == [:])
    }

    @Test func aPublishMayWaitAndOthersBehindIt() {
        let slow = Slow { $0 == "slow" }
        let world = World(plugins: [slow.plugin])
        let reader = TestClient.connected(world, "r")
        reader.subscribe("#")
        let publisher = TestClient.connected(world, "p")
        publisher.publish("slow", "1", qos: .atLeastOnce)
        publisher.publish("quick", "2", qos: .atLeastOnce)
        #expect(reader.take().isEmpty)
        #expect(world.broker.connectedCount == 2)
        _ = world.broker.answer(slow.asked[1].ticket, answer(Self.allow))
        world.settle()
        #expect(reader.takeTexts() == ["1", "2"])
        #expect(publisher.takeTypes() == [.puback, .puback])
        // Remembered: not asked again.
        publisher.publish("slow", "3", qos: .atLeastOnce)
    }

    @Test func aDeniedPublishIsAnsweredAndDropped() {
        let plugin = ScriptedPlugin()
        plugin.authorize = { _, _, topic, _ in topic == "no" ? Self.deny : Self.next }
        let world = World(plugins: [plugin])
        let reader = TestClient.connected(world, "r")
        reader.subscribe("#")
        let publisher = TestClient.connected(world, "p")
        publisher.publish("no", qos: .atMostOnce)
        publisher.publish("no", qos: .atLeastOnce)
        publisher.publish("no", qos: .exactlyOnce)
        #expect(publisher.take().map(\.reason) == [0x87, 0x87])
        #expect(reader.take().isEmpty)
        var settings = BrokerSettings()
        settings.disconnectsWhenDenied = true
        let strict = World(settings, plugins: [plugin])
        let other = TestClient.connected(strict, "p")
        other.publish("no")
        #expect(other.take().map(\.reason) == [0x87])
        #expect(other.isClosed)
    }

    @Test func theSecondFilterOfASubscribeMayWait() {
        let slow = Slow { $0 == "slow" }
        let plugin = slow.plugin
        plugin.subscribe = { subscription, edit in
            plugin.events.append(subscription.filter.text)
            if subscription.filter.text == "edited" {
                "slow".withView { _ = EditFunctions.filter(edit, isth_str($0)) }
            }
            return Self.next
        }
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, "c")
        let options = SubscriptionOptions(qos: .atLeastOnce)
        client.subscribe([("a", options), ("edited", options), ("b", options)])
        #expect(client.take().isEmpty)
        #expect(world.broker.filterCount == 0)
        _ = world.broker.answer(slow.asked[1].ticket, answer(Self.allow))
        world.settle()
        #expect(client.take().map(\.codes) == [[1, 1, 1]])
        // Every filter was shown to the hook once, and the edit held.
        #expect(plugin.events == ["a", "edited", "b"])
        #expect(slow.asked.map(\.topic) == ["a", "slow", "b"])
        #expect("slow".withView { world.broker.index.find($0) } >= 0)
        #expect("edited".withView { world.broker.index.find($0) } == -1)
    }

    @Test func aPublishThatWaitedLeavesNoTrace() {
        let slow = Slow { $0 == "slow" }
        let plugin = slow.plugin
        plugin.subscribe = { subscription, _ in
            plugin.events.append(subscription.filter.text)
            return Self.deny
        }
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, "c")
        client.publish("slow")
        _ = world.broker.answer(slow.asked[0].ticket, answer(Self.allow))
        world.settle()
        #expect(client.subscribe("a") == [0x87])
        #expect(plugin.events == ["a"])
    }

    @Test func aClientMayEndWhileItsPublishWaits() {
        let slow = Slow()
        let world = World(plugins: [slow.plugin])
        for version in [ProtocolVersion.v5, .v311] {
            let client = TestClient.connected(world, "c", version)
            client.publish("a")
            client.vanish()
            #expect(world.leftovers == [:])
            let kicked = TestClient.connected(world, "k", version)
            kicked.publish("a")
            _ = "k".withView { world.broker.kick($0, 0x98, dropSession: true) }
            world.settle()
            #expect(kicked.take().map(\.reason) == (version == .v5 ? [0x98] : []))
            #expect(world.leftovers == [:])
        }
        #expect(world.broker.counters.connects == world.broker.counters.disconnects)
        world.advance(seconds: 60)
        #expect(world.leftovers == [:])
    }

    @Test func theWillIsAuthorisedAtConnect() {
        let slow = Slow()
        let world = World(plugins: [slow.plugin])
        let client = TestClient(world, "c")
        client.connect(will: .init(topic: "w", retain: true))
        #expect(client.take().isEmpty)
        _ = world.broker.answer(slow.asked[0].ticket, answer(Self.deny))
        world.settle()
        #expect(client.take().map(\.reason) == [0])
        client.vanish()
        #expect(world.broker.retainedCount == 0)
        let other = TestClient(world, "d")
        other.connect(will: .init(topic: "w", retain: true))
        _ = world.broker.answer(slow.asked[1].ticket, answer(Self.allow))
        world.settle()
        other.vanish()
        #expect(world.broker.retainedCount == 1)
    }

    @Test func aFailureIsNotRemembered() {
        let plugin = ScriptedPlugin()
        var result = Int(ISTH_ERROR)
        plugin.authorize = { _, _, _, _ in result }
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, "c")
        client.publish("a", qos: .atLeastOnce)
        result = Self.allow
        client.publish("a", qos: .atLeastOnce)
        #expect(client.take().map(\.reason) == [0x87, 0x10])
    }

    @Test func aPluginSaysHowLongItsAnswerHolds() {
        let plugin = ScriptedPlugin()
        var asked = 0
        plugin.authorize = { _, ticket, _, _ in
            asked += 1
            var answer = HookAnswer(result: Int32(Self.allow))
            answer.validSeconds = 5
            _ = plugin.world.broker.answer(ticket, answer)
            return Self.later
        }
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, "c")
        client.publish("a")
        world.advance(4999)
        client.publish("a")
        #expect(asked == 1)
        world.advance(1)
        client.publish("a")
        #expect(asked == 2)
    }
}
