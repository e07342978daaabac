// SPDX-License-Identifier: Apache-2.0
// `$delayed/N/topic`.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct DelayedTests {
    @Test(arguments: [ProtocolVersion.v311, .v5])
    func itComesWhenItIsDueAndAsItWasSent(version: ProtocolVersion) {
        let world = World(loops: 2)
        let reader = TestClient.connected(world, "r", loop: 1)
        reader.subscribe("a/#", .exactlyOnce)
        let publisher = TestClient.connected(world, "p", version)
        publisher.publish("$delayed/5/a/b", "x", qos: .atLeastOnce) { writer, keeper in
            if version == .v5 { writer.append(.contentType, keeper("text")) }
        }
        #expect(publisher.take().map(\.reason) == [0])
        #expect(world.broker.delayedCount == 1)
        publisher.disconnect()
        world.advance(4_999)
        #expect(reader.take().isEmpty)
        world.advance(1)
        let packets = reader.take()
        #expect(packets.map(\.topic) == ["a/b"])
        #expect(packets.map(\.text) == ["x"] && packets.map(\.qos) == [1])
        if version == .v5 { #expect(packets.first?.property { $0.contentType?.string } == "text") }
        #expect(world.broker.delayedCount == 0)
        #expect(world.registry.delayed.load(ordering: .relaxed) == 0)
    }

    @Test(arguments: [
        "$delayed/a", "$delayed/5", "$delayed/5/", "$delayed//a", "$delayed/x/a", "$delayed/-1/a",
        "$delayed/1.5/a", "$delayed/99999999999999999999/a", "$delayed/9999999999999999999/a",
    ])
    func whatIsNoDelayIsRefused(topic: String) {
        let world = World()
        let publisher = TestClient.connected(world, "p")
        publisher.publish(topic, "x", qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) == [ReasonCode.topicNameInvalid.rawValue])
        #expect(world.broker.delayedCount == 0)
    }

    @Test func aTimeStampIsTakenToo() {
        let world = World()
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a")
        let publisher = TestClient.connected(world, "p")
        let second = Clock.wallMilliseconds / 1000
        publisher.publish("$delayed/\(second - 10)/a", "past")
        publisher.publish("$delayed/\(second + 100)/a", "future")
        world.advance(2)
        #expect(reader.takeTexts() == ["past"])
        world.advance(seconds: 101)
        #expect(reader.takeTexts() == ["future"])
    }

    @Test func expiryCountsFromReception() {
        let world = World()
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a")
        let publisher = TestClient.connected(world, "p")
        publisher.publish("$delayed/5/a", "expired") { writer, _ in writer.append(.messageExpiryInterval, 5) }
        publisher.publish("$delayed/5/a", "alive") { writer, _ in writer.append(.messageExpiryInterval, 15) }
        world.advance(seconds: 5)
        let packets = reader.take()
        #expect(packets.map(\.text) == ["alive"])
        #expect(packets.map { $0.property(\.messageExpiryInterval) } == [10])
    }

    @Test func thereIsALimitForAllLoops() {
        var settings = BrokerSettings()
        settings.maximumDelayedMessages = 2
        let world = World(loops: 2, settings)
        let first = TestClient.connected(world, "p")
        let second = TestClient.connected(world, "q", loop: 1)
        first.publish("$delayed/5/a", "1", qos: .atLeastOnce)
        second.publish("$delayed/5/a", "2", qos: .atLeastOnce)
        second.publish("$delayed/5/a", "3", qos: .atLeastOnce)
        #expect(first.take().map(\.reason) == [0])
        #expect(second.take().map(\.reason) == [0, ReasonCode.quotaExceeded.rawValue])
        world.advance(seconds: 5)
        second.publish("$delayed/5/a", "4", qos: .atLeastOnce)
        #expect(second.take().map(\.reason) == [0])
        #expect(world.brokers.map(\.delayedCount) == [0, 1])
    }

    @Test func itIsRetainedWhenItIsDue() {
        let world = World()
        TestClient.connected(world, "p").publish("$delayed/5/a", "x", retain: true)
        #expect(world.broker.retainedCount == 0)
        world.advance(seconds: 5)
        #expect(world.broker.retainedCount == 1)
    }

    @Test func aWillMayBeDelayed() {
        let world = World()
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a")
        let client = TestClient.connected(world, "w", will: TestClient.Will(topic: "$delayed/3/a"))
        client.vanish()
        #expect(reader.take().isEmpty)
        world.advance(seconds: 3)
        #expect(reader.takeTexts() == ["gone"])
    }

    @Test func switchedOffItIsATopicLikeOthers() {
        var settings = BrokerSettings()
        settings.delaysMessages = false
        let world = World(settings)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("$delayed/#")
        TestClient.connected(world, "p").publish("$delayed/5/a", "x")
        #expect(reader.take().map(\.topic) == ["$delayed/5/a"])
    }

    /// A will and a plugin's message go through the publish hooks once, when they are published, as a client's message.
    @Test func thePublishHookSeesItOnceAndWithoutThePrefix() {
        let plugin = ScriptedPlugin()
        plugin.publish = { message, _ in
            plugin.events.append(message.topic.text)
            return Int(ISTH_NEXT)
        }
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, "w", will: TestClient.Will(topic: "$delayed/1/will"))
        client.publish("$delayed/1/client")
        client.vanish()
        plugin.inject("$delayed/1/plugin")
        #expect(plugin.events == ["client", "will", "plugin"])
        world.advance(seconds: 1)
        #expect(plugin.events.count == 3)
    }

    @Test(arguments: [(Int(ISTH_DENY), [UInt8(0x97)]), (Int(ISTH_CONSUMED), [0]), (Int(ISTH_DISCONNECT), [0x97])])
    func thePublishHookRefusesItWhenItComes(result: Int, reasons: [UInt8]) {
        let plugin = ScriptedPlugin()
        plugin.publish = { _, edit in
            if result != Int(ISTH_CONSUMED) { _ = EditFunctions.reason(edit, 0x97) }
            return result
        }
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, "c")
        client.publish("$delayed/1/a", qos: .atLeastOnce)
        #expect(client.take().map(\.reason) == reasons)
        #expect(client.isClosed == (result == Int(ISTH_DISCONNECT)))
        #expect(world.broker.delayedCount == 0)
    }

    @Test func whatAPluginDoesNotWantRetainedIsNot() {
        let plugin = ScriptedPlugin()
        let world = World(plugins: [plugin])
        plugin.inject("$delayed/1/a", flags: Int(ISTH_PUB_NO_RETAIN), retain: true)
        plugin.inject("$delayed/1/b", retain: true)
        world.advance(seconds: 1)
        #expect(world.broker.retainedCount == 1)
    }

    @Test func aTokenIsGoodForOneMessage() {
        var messages = DelayedMessages()
        defer { messages.deallocate() }
        let token = messages.insert(makeMessage("t"), skipsRetained: false)
        messages.remove(token)?.message.release()
        #expect(messages.remove(token) == nil)
        let other = messages.insert(makeMessage("t"), skipsRetained: true)
        #expect(messages.remove(token) == nil)
        let found = messages.remove(other)
        #expect(found?.skipsRetained == true)
        found?.message.release()
    }
}
