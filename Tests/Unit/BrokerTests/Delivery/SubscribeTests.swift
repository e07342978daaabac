// SPDX-License-Identifier: Apache-2.0
// SUBSCRIBE and UNSUBSCRIBE: codes, options, overlapping and shared subscriptions.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct SubscribeTests {
    private let world = World()
    private func client(_ name: String, _ version: ProtocolVersion = .v5) -> TestClient {
        TestClient.connected(world, name, version)
    }

    /// [MQTT-3.2.2-10] [MQTT3-3.8.3-2]
    @Test func everyFilterGetsItsCode() {
        var settings = BrokerSettings()
        settings.maximumQoS = 1
        settings.isWildcardSubscriptionAvailable = false
        settings.isSharedSubscriptionAvailable = false
        settings.maximumTopicLevels = 2
        let world = World(settings)
        let filters = ["a", "b", "c", "+/x", "$share/g/a", "1/2/3"].enumerated().map { i, filter in
            (filter, SubscriptionOptions(qos: QoS(rawValue: UInt8(min(i, 2)))!))
        }
        let codes = TestClient.connected(world, "c").subscribe(filters)
        #expect(codes == [0, 1, 1, 0xA2, 0x9E, 0x8F])
        let old = TestClient.connected(world, "o", .v311).subscribe(filters)
        #expect(old == [0, 1, 1, 0x80, 0x80, 0x80])
        // MQTT 3.1 has no code for a failure.
        let oldest = TestClient.connected(world, "e", .v31).subscribe(filters)
        #expect(oldest == [0, 1, 1, 2, 2, 2])
        #expect(world.broker.filterCount == 3)
    }

    @Test func unsubscribeTellsWhatWasThere() {
        let client = client("c")
        client.subscribe("a")
        client.subscribe("$share/g/a")
        #expect(client.unsubscribe("a", "b", "$share/h/a", "$share/g/a", "a") == [0, 0x11, 0x11, 0, 0x11])
        #expect(world.broker.filterCount == 0)
        #expect(world.broker.groups.count == 0)
    }

    @Test func subscribingAgainReplaces() {
        let client = client("c")
        client.subscribe("a", .atMostOnce)
        client.subscribe("a", .atLeastOnce, identifier: 5)
        self.client("p").publish("a", qos: .atLeastOnce)
        let packets = client.take()
        #expect(packets.map(\.qos) == [1])
        #expect(packets.map(\.subscriptionIdentifiers) == [[5]])
        _ = client.unsubscribe("a")
        #expect(world.broker.filterCount == 0)
    }

    @Test func overlappingSubscriptionsGiveOneCopyOfTheHighestQoS() {
        let client = client("c", .v311)
        client.subscribe("a/+", .atMostOnce)
        client.subscribe("a/#", .atLeastOnce)
        client.subscribe("a/b", .atMostOnce)
        self.client("p").publish("a/b", qos: .exactlyOnce)
        #expect(client.take().map(\.qos) == [1])
    }

    @Test func overlappingSubscriptionsWithIdentifiersAreAllTold() {
        let client = client("c")
        client.subscribe("a/+", .atMostOnce, identifier: 1)
        client.subscribe("a/#", .atLeastOnce, identifier: 2)
        self.client("p").publish("a/b", qos: .atLeastOnce)
        #expect(Set(client.take().flatMap(\.subscriptionIdentifiers)) == [1, 2])
    }

    @Test func anOverlappingNoLocalSubscriptionHasNoSayInOwnMessages() {
        let world = World()
        let client = TestClient.connected(world, "c")
        client.subscribe([
            ("a", SubscriptionOptions(qos: .exactlyOnce, noLocal: true, retainAsPublished: true)),
            ("+", SubscriptionOptions(qos: .atMostOnce)),
        ])
        client.publish("a", "own", qos: .atLeastOnce, retain: true)
        let own = client.take().first { $0.type == .publish }
        #expect(own?.qos == 0)
        #expect(own?.retain == false)
        TestClient.connected(world, "d").publish("a", "other", qos: .atLeastOnce, retain: true)
        let other = client.take().first { $0.type == .publish }
        #expect(other?.qos == 1)
        #expect(other?.retain == true)
    }

    @Test func noLocalKeepsAClientsOwnMessagesFromIt() {
        let client = client("c")
        client.subscribe([("a", SubscriptionOptions(qos: .atLeastOnce, noLocal: true))])
        client.publish("a", "mine")
        #expect(client.take().isEmpty)
        self.client("p").publish("a", "theirs")
        #expect(client.takeTexts() == ["theirs"])
        // Another subscription that wants it does get it.
        client.subscribe("#", .atMostOnce)
        client.publish("a", "mine")
        #expect(client.takeTexts() == ["mine"])
    }

    @Test func dollarTopicsAreAskedForByName() {
        let client = client("c")
        client.subscribe("#")
        client.subscribe("+/x")
        self.client("p").publish("$SYS/x")
        #expect(client.take().isEmpty)
        client.subscribe("$SYS/#")
        self.client("q").publish("$SYS/x", "now")
        #expect(client.takeTexts() == ["now"])
    }

    @Test(arguments: [ProtocolVersion.v311, .v5])
    func aSharedGroupGetsOneCopyInTurn(version: ProtocolVersion) {
        let members = (0..<4).map { client("m\($0)", version) }
        for member in members { #expect(member.subscribe("$share/g/a/#", .atLeastOnce) == [1]) }
        let other = client("other")
        other.subscribe("$share/h/a/#", .atMostOnce)
        let plain = client("plain")
        plain.subscribe("a/b", .atMostOnce)
        let publisher = client("p")
        for i in 0..<40 { publisher.publish("a/b", "\(i)", qos: .atLeastOnce) }
        let counts = members.map { $0.takeAndAcknowledge().filter { $0.type == .publish }.count }
        #expect(counts == [10, 10, 10, 10])
        #expect(other.takeTexts().count == 40)
        #expect(plain.takeTexts().count == 40)
    }

    @Test func aSharedGroupPrefersMembersThatAreThere() {
        let away = TestClient.connected(world, "away", cleanStart: false, sessionExpiry: 100)
        away.subscribe("$share/g/a", .atLeastOnce)
        away.vanish()
        let publisher = client("p")
        publisher.publish("a", "waits", qos: .atLeastOnce)
        let here = client("here")
        here.subscribe("$share/g/a", .atLeastOnce)
        for _ in 0..<4 { publisher.publish("a", "x", qos: .atLeastOnce) }
        #expect(here.takeAndAcknowledge().count == 4)
        let back = TestClient(world, "away")
        back.connect(cleanStart: false, sessionExpiry: 100)
        #expect(back.takeTexts() == ["waits"])
    }

    @Test func malformedSharedFiltersEndTheConnection() {
        for filter in ["$share/g", "$share//a", "$share/+/a", "$share/g/"] {
            let client = client("c")
            client.subscribe(filter)
            #expect(client.isClosed, "\(filter) is accepted")
        }
        let client = client("c")
        client.subscribe([("$share/g/a", SubscriptionOptions(qos: .atMostOnce, noLocal: true))])
        #expect(client.take().map(\.reason) == [0x82])
    }

    @Test func manySubscriptionsComeAndGo() {
        var random = SeededRandom()
        var clients: [TestClient] = []
        for round in 0..<400 {
            if clients.count < 6 || random.below(2) == 0 {
                let client = TestClient.connected(
                    world,
                    "c\(random.below(10))",
                    cleanStart: random.below(2) == 0,
                    sessionExpiry: random.below(2) == 0 ? 20 : nil
                )
                clients.append(client)
            }
            clients = clients.filter { !$0.isClosed }
            guard !clients.isEmpty else { continue }
            let client = random.pick(clients)
            let filter = random.pick(["a", "a/+", "#", "$share/g/a", "$share/h/a/#", "b/c"])
            switch random.below(5) {
            case 0: _ = client.unsubscribe(filter)
            case 1: client.publish("a/x", "\(round)", qos: random.pick([.atMostOnce, .atLeastOnce, .exactlyOnce]))
            case 2: random.below(3) == 0 ? client.vanish() : world.advance(seconds: 3)
            default: client.subscribe(filter, random.pick([.atMostOnce, .atLeastOnce, .exactlyOnce]))
            }
        }
        world.broker.shutDown()
        world.settle()
        world.advance(seconds: 10_000)
        #expect(world.leftovers == [:], "seed \(random.seed)")
        #expect(world.broker.index.wildcards.nodeCount == 1, "seed \(random.seed)")
    }
}
