// SPDX-License-Identifier: Apache-2.0
// What a listener's mountpoint makes of the topics of its clients.

import MQTT
import PluginAPI
import Testing

@testable import Broker

extension TestClient {
    /// A connected client of a listener with this mountpoint, its CONNACK taken.
    static func mounted(
        _ world: World,
        _ name: String,
        at mountpoint: String,
        _ version: ProtocolVersion = .v5,
        loop: Int = 0,
        cleanStart: Bool = true,
        sessionExpiry: UInt32? = nil,
        will: Will? = nil,
        userName: String? = nil
    ) throws -> TestClient {
        let template = try MountpointTemplate(mountpoint)
        let client = TestClient(world, name, version, loop: loop) { $0.mountpoint = template }
        client.connect(cleanStart: cleanStart, sessionExpiry: sessionExpiry, will: will, userName: userName)
        let connack = client.take().first
        #expect(connack?.type == .connack && connack?.reason == 0)
        return client
    }
}

@Suite struct MountpointTests {
    @Test(arguments: [1, 2])
    func topicsGetThePrefixAndLoseItAgain(loops: Int) throws {
        let world = World(loops: loops)
        let whole = TestClient.connected(world, "whole", loop: loops - 1)
        whole.subscribe("#", .exactlyOnce)
        let same = try TestClient.mounted(world, "same", at: "dev/", .v311)
        same.subscribe("#", .atLeastOnce)
        let other = try TestClient.mounted(world, "other", at: "else/")
        other.subscribe("#")
        let publisher = try TestClient.mounted(world, "p", at: "dev/", loop: loops - 1)
        for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] { publisher.publish("a/b", "\(qos)", qos: qos) }
        #expect(same.takeAndAcknowledge().filter { $0.type == .publish }.map(\.topic) == ["a/b", "a/b", "a/b"])
        #expect(
            whole.takeAndAcknowledge().filter { $0.type == .publish }.map(\.topic) == ["dev/a/b", "dev/a/b", "dev/a/b"]
        )
        #expect(other.take().isEmpty)
        whole.publish("dev/c")
        whole.publish("else/c")
        #expect(same.take().map(\.topic) == ["c"])
        #expect(other.take().map(\.topic) == ["c"])
    }

    @Test func namesOfTheClientStandInIt() throws {
        let world = World()
        let whole = TestClient.connected(world, "whole")
        whole.subscribe("#")
        let client = try TestClient.mounted(world, "c1", at: "${zone}/${username}/x${clientid}/", userName: "ann")
        client.publish("t")
        #expect(whole.take().map(\.topic) == ["default/ann/xc1/t"])
    }

    @Test func everySubscriberOfAFanOutGetsItsOwnTopic() throws {
        let world = World()
        let readers = [
            TestClient.connected(world, "1"), try TestClient.mounted(world, "2", at: "dev/"),
            TestClient.connected(world, "3", .v311), try TestClient.mounted(world, "4", at: "dev/a/", .v311),
        ]
        let filters = ["dev/a/b", "a/b", "dev/a/b", "b"]
        for (reader, filter) in zip(readers, filters) { #expect(reader.subscribe(filter) == [0]) }
        readers[0].publish("dev/a/b", "all")
        for (reader, filter) in zip(readers, filters) {
            let packets = reader.take()
            #expect(packets.map(\.topic) == [filter] && packets.map(\.text) == ["all"])
        }
    }

    @Test func prefixesOfFiltersStayInFront() throws {
        var settings = BrokerSettings()
        settings.isExclusiveSubscriptionAvailable = true
        let world = World(settings)
        let filters = ["$share/g/s/+", "$queue/q", "$exclusive/e"]
        let client = try TestClient.mounted(world, "c", at: "dev/")
        for filter in filters { #expect(client.subscribe(filter) == [0]) }
        let whole = TestClient.connected(world, "whole")
        for topic in ["s/1", "q", "e"] {
            whole.publish(topic)
            #expect(client.take().isEmpty)
            whole.publish("dev/" + topic)
            #expect(client.take().map(\.topic) == [topic])
        }
        #expect(whole.subscribe("$exclusive/dev/e") == [ReasonCode.quotaExceeded.rawValue])
        for filter in filters { #expect(client.unsubscribe(filter) == [0]) }
        #expect(client.unsubscribe("s/+") == [ReasonCode.noSubscriptionExisted.rawValue])
        #expect(whole.subscribe("$exclusive/dev/e") == [0])
        for topic in ["s/1", "q", "e"] { whole.publish("dev/" + topic) }
        #expect(client.take().isEmpty)
    }

    @Test func delayedMessagesAreMountedBehindTheirDelay() throws {
        let world = World()
        let whole = TestClient.connected(world, "whole")
        whole.subscribe("#")
        let client = try TestClient.mounted(world, "c", at: "dev/", will: .init(topic: "$delayed/5/w"))
        client.publish("$delayed/3/t")
        client.vanish()
        world.advance(seconds: 4)
        #expect(whole.take().map(\.topic) == ["dev/t"])
        world.advance(seconds: 2)
        #expect(whole.take().map(\.topic) == ["dev/w"])
    }

    @Test func willsAreMounted() throws {
        let world = World()
        let whole = TestClient.connected(world, "whole")
        whole.subscribe("#")
        let client = try TestClient.mounted(world, "c", at: "dev/${clientid}/", will: .init(topic: "w", retain: true))
        client.vanish()
        #expect(whole.take().map(\.topic) == ["dev/c/w"])
        let next = try TestClient.mounted(world, "n", at: "dev/")
        next.subscribe("+/w")
        #expect(next.take().map(\.topic) == ["c/w"])
    }

    @Test(arguments: [1, 2])
    func retainedMessagesAreFound(loops: Int) throws {
        let world = World(loops: loops)
        let client = try TestClient.mounted(world, "c", at: "dev/", loop: loops - 1)
        client.publish("t", "kept", qos: .atLeastOnce, retain: true)
        _ = client.take()
        client.subscribe("#", .atLeastOnce)
        let packets = client.takeAndAcknowledge()
        #expect(packets.map(\.topic) == ["t"] && packets.map(\.retain) == [true])
        client.publish("t", "", retain: true)
        #expect(world.broker.retained.count == 0)
    }

    @Test func aliasesStandForTheTopicsOfTheClient() throws {
        let world = World()
        let template = try MountpointTemplate("a/long/mountpoint/")
        let client = TestClient(world, "c") { $0.mountpoint = template }
        let keeper = TextKeeper()
        let packet = ConnectPacket(
            version: .v5,
            clientIdentifier: keeper("c"),
            cleanStart: true,
            keepAlive: 0,
            properties: client.properties { $0.append(.topicAliasMaximum, 5) },
            will: nil,
            userName: nil,
            password: nil
        )
        client.send(encoded { packet.encode(into: &$0) })
        _ = client.take()
        client.subscribe("sensors/#")
        let topic = "sensors/temperature"
        client.publish(topic) { writer, _ in writer.append(.topicAlias, 1) }
        for _ in 0..<2 { client.publish("") { writer, _ in writer.append(.topicAlias, 1) } }
        let packets = client.take()
        #expect(packets.map(\.topic) == [topic, "", ""])
        #expect(packets.allSatisfy { $0.property(\.topicAlias) == 1 })
    }

    @Test func largeMessagesLoseThePrefixToo() throws {
        let world = World()
        let client = try TestClient.mounted(world, "c", at: "dev/")
        client.subscribe("t", .atLeastOnce)
        let payload = String(repeating: "x", count: 100_000)
        client.publish("t", payload, qos: .atLeastOnce)
        let packets = client.take().filter { $0.type == .publish }
        #expect(packets.map(\.topic) == ["t"] && packets.map(\.text) == [payload])
    }

    @Test func noLocalAndSubscriptionIdentifiersWork() throws {
        let world = World()
        let client = try TestClient.mounted(world, "c", at: "dev/")
        client.subscribe([("t", SubscriptionOptions(qos: .atMostOnce, noLocal: true))], identifier: 7)
        client.publish("t")
        #expect(client.take().isEmpty)
        let other = try TestClient.mounted(world, "o", at: "dev/")
        other.publish("t")
        let packets = client.take()
        #expect(packets.map(\.topic) == ["t"] && packets.map(\.subscriptionIdentifiers) == [[7]])
    }

    @Test func dollarTopicsOfTheBrokerAreOutOfReach() throws {
        let world = World()
        let whole = TestClient.connected(world, "whole")
        whole.subscribe("#")
        let client = try TestClient.mounted(world, "c", at: "dev/")
        #expect(client.subscribe("$SYS/#") == [0])
        world.broker.publishSystem(topic: "$SYS/x", payload: "1")
        world.settle()
        #expect(client.take().isEmpty)
        client.publish("$LINK/cluster/x")
        #expect(whole.take().map(\.topic) == ["dev/$LINK/cluster/x"])
    }

    @Test func rulesSeeTheTopicsOfTheClientAndHooksTheWholeOnes() throws {
        let plugin = ScriptedPlugin()
        var asked: [String] = []
        var seen: [String] = []
        plugin.authorize = { _, _, topic, _ in
            asked.append(topic)
            return topic.hasPrefix("no") ? Int(ISTH_DENY) : Int(ISTH_ALLOW)
        }
        plugin.subscribe = { subscription, _ in
            seen.append(subscription.filter.text)
            return Int(ISTH_NEXT)
        }
        plugin.publish = { message, _ in
            seen.append(message.topic.text)
            return Int(ISTH_NEXT)
        }
        plugin.deliver = { _, message in
            seen.append(message.topic.text)
            return Int(ISTH_ALLOW)
        }
        plugin.recordsLife = true
        let world = World(plugins: [plugin])
        let client = try TestClient.mounted(world, "c", at: "dev/", will: .init(topic: "w"))
        #expect(client.subscribe("t") == [0])
        #expect(client.subscribe("no/t") == [ReasonCode.notAuthorized.rawValue])
        client.publish("t")
        client.publish("no/x", qos: .atLeastOnce)
        _ = client.unsubscribe("t")
        #expect(asked == ["w", "t", "no/t", "t", "no/x"])
        #expect(seen == ["t", "no/t", "dev/t", "dev/t"])
        #expect(plugin.events.contains("subscribed dev/t") && plugin.events.contains("unsubscribed dev/t"))
    }

    @Test func aTopicThatGrowsTooLongIsRefused() throws {
        let world = World()
        let client = try TestClient.mounted(world, "c", at: "dev/")
        let longest = String(repeating: "x", count: 65_531)
        #expect(client.subscribe(longest) == [0])
        #expect(client.subscribe(longest + "x") == [ReasonCode.topicFilterInvalid.rawValue])
        #expect(client.unsubscribe(longest + "x") == [ReasonCode.noSubscriptionExisted.rawValue])
        client.publish(longest)
        #expect(client.take().map(\.topic) == [longest])
        client.publish(longest + "x")
        #expect(client.take().map(\.reason) == [ReasonCode.topicNameInvalid.rawValue] && client.isClosed)
        let template = try MountpointTemplate("dev/")
        let willing = TestClient(world, "w") { $0.mountpoint = template }
        willing.connect(will: .init(topic: longest + "x"))
        #expect(willing.take().map(\.reason) == [ReasonCode.topicNameInvalid.rawValue])
    }

    @Test func withoutASlashAtItsEndItIsPartOfALevel() throws {
        let world = World()
        let whole = TestClient.connected(world, "whole")
        whole.subscribe("#")
        let client = try TestClient.mounted(world, "c", at: "dev-")
        #expect(client.subscribe("#") == [ReasonCode.topicFilterInvalid.rawValue])
        #expect(client.subscribe("a/#") == [0])
        client.publish("a/b")
        #expect(client.take().map(\.topic) == ["a/b"])
        #expect(whole.take().map(\.topic) == ["dev-a/b"])
    }

    /// `dev/#` matches `dev`, too, which has no prefix to lose.
    @Test func aTopicWithoutThePrefixStaysWhole() throws {
        let world = World()
        let client = try TestClient.mounted(world, "c", at: "dev/")
        client.subscribe("#")
        let whole = TestClient.connected(world, "whole")
        whole.publish("dev")
        whole.publish("dev/")
        #expect(client.take().map(\.topic) == ["dev", "dev/"])
    }

    @Test func aSessionKeepsItsFiltersWhenItsClientComesElsewhere() throws {
        var settings = BrokerSettings()
        settings.overridesIdentity = true
        let world = World(loops: 2, settings)
        let first = try TestClient.mounted(world, "c", at: "dev/", cleanStart: false, sessionExpiry: 100)
        first.subscribe("t", .atLeastOnce)
        first.vanish()
        let whole = TestClient.connected(world, "whole")
        whole.publish("dev/t", "while away", qos: .atLeastOnce)
        let second = TestClient(world, "c", loop: 1) { $0.mountpoint = try? MountpointTemplate("new/") }
        second.connect(cleanStart: false, sessionExpiry: 100)
        whole.publish("dev/t", "there", qos: .atLeastOnce)
        let packets = second.take().filter { $0.type == .publish }
        #expect(packets.map(\.topic) == ["dev/t", "dev/t"] && packets.map(\.text) == ["while away", "there"])
        #expect(second.unsubscribe("t") == [ReasonCode.noSubscriptionExisted.rawValue])
    }

    @Test(arguments: [
        ("${clientid}/", "+", nil), ("${clientid}/", "a/#", nil), ("${clientid}/", "$LINK", nil),
        ("${clientid}/", "$delayed", nil), ("${username}/", "c", nil), ("${username}/", "c", ""),
        ("${username}/", "c", "#"), ("x/${username}/", "c", "a+b"),
    ])
    func aNameThatWouldReachOutIsRefused(mountpoint: String, name: String, userName: String?) throws {
        let world = World()
        let template = try MountpointTemplate(mountpoint)
        for version in [ProtocolVersion.v311, .v5] {
            let client = TestClient(world, name, version) { $0.mountpoint = template }
            client.connect(will: .init(topic: "w"), userName: userName)
            #expect(client.take().map(\.reason) == [ReasonCode.notAuthorized.rawValue])
            #expect(client.isClosed)
        }
        #expect(world.leftovers.isEmpty)
    }

    @Test func whatCannotBeAMountpointIsRefused() {
        #expect(throws: MountpointTemplate.Fault.unknownPlaceholder("${peerhost}")) {
            try MountpointTemplate("a/${peerhost}/")
        }
        for text in ["a/+/", "#", "a\0b"] {
            #expect(throws: MountpointTemplate.Fault.wildcard) { try MountpointTemplate(text) }
        }
        for text in ["$SYS/", "$", "$a${clientid}"] {
            #expect(throws: MountpointTemplate.Fault.dollar) { try MountpointTemplate(text) }
        }
    }

    @Test func connectionsWithoutOneHoldNothing() throws {
        let world = World()
        let client = TestClient.connected(world, "c")
        #expect(world.broker.connections[client.identifier.slot].pointee.mountpoint == nil)
    }
}
