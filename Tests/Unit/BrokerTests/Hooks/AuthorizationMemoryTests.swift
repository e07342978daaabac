// SPDX-License-Identifier: Apache-2.0
// Which verdicts on publishing a connection remembers, told by what the plugin is asked.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct AuthorizationMemoryTests {
    /// A client whose plugin allows every topic but those that begin with "no".
    private final class Asked {
        let plugin = ScriptedPlugin()
        let world: World
        let client: TestClient
        private var topics: [String] = []

        init(_ settings: BrokerSettings = BrokerSettings()) {
            let plugin = plugin
            plugin.authorize = { _, _, _, _ in 0 }
            world = World(settings, plugins: [plugin])
            client = TestClient.connected(world, "c")
            plugin.authorize = { [unowned self] _, _, topic, _ in
                topics.append(topic)
                return topic.hasPrefix("no") ? Int(ISTH_DENY) : Int(ISTH_ALLOW)
            }
        }

        /// What the plugin is asked while the client publishes to these.
        func publish(_ names: String..., retain: Bool = false) -> [String] {
            topics = []
            for name in names {
                client.publish(name, qos: .atLeastOnce, retain: retain)
                #expect(client.take().map(\.reason) == [name.hasPrefix("no") ? 0x87 : 0x10])
            }
            return topics
        }

        func publish(_ names: [String]) -> [String] { names.flatMap { publish($0) } }
    }

    @Test func severalTopicsAreAskedForOnce() {
        let asked = Asked()
        let names = ["a", "b", "no", "a/b", "no/c", "a topic that is longer than a few words of the machine"]
        #expect(asked.publish(names) == names)
        #expect(asked.publish(names + names.reversed()) == [])
        asked.client.disconnect()
        #expect(asked.world.leftovers == [:])
    }

    @Test func theEarliestIsForgottenWhenThereAreTooMany() {
        let asked = Asked()
        let names = (0..<32).map { "t\($0)" }
        #expect(asked.publish(names) == names)
        #expect(asked.publish(names) == [])
        #expect(asked.publish("more") == ["more"])
        #expect(asked.publish(Array(names[1...])) == [])
        #expect(asked.publish("t0") == ["t0"])
        #expect(asked.publish("t1", "t2", "more") == ["t1", "t2"])
    }

    @Test(arguments: [1, 2, 3]) func theSettingSaysHowMany(size: Int) {
        var settings = BrokerSettings()
        settings.authorizationCacheSize = size
        let asked = Asked(settings)
        let names = (0..<size).map { "t\($0)" }
        #expect(asked.publish(names + names) == names)
        #expect(asked.publish("more") == ["more"])
        #expect(asked.publish("t0") == ["t0"])
    }

    @Test func anotherQoSOrRetainFlagIsAnotherQuestion() {
        let asked = Asked()
        #expect(asked.publish("a") == ["a"])
        #expect(asked.publish("a", retain: true) == ["a"])
        #expect(asked.publish("a") == [])
        #expect(asked.publish("a", retain: true) == [])
    }

    @Test func afterItsTimeEveryAnswerIsAskedForAgain() {
        let asked = Asked()
        #expect(asked.publish("a", "b") == ["a", "b"])
        asked.world.advance(59_999)
        #expect(asked.publish("a", "b") == [])
        asked.world.advance(1)
        #expect(asked.publish("a", "b", "a", "b") == ["a", "b"])
    }

    @Test func newRulesAreAskedForEveryTopicAtOnce() {
        let asked = Asked()
        #expect(asked.publish("a", "b") == ["a", "b"])
        asked.world.broker.reconfigure(BrokerSettings())
        #expect(asked.publish("a", "b", "a", "b") == ["a", "b"])
    }

    @Test func excludedTopicsAreNeverRemembered() {
        var settings = BrokerSettings()
        settings.authorizationCacheExcludes = [Array("x/+".utf8), Array("y/#".utf8)]
        let asked = Asked(settings)
        #expect(asked.publish("x/1", "x/1", "y", "y", "x/1/2", "x/1/2") == ["x/1", "x/1", "y", "y", "x/1/2"])
    }

    @Test func nothingIsRememberedWithoutTheCache() {
        var settings = BrokerSettings()
        settings.authorizationCacheTime = 0
        #expect(Asked(settings).publish("a", "a", "b", "a") == ["a", "a", "b", "a"])
    }
}
