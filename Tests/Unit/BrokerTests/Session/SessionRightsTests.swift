// SPDX-License-Identifier: Apache-2.0
// A session that goes on gives its client nothing that the client may not subscribe to any more.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct SessionRightsTests {
    private final class Rules {
        /// By user: filters that they may not subscribe to.
        var denied: [String: Set<String>] = [:]
        var asked: [String] = []
        var isLate = false
    }

    private func world(_ loops: Int, _ rules: Rules, overrides: Bool = false) -> World {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { _, _, _ in Int(ISTH_ALLOW) }
        plugin.authorize = { client, _, topic, access in
            guard access == Int(ISTH_ACCESS_SUBSCRIBE) else { return Int(ISTH_ALLOW) }
            rules.asked.append(topic)
            if rules.isLate { return Int(ISTH_LATER) }
            return Int(rules.denied[client.username.text]?.contains(topic) == true ? ISTH_DENY : ISTH_ALLOW)
        }
        var settings = BrokerSettings()
        settings.overridesIdentity = overrides
        return World(loops: loops, settings, plugins: [plugin], logLevel: .notice)
    }

    private func connect(_ world: World, as user: String, loop: Int = 0, receiveMaximum: UInt16? = nil) -> TestClient {
        let client = TestClient(world, "c", loop: loop)
        client.connect(cleanStart: false, sessionExpiry: 1000, receiveMaximum: receiveMaximum, userName: user)
        return client
    }

    private func change(_ world: World) {
        for broker in world.brokers { broker.reconfigure(broker.settings) }
    }

    /// What came as the texts of messages, all acknowledged.
    private func texts(_ client: TestClient) -> [String] {
        client.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
    }

    @Test(arguments: [1, 2])
    func anotherUserGetsWhatItMaySubscribeTo(loops: Int) {
        let rules = Rules()
        rules.denied["bob"] = ["secret/#"]
        let world = world(loops, rules, overrides: true)
        let ann = connect(world, as: "ann")
        ann.subscribe("secret/#", .atLeastOnce)
        ann.subscribe("open", .atLeastOnce)
        ann.vanish()
        let publisher = TestClient.connected(world, "p")
        for topic in ["secret/a", "open"] { publisher.publish(topic, topic, qos: .atLeastOnce) }
        let bob = connect(world, as: "bob", loop: loops - 1)
        #expect(texts(bob) == ["open"])
        for topic in ["secret/b", "open"] { publisher.publish(topic, topic, qos: .atLeastOnce) }
        #expect(texts(bob) == ["open"])
        #expect(
            world.warnings.contains {
                $0.contains("may not make 1 of its session's subscriptions") && $0.contains("secret/#")
            }
        )
        // It has ended: the rightful user has to ask for it again.
        bob.vanish()
        let back = connect(world, as: "ann")
        _ = texts(back)
        publisher.publish("secret/c", "c", qos: .atLeastOnce)
        #expect(texts(back).isEmpty)
        for client in [publisher, back] { client.disconnect(sessionExpiry: 0) }
        #expect(world.leftovers == [:])
    }

    @Test(arguments: [1, 2])
    func rulesThatChangedMeanwhileHold(loops: Int) {
        let rules = Rules()
        let world = world(loops, rules)
        let ann = connect(world, as: "ann")
        for filter in ["a", "a/#", "b"] { ann.subscribe(filter, .atLeastOnce) }
        ann.vanish()
        let publisher = TestClient.connected(world, "p")
        for topic in ["a", "a/1", "b"] { publisher.publish(topic, topic, qos: .atLeastOnce) }
        rules.asked = []
        rules.denied["ann"] = ["a/#", "b"]
        change(world)
        let back = connect(world, as: "ann", loop: loops - 1)
        // By `a` it may have what `a/#` is not good for any more.
        #expect(texts(back) == ["a"])
        #expect(rules.asked.sorted() == ["a", "a/#", "b"])
    }

    @Test func nobodyIsAskedAgainWithoutNeed() {
        let rules = Rules()
        let world = world(1, rules)
        let ann = connect(world, as: "ann")
        ann.subscribe("a", .atLeastOnce)
        ann.vanish()
        rules.denied["ann"] = ["a"]
        let back = connect(world, as: "ann")
        #expect(rules.asked == ["a"])
        // While it was here the rules changed: its next connection is asked about.
        change(world)
        back.vanish()
        _ = connect(world, as: "ann")
        #expect(rules.asked == ["a", "a"])
    }

    @Test func whatIsOnItsWayIsNotSentAgain() {
        let rules = Rules()
        let world = world(1, rules)
        let ann = connect(world, as: "ann")
        for filter in ["one", "two", "open"] { ann.subscribe(filter, .exactlyOnce) }
        let publisher = TestClient.connected(world, "p")
        publisher.publish("one", "1", qos: .atLeastOnce)
        publisher.publish("two", "2", qos: .exactlyOnce)
        publisher.publish("open", "3", qos: .atLeastOnce)
        #expect(ann.take().filter { $0.type == .publish }.map(\.text) == ["1", "2", "3"])
        ann.vanish()
        rules.denied["ann"] = ["one", "two"]
        change(world)
        let back = connect(world, as: "ann")
        let packets = back.take()
        // A receiver may know the identifier of QoS 2 already.
        #expect(packets.map(\.type) == [.connack, .pubrel, .publish])
        #expect(packets.last?.text == "3")
        back.acknowledge(.pubcomp, packets[1].identifier)
        back.acknowledge(.puback, packets[2].identifier)
        back.disconnect(sessionExpiry: 0)
        publisher.disconnect()
        #expect(world.leftovers == [:])
    }

    @Test func anAnswerThatComesLaterIsANo() {
        let rules = Rules()
        let world = world(1, rules)
        let ann = connect(world, as: "ann")
        ann.subscribe("a", .atLeastOnce)
        ann.vanish()
        TestClient.connected(world, "p").publish("a", "1", qos: .atLeastOnce)
        rules.isLate = true
        change(world)
        #expect(texts(connect(world, as: "ann")).isEmpty)
    }

    @Test func whatASharedGroupGaveItGoesToTheOthers() {
        let rules = Rules()
        let world = world(1, rules)
        let ann = connect(world, as: "ann")
        ann.subscribe("$share/g/a", .atLeastOnce)
        ann.vanish()
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "1", qos: .atLeastOnce)
        let other = TestClient.connected(world, "o")
        other.subscribe("$share/g/a", .atLeastOnce)
        rules.denied["ann"] = ["a"]
        change(world)
        let back = connect(world, as: "ann")
        #expect(texts(back).isEmpty)
        #expect(texts(other) == ["1"])
        // Without another member it is nobody's.
        _ = other.unsubscribe("$share/g/a")
        rules.denied = [:]
        back.subscribe("$share/g/a", .atLeastOnce)
        back.vanish()
        publisher.publish("a", "2", qos: .atLeastOnce)
        rules.denied["ann"] = ["a"]
        change(world)
        #expect(texts(connect(world, as: "ann")).isEmpty)
        #expect(world.broker.counters.publishDropped == 1)
    }

    /// The rules speak of topics as the client knows them.
    @Test func theMountpointIsNotAskedAbout() throws {
        let rules = Rules()
        let world = world(1, rules)
        let template = try MountpointTemplate("in/")
        func mounted() -> TestClient {
            let client = TestClient(world, "c") { $0.mountpoint = template }
            client.connect(cleanStart: false, sessionExpiry: 1000, userName: "ann")
            return client
        }
        let ann = mounted()
        for filter in ["a", "b"] { ann.subscribe(filter, .atLeastOnce) }
        ann.vanish()
        let publisher = TestClient.connected(world, "p")
        for topic in ["in/a", "in/b"] { publisher.publish(topic, topic, qos: .atLeastOnce) }
        rules.denied["ann"] = ["a"]
        change(world)
        #expect(texts(mounted()) == ["in/b"])
    }
}
