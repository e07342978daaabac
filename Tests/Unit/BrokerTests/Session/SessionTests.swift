// SPDX-License-Identifier: Apache-2.0
// How long a session lives, who gets it, and what it keeps meanwhile.

import MQTT
import Testing

@testable import Broker

@Suite struct SessionTests {
    private let world = World()

    private func reconnect(
        _ name: String = "s",
        _ version: ProtocolVersion = .v5,
        cleanStart: Bool = false,
        receiveMaximum: UInt16? = nil
    ) -> (client: TestClient, packets: [Packet]) {
        let client = TestClient(world, name, version)
        client.connect(
            cleanStart: cleanStart,
            sessionExpiry: version == .v5 ? 100 : nil,
            receiveMaximum: receiveMaximum
        )
        return (client, client.take())
    }

    /// A timer that was left over would fire while the client is there, where it means something else.
    @Test func aSessionThatIsResumedHasNoTimerOfItsAbsence() {
        for _ in 0..<3 {
            let client = TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 60)
            #expect(world.timers[0].count == 0)
            client.vanish()
            #expect(world.timers[0].count == 1)
            world.advance(seconds: 40)
        }
        #expect(world.broker.sessionCount == 1)
        world.advance(seconds: 20)
        #expect(world.broker.sessionCount == 0 && world.timers[0].count == 0)
    }

    @Test func aCleanStartForgetsTheSession() {
        let first = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 100)
        first.subscribe("a", .atLeastOnce)
        first.disconnect()
        let (_, packets) = reconnect(cleanStart: true)
        #expect(packets.first?.sessionPresent == false)
        TestClient.connected(world, "p").publish("a", qos: .atLeastOnce)
        #expect(world.broker.filterCount == 0)
    }

    @Test(arguments: [ProtocolVersion.v311, .v5])
    func anAbsentClientsMessagesWait(version: ProtocolVersion) {
        let first = TestClient(world, "s", version)
        first.connect(cleanStart: false, sessionExpiry: version == .v5 ? 100 : nil)
        first.subscribe("a", .exactlyOnce)
        first.disconnect()
        let publisher = TestClient.connected(world, "p")
        for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] { publisher.publish("a", "\(qos.rawValue)", qos: qos) }
        let (_, packets) = reconnect(version == .v5 ? "s" : "s", version)
        #expect(packets.first?.sessionPresent == true)
        #expect(packets.dropFirst().map(\.text) == ["0", "1", "2"])
        #expect(packets.dropFirst().map(\.qos) == [0, 1, 2])
        #expect(packets.dropFirst().allSatisfy { !$0.dup })
    }

    @Test func aSessionEndsInTime() {
        let first = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 10)
        first.subscribe("a", .atLeastOnce)
        first.vanish()
        world.advance(9999)
        #expect(world.broker.sessionCount == 1)
        world.advance(1)
        #expect(world.leftovers == [:])
    }

    @Test func aSessionOf311LivesAsConfigured() {
        let first = TestClient.connected(world, "s", .v311, cleanStart: false)
        first.vanish()
        world.advance(seconds: 7199)
        #expect(world.broker.sessionCount == 1)
        world.advance(seconds: 1)
        #expect(world.leftovers == [:])
    }

    @Test func aSessionMayLiveForEver() {
        TestClient.connected(world, "s", cleanStart: false, sessionExpiry: .max).vanish()
        world.advance(seconds: 1 << 33)
        #expect(world.broker.sessionCount == 1)
    }

    @Test func aDisconnectMayChangeTheExpiry() {
        let client = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 100)
        client.disconnect(sessionExpiry: 0)
        #expect(world.leftovers == [:])
        let other = TestClient.connected(world, "s")
        other.disconnect(sessionExpiry: 10)
        #expect(other.take().map(\.reason) == [0x82])
        #expect(world.leftovers == [:])
    }

    @Test func aNewConnectionTakesTheSessionOver() {
        let first = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 100)
        first.subscribe("a", .atLeastOnce)
        let (second, packets) = reconnect()
        #expect(first.take().map(\.reason) == [0x8E])
        #expect(first.isClosed)
        #expect(packets.map(\.sessionPresent) == [true])
        #expect(world.broker.connectedCount == 1)
        TestClient.connected(world, "p").publish("a", "hello", qos: .atLeastOnce)
        #expect(second.takeTexts() == ["hello"])
    }

    @Test func whatWasNotAcknowledgedIsSentAgainInOrder() {
        let first = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 100)
        first.subscribe("a", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        for i in 0..<6 { publisher.publish("a", "\(i)", qos: i % 2 == 0 ? .atLeastOnce : .exactlyOnce) }
        let sent = first.take()
        #expect(sent.map(\.text) == ["0", "1", "2", "3", "4", "5"])
        first.acknowledge(.puback, sent[2].identifier)
        first.acknowledge(.pubrec, sent[3].identifier)
        first.vanish()
        publisher.publish("a", "6", qos: .atLeastOnce)
        let (second, packets) = reconnect()
        let again = Array(packets.dropFirst())
        #expect(again.map(\.type) == [.publish, .publish, .pubrel, .publish, .publish, .publish])
        #expect(again.filter { $0.type == .publish }.map(\.text) == ["0", "1", "4", "5", "6"])
        #expect(again.filter { $0.type == .publish }.map(\.dup) == [true, true, true, true, false])
        #expect(again.prefix(5).map(\.identifier) == [0, 1, 3, 4, 5].map { sent[$0].identifier })
        for packet in again {
            switch (packet.type, packet.qos) {
            case (.pubrel, _): second.acknowledge(.pubcomp, packet.identifier)
            case (_, 1): second.acknowledge(.puback, packet.identifier)
            default: second.acknowledge(.pubrec, packet.identifier)
            }
        }
        #expect(second.takeAndAcknowledge().allSatisfy { $0.type == .pubrel })
        second.disconnect(sessionExpiry: 0)
        publisher.disconnect()
        #expect(world.leftovers == [:])
    }

    /// [MQTT-3.3.4-9]
    @Test func sendingAgainKeepsToASmallerReceiveMaximum() {
        let first = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 100)
        first.subscribe("a", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        for i in 0..<10 { publisher.publish("a", "\(i)", qos: .atLeastOnce) }
        first.vanish()
        let (second, packets) = reconnect(receiveMaximum: 2)
        var texts: [String] = []
        var batch = packets.filter { $0.type == .publish }
        while !batch.isEmpty {
            #expect(batch.count <= 2)
            texts += batch.map(\.text)
            for packet in batch { second.acknowledge(.puback, packet.identifier) }
            batch = second.take().filter { $0.type == .publish }
        }
        #expect(texts == (0..<10).map(String.init))
    }

    @Test func aQoS2MessageIsNotRoutedTwiceAcrossConnections() {
        let witness = TestClient.connected(world, "w")
        witness.subscribe("a", .atMostOnce)
        let first = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 100)
        first.publish("a", qos: .exactlyOnce, identifier: 9)
        #expect(first.takeTypes() == [.pubrec])
        first.vanish()
        let (second, _) = reconnect()
        second.publish("a", qos: .exactlyOnce, dup: true, identifier: 9)
        #expect(second.takeTypes() == [.pubrec])
        second.acknowledge(.pubrel, 9)
        #expect(second.take().map(\.reason) == [0])
        second.acknowledge(.pubrel, 9)
        #expect(second.take().map(\.reason) == [0x92])
        #expect(witness.takeTexts() == ["x"])
    }

    @Test func kickingEndsTheConnectionAndOnRequestTheSession() {
        let client = TestClient.connected(world, "s", cleanStart: false, sessionExpiry: 100)
        #expect("s".withView { world.broker.kick($0, 0x98, dropSession: false) })
        world.settle()
        #expect(client.take().map(\.reason) == [0x98])
        #expect(client.isClosed)
        #expect(world.broker.sessionCount == 1)
        #expect("s".withView { world.broker.kick($0, 0x98, dropSession: true) })
        world.settle()
        #expect(!"s".withView { world.broker.kick($0, 0x98, dropSession: true) })
        #expect(world.leftovers == [:])
    }
}
