// SPDX-License-Identifier: Apache-2.0
// What is published, kept, left as a will or replayed has the very topic that its client was authorised for, and what is
// subscribed to the very filter, whatever prefixes, mountpoints, aliases and edits stand in between.

import MQTT
import PluginAPI
import TestRandom
import Testing

@testable import Broker

/// Keeps the topics of everything that is published, whatever it begins with; as a subscription also of what is retained.
private final class Everything {
    private(set) var topics: [String] = []

    init(_ broker: Broker, isSubscription: Bool = false) {
        let index = broker.openDestination(
            identifier: 99,
            isSubscription: isSubscription,
            state: Unmanaged.passUnretained(self).toOpaque(),
            deliver: { state, message in
                Unmanaged<Everything>.fromOpaque(state!).takeUnretainedValue().topics.append(message.pointee.topic.text)
            }
        )
        for first in ["", "$delayed/", "$share/", "$queue/", "$exclusive/", "$SYS/", "$LINK/"] {
            "\(first)#".withView { broker.addFilter(index, $0) }
        }
    }
}

/// Allows two topics of three, and remembers which.
private final class Judge {
    let plugin = ScriptedPlugin()
    var published: Set<String> = []
    var subscribed: Set<String> = []
    /// What the publish hook makes of a topic.
    var edits: [String: String] = [:]

    init() {
        plugin.authorize = { [self] _, _, topic, access in
            guard topic.utf8.reduce(0, { $0 &* 31 &+ Int($1) }) % 3 != 0 else { return Int(ISTH_DENY) }
            if access == Int(ISTH_ACCESS_PUBLISH) { published.insert(topic) } else { subscribed.insert(topic) }
            return Int(ISTH_ALLOW_NAMED)
        }
        plugin.publish = { [self] message, edit in
            edits[message.topic.text]?.withView { _ = EditFunctions.topic(edit, isth_str($0)) }
            return Int(ISTH_NEXT)
        }
    }
}

@Suite struct TopicAuthorityTests {
    private static let prefixes = [
        "$delayed/0/", "$delayed/1/", "$delayed/x/", "$share/g/", "$share//", "$queue/", "$exclusive/", "$SYS/",
        "$LINK/",
        "a/", "secret/", "m/",
    ]

    private func nested(_ random: inout SeededRandom) -> String {
        (0..<random.below(5)).map { _ in random.pick(Self.prefixes) }.joined() + "t\(random.below(4))"
    }

    private func settings() -> BrokerSettings {
        var settings = BrokerSettings()
        settings.isExclusiveSubscriptionAvailable = true
        settings.maximumTopicAlias = 10
        return settings
    }

    private func client(
        _ world: World,
        _ name: String,
        _ mountpoint: String,
        will: TestClient.Will? = nil
    ) throws -> TestClient {
        if mountpoint.isEmpty {
            let client = TestClient(world, name)
            client.connect(will: will)
            return client
        }
        let template = try MountpointTemplate(mountpoint)
        let client = TestClient(world, name) { $0.mountpoint = template }
        client.connect(will: will)
        return client
    }

