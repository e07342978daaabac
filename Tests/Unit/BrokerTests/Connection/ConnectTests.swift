// SPDX-License-Identifier: Apache-2.0
// CONNECT: who gets in, with which answer, and what is refused how.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct ConnectTests {
    @Test(arguments: [ProtocolVersion.v31, .v311, .v5])
    func aClientOfThisMachineIsLetIn(version: ProtocolVersion) {
        let world = World()
        let client = TestClient(world, "a", version)
        client.connect()
        let packets = client.take()
        #expect(packets.map(\.type) == [.connack])
        #expect(packets.first?.reason == 0)
        #expect(packets.first?.sessionPresent == false)
        #expect(world.broker.connectedCount == 1)
        client.disconnect()
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test(arguments: [(ProtocolVersion.v311, UInt8(0x87)), (.v5, 0x87)])
    func aClientFromElsewhereIsRefusedWithoutAuthentication(version: ProtocolVersion, reason: UInt8) {
        let world = World()
        let client = TestClient(world, "a", version, isLoopback: false)
        client.connect()
        #expect(client.take().map(\.reason) == [reason])
        #expect(client.isClosed)
        #expect(world.warnings.count == 1)
        #expect(world.leftovers == [:])
        #expect(world.broker.counters.refusedConnects == 1)
    }

    @Test func anEmptyIdentifierIsReplacedByAnUnguessableOne() {
        let world = World()
        let clients = (0..<2).map { _ in TestClient(world, "", .v5) }
        for client in clients { client.connect() }
        let names = clients.map { $0.take()[0].property { $0.assignedClientIdentifier?.string } }
        #expect(names[0] != nil && names[0] != names[1])
        #expect(world.broker.sessionCount == 2)
        let old = TestClient(world, "", .v311)
        old.connect()
        #expect(old.take().map(\.reason) == [0])
    }

    @Test(arguments: [ProtocolVersion.v31, .v311])
    func anEmptyIdentifierIsRefusedWhereItMeansAStoredSession(version: ProtocolVersion) {
        let world = World()
        let client = TestClient(world, "", version)
        client.connect(cleanStart: version == .v31)
        #expect(client.take().map(\.reason) == [0x85])
        #expect(client.isClosed)
    }

    @Test func tooLongAnIdentifierIsRefused() {
        var settings = BrokerSettings()
        settings.maximumClientIdentifierLength = 5
        let world = World(settings)
        let client = TestClient(world, "abcdef")
        client.connect()
        #expect(client.take().map(\.reason) == [0x85])
    }

    /// [MQTT-3.2.2-9]
    @Test func theConnackTellsTheLimits() {
        var settings = BrokerSettings()
        settings.maximumPacketSize = 5000
        settings.maximumTopicAlias = 7
        settings.maximumQoS = 1
        settings.isRetainAvailable = false
        settings.isWildcardSubscriptionAvailable = false
        settings.isSharedSubscriptionAvailable = false
        settings.serverKeepAlive = 33
        settings.maximumAwaitingRelease = 9
        let world = World(settings)
        let client = TestClient(world, "a")
        client.connect()
        let connack = client.take()[0]
        connack.property { properties in
            #expect(properties.maximumPacketSize == 5000)
            #expect(properties.topicAliasMaximum == 7)
            #expect(properties.maximumQoS == .atLeastOnce)
            #expect(properties.retainAvailable == false)
            #expect(properties.wildcardSubscriptionAvailable == false)
            #expect(properties.sharedSubscriptionAvailable == false)
            #expect(properties.serverKeepAlive == 33)
            #expect(properties.receiveMaximum == 9)
        }
    }

    /// [MQTT3-3.1.2-24]
    @Test(arguments: [ProtocolVersion.v31, .v311])
    func whoCannotBeToldKeepsItsKeepAlive(_ version: ProtocolVersion) {
        var settings = BrokerSettings()
        settings.serverKeepAlive = 10
        let world = World(settings)
        let client = TestClient(world, "old", version)
        client.connect(keepAlive: 100)
        let patient = TestClient(world, "silent", version)
        patient.connect(keepAlive: 0)
        world.advance(seconds: 149)
        #expect(!client.isClosed && !patient.isClosed)
        world.advance(seconds: 2)
        #expect(client.isClosed && !patient.isClosed)
    }

    @Test func anAuthenticationMethodIsRefused() {
        let world = World()
        let client = TestClient(world, "a")
        let packet = encoded { buffer in
            "a".withView { name in
                ConnectPacket(
                    version: .v5,
                    clientIdentifier: name,
                    properties: client.properties { $0.append(.authenticationMethod, name) }
                ).encode(into: &buffer)
            }
        }
        client.send(packet)
        #expect(client.take().map(\.reason) == [0x8C])
    }

    @Test func theFirstPacketHasToBeAConnect() {
        let world = World()
        let client = TestClient(world, "a")
        client.ping()
        #expect(client.takeTypes().isEmpty)
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func aSecondConnectEndsTheConnection() {
        let world = World()
        let client = TestClient.connected(world, "a")
        client.connect()
        #expect(client.take().map(\.reason) == [0x82])
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func anUnknownProtocolLevelIsToldSo() {
        let world = World()
        for (level, answer) in [(UInt8(2), [UInt8](arrayLiteral: 0x20, 2, 0, 1)), (9, [0x20, 3, 0, 0x84, 0])] {
            let client = TestClient(world, "a", .v311)
            client.send([0x10, 12, 0, 4, 0x4D, 0x51, 0x54, 0x54, level, 2, 0, 0, 0, 0])
            #expect(client.transport.take() == answer)
            #expect(client.isClosed)
        }
    }

    @Test func aMalformedConnectOfMQTT5IsAnswered() {
        let world = World()
        let client = TestClient(world, "a")
        client.send([0x10, 13, 0, 4, 0x4D, 0x51, 0x54, 0x54, 5, 3, 0, 0, 0, 0, 0])
        #expect(client.take().map(\.reason) == [0x81])
        #expect(client.isClosed)
    }

    @Test func silenceBeforeConnectEndsTheConnection() {
        let world = World()
        let client = TestClient(world, "a")
        world.advance(14_999)
        #expect(!client.isClosed)
        world.advance(1)
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func silenceBeyondKeepAliveEndsTheConnection() {
        let world = World()
        let client = TestClient(world, "a")
        client.connect(keepAlive: 10)
        _ = client.take()
        world.advance(14_000)
        client.ping()
        #expect(client.takeTypes() == [.pingresp])
        world.advance(14_999)
        #expect(!client.isClosed)
        world.advance(1)
        #expect(client.take().map(\.reason) == [0x8D])
        #expect(client.isClosed)
    }

    @Test func withoutKeepAliveSilenceIsNoFault() {
        let world = World()
        let client = TestClient.connected(world, "a")
        world.advance(seconds: 1_000_000)
        #expect(!client.isClosed)
    }

    /// [MQTT-3.2.2-12] [MQTT-3.2.2-13]
    @Test func aWillBeyondTheLimitsIsRefusedForGood() {
        var settings = BrokerSettings()
        settings.maximumQoS = 1
        settings.isRetainAvailable = false
        settings.maximumTopicLevels = 3
        let world = World(settings)
        let wills: [(TestClient.Will, UInt8)] = [
            (.init(topic: "w", qos: .exactlyOnce), 0x9B),
            (.init(topic: "w", retain: true), 0x9A),
            (.init(topic: "w/1/2/3"), 0x90),
        ]
        for (will, reason) in wills {
            let client = TestClient(world, "a")
            client.connect(will: will)
            #expect(client.take().map(\.reason) == [reason])
            #expect(client.isClosed)
            #expect(world.broker.connectedCount == 0)
            #expect(world.leftovers == [:])
        }
    }

    @Test func aClosedTransportIsNotUsedAgain() {
        let world = World()
        let subscriber = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 100)
        subscriber.subscribe("#", .atLeastOnce)
        subscriber.disconnect()
        TestClient.connected(world, "p").publish("a", qos: .atLeastOnce)
        #expect(subscriber.transport.sendsAfterClose == 0)
        // What comes late for a connection that is forgotten is nobody's.
        subscriber.ping()
        world.broker.writable(subscriber.identifier)
        world.broker.transportEnded(subscriber.identifier, "late")
        #expect(subscriber.transport.sendsAfterClose == 0)
    }

    @Test func shuttingDownTellsEverybody() {
        let world = World()
        let clients = [TestClient.connected(world, "a"), TestClient.connected(world, "b", .v311)]
        world.broker.shutDown()
        world.settle()
        #expect(clients[0].take().map(\.reason) == [0x8B])
        #expect(clients[1].take().isEmpty)
        #expect(clients.allSatisfy { $0.isClosed })
        #expect(world.leftovers == [:])
    }
}
