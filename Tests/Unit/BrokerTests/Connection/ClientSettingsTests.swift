// SPDX-License-Identifier: Apache-2.0
// Settings about clients: names, numbers of subscriptions, and what comes of their messages.

import MQTT
import Testing

@testable import Broker

@Suite struct ClientSettingsTests {
    private func world(_ change: (inout BrokerSettings) -> Void) -> World {
        var settings = BrokerSettings()
        change(&settings)
        return World(settings)
    }

    // MARK: User names as identifiers

    @Test func theUserNameIsTheIdentifier() {
        let world = world { $0.usesUserNameAsIdentifier = true }
        let first = TestClient(world, "c1")
        first.connect(userName: "ann")
        #expect(first.take().map(\.reason) == [0])
        #expect("ann".withView { world.broker.session(named: $0) } >= 0)
        let nameless = TestClient.connected(world, "c2")
        #expect("c2".withView { world.broker.session(named: $0) } >= 0)
        let second = TestClient(world, "c3", .v311)
        second.connect(userName: "ann")
        #expect(first.isClosed && !second.isClosed && !nameless.isClosed)
    }

    @Test func aClientWithoutIdentifierIsToldItsUserName() {
        let world = world { $0.usesUserNameAsIdentifier = true }
        let client = TestClient(world, "")
        client.connect(userName: "ann")
        #expect(client.take().first?.property { $0.assignedClientIdentifier?.string } == "ann")
        let older = TestClient(world, "", .v311)
        older.connect(cleanStart: false, userName: "bob")
        #expect(older.take().map(\.reason) == [ReasonCode.clientIdentifierNotValid.rawValue] && older.isClosed)
    }

    @Test func aUserNameMayBeTooLongForIt() {
        let world = world {
            $0.usesUserNameAsIdentifier = true
            $0.maximumClientIdentifierLength = 23
        }
        let client = TestClient(world, "c")
        client.connect(userName: String(repeating: "x", count: 24))
        #expect(client.take().map(\.reason) == [ReasonCode.clientIdentifierNotValid.rawValue])
    }

    // MARK: Number of subscriptions

    @Test(arguments: [(ProtocolVersion.v5, UInt8(0x97)), (.v311, 0x80)])
    func subscriptionsAreCounted(version: ProtocolVersion, refusal: UInt8) {
        let world = world { $0.maximumSubscriptions = 3 }
        let client = TestClient.connected(world, "c", version)
        let filters = ["a", "$share/g/a", "b", "c"].map { ($0, SubscriptionOptions(qos: .atMostOnce)) }
        #expect(client.subscribe(filters) == [0, 0, 0, refusal])
        // What is there already may be renewed.
        #expect(client.subscribe("a", .atLeastOnce) == [1])
        #expect(client.subscribe("$share/g/a", .atLeastOnce) == [1])
        #expect(client.subscribe("$share/h/a") == [refusal])
        #expect(client.unsubscribe("b") == (version == .v5 ? [0] : []))
        #expect(client.subscribe("c") == [0])
        client.publish("b")
        #expect(client.takeTexts().isEmpty)
    }

    // MARK: Own messages

    @Test func olderClientsAreSparedTheirOwnMessages() {
        let world = world { $0.ignoresOwnMessages = true }
        let old = TestClient.connected(world, "old", .v311)
        let new = TestClient.connected(world, "new")
        for client in [old, new] { client.subscribe("t") }
        old.publish("t", "old")
        new.publish("t", "new")
        #expect(old.takeTexts() == ["new"])
        #expect(new.takeTexts() == ["old", "new"])
    }

    @Test func sharedSubscriptionsAreNot() {
        let world = world { $0.ignoresOwnMessages = true }
        let old = TestClient.connected(world, "old", .v311)
        old.subscribe("$share/g/t")
        old.publish("t", "own")
        #expect(old.takeTexts() == ["own"])
    }

    // MARK: Higher QoS

    @Test func theHigherQoSCounts() {
        let world = world { $0.upgradesQoS = true }
        let publisher = TestClient.connected(world, "p")
        publisher.publish("kept", "x", retain: true)
        let low = TestClient.connected(world, "low")
        low.subscribe("#", .atMostOnce)
        let high = TestClient.connected(world, "high")
        high.subscribe("#", .exactlyOnce)
        publisher.publish("t", "x", qos: .atLeastOnce)
        publisher.publish("t", "x")
        #expect(low.takeAndAcknowledge().filter { $0.type == .publish }.map(\.qos) == [0, 1, 0])
        #expect(high.takeAndAcknowledge().filter { $0.type == .publish }.map(\.qos) == [2, 2, 2])
    }

    // MARK: Expiry

    @Test(arguments: [ProtocolVersion.v311, .v5])
    func messagesThatDoNotSayHowLongTheyLiveGetTheUsualLife(version: ProtocolVersion) {
        let world = world { $0.messageExpiryInterval = 10_000 }
        let reader = TestClient.connected(world, "r", cleanStart: false, sessionExpiry: 1000)
        reader.subscribe("#", .atLeastOnce)
        reader.vanish()
        let publisher = TestClient.connected(world, "p", version, will: .init(topic: "w", qos: .atLeastOnce))
        publisher.publish("t", "usual", qos: .atLeastOnce)
        if version == .v5 {
            publisher.publish("t", "own", qos: .atLeastOnce) { writer, _ in writer.append(.messageExpiryInterval, 60) }
        }
        publisher.publish("$delayed/15/t", "delayed", qos: .atLeastOnce)
        world.advance(seconds: 9)
        publisher.vanish()
        world.advance(seconds: 7)
        let back = TestClient(world, "r")
        back.connect(cleanStart: false, sessionExpiry: 1000)
        let packets = back.take().filter { $0.type == .publish }
        #expect(packets.map(\.text) == (version == .v5 ? ["own", "gone", "delayed"] : ["gone", "delayed"]))
        #expect(packets.suffix(2).map { $0.property(\.messageExpiryInterval) } == [3, 9])
    }

    @Test func aWillThatSaysHowLongItLivesIsLeftAlone() {
        let world = world { $0.messageExpiryInterval = 1000 }
        let reader = TestClient.connected(world, "r")
        reader.subscribe("#")
        let client = TestClient.connected(world, "c", will: .init(topic: "w", expiry: 30))
        client.vanish()
        #expect(reader.take().map { $0.property(\.messageExpiryInterval) } == [30])
    }
}