    @Test(arguments: [1, 2])
    func whatIsPublishedWasAuthorisedUnderThatName(loops: Int) throws {
        var random = SeededRandom()
        for round in 0..<400 {
            let judge = Judge()
            let world = World(loops: loops, settings(), plugins: [judge.plugin])
            let everything = Everything(world.brokers[loops - 1])
            world.settle()
            let mountpoint = random.pick(["", "", "m/", "m"])
            let will = random.below(2) == 0 ? TestClient.Will(topic: nested(&random), retain: true) : nil
            // An edit is the plugin's: it is authorised again where a client's publish is edited, and only there.
            if mountpoint.isEmpty, will == nil { judge.edits[nested(&random)] = nested(&random) }
            let client = try client(world, "c", mountpoint, will: will)
            for _ in 0..<8 where !client.isClosed {
                let topic = nested(&random)
                let qos = random.pick([QoS.atMostOnce, .atLeastOnce, .exactlyOnce])
                let alias = random.below(3) == 0
                client.publish(topic, qos: qos, retain: random.below(2) == 0) { writer, _ in
                    if alias { writer.append(.topicAlias, UInt32(1)) }
                }
                if alias, !client.isClosed {
                    client.publish("", qos: qos) { writer, _ in writer.append(.topicAlias, UInt32(1)) }
                }
            }
            if !client.isClosed { client.vanish() }
            for _ in 0..<3 { world.advance(seconds: 1) }
            let allowed = Set(judge.published.map { mountpoint + $0 })
            for topic in everything.topics where !allowed.contains(topic) {
                Issue.record("\(topic) was not authorised (seed \(random.seed), round \(round))")
            }
            let kept = Everything(world.broker, isSubscription: true)
            world.settle()
            for topic in kept.topics where !allowed.contains(topic) {
                Issue.record("\(topic) is retained and was not authorised (seed \(random.seed), round \(round))")
            }
        }
    }

    @Test func whatIsSubscribedToWasAuthorisedUnderThatName() throws {
        var random = SeededRandom()
        for round in 0..<400 {
            let judge = Judge()
            let world = World(settings(), plugins: [judge.plugin])
            let topics = (0..<20).map { _ in nested(&random) }
            for topic in topics {
                judge.plugin.inject(topic, "kept", flags: Int(ISTH_PUB_SKIP_HOOKS), retain: random.below(2) == 0)
            }
            let mountpoint = random.pick(["", "", "m/"])
            let client = try client(world, "c", mountpoint)
            for _ in 0..<4 {
                client.subscribe(nested(&random) + random.pick(["", "/#", "/+"]), .atLeastOnce)
                client.subscribe(random.pick(["#", "+/#", "$share/g/#", "$queue/+/+", "$share/g/$delayed/#"]))
            }
            for topic in topics { judge.plugin.inject(topic, "live", flags: Int(ISTH_PUB_SKIP_HOOKS)) }
            world.settle()
            let filters = judge.subscribed.map { Array($0.utf8) }
            for packet in client.take() where packet.type == .publish {
                let isAuthorised = filters.contains { filter in
                    (Array(mountpoint.utf8) + filter).withView { filter in
                        (mountpoint + packet.topic).withView { TopicFilter.matches(filter, $0) }
                    }
                }
                if !isAuthorised {
                    Issue.record("\(packet.topic) came and was not authorised (seed \(random.seed), round \(round))")
                }
            }
        }
    }

    @Test(arguments: ["$delayed/0/$delayed/0/secret/x", "$delayed/1/$delayed/x", "$delayed/x/a"])
    func aDelayBehindADelayIsRefused(topic: String) {
        let world = World()
        let everything = Everything(world.broker)
        let publisher = TestClient.connected(world, "p")
        publisher.publish(topic, qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) == [ReasonCode.topicNameInvalid.rawValue])
        let leaving = TestClient(world, "w")
        leaving.connect(will: TestClient.Will(topic: topic))
        #expect(leaving.take().map(\.reason) == [ReasonCode.topicNameInvalid.rawValue])
        #expect(leaving.isClosed)
        world.advance(seconds: 5)
        #expect(everything.topics == [])
    }

    /// A will that was authorised as it stood is not cut when delays are switched on meanwhile, and the other way round.
    @Test(arguments: [false, true])
    func theSettingOfTheConnectHolds(delays: Bool) {
        var settings = BrokerSettings()
        settings.delaysMessages = delays
        let world = World(settings)
        let everything = Everything(world.broker)
        let client = TestClient.connected(world, "w", will: TestClient.Will(topic: "$delayed/1/a"))
        settings.delaysMessages = !delays
        world.broker.reconfigure(settings)
        client.vanish()
        world.advance(seconds: 2)
        #expect(everything.topics == [delays ? "a" : "$delayed/1/a"])
    }
}
