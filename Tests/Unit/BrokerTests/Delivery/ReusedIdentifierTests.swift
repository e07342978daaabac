// SPDX-License-Identifier: Apache-2.0
// A QoS 1 message with the identifier of a QoS 2 message that is not released: refused in MQTT 5, which has a code for it;
// before that it is a message like any other, and the identifier is free behind it.

import MQTT
import Testing

@testable import Broker

@Suite struct ReusedIdentifierTests {
    private func publisher(_ world: World, _ version: ProtocolVersion) -> (client: TestClient, witness: TestClient) {
        let witness = TestClient.connected(world, "w")
        witness.subscribe("#", .exactlyOnce)
        let client = TestClient.connected(world, "c", version)
        client.publish("a", "first", qos: .exactlyOnce, identifier: 7)
        #expect(client.takeTypes() == [.pubrec])
        return (client, witness)
    }

    private func texts(_ client: TestClient) -> [String] {
        client.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
    }

    /// [MQTT-2.2.1-3]
    @Test(arguments: [false, true])
    func isToldInMQTT5(retain: Bool) {
        let world = World()
        let (client, witness) = publisher(world, .v5)
        client.publish("a", "second", qos: .atLeastOnce, retain: retain, identifier: 7)
        let answer = client.take()
        #expect(answer.map(\.type) == [.puback])
        #expect(answer.map(\.reason) == [0x91])
        // The QoS 2 message is still under way.
        client.publish("a", "first", qos: .exactlyOnce, dup: true, identifier: 7)
        #expect(client.takeTypes() == [.pubrec])
        client.acknowledge(.pubrel, 7)
        client.publish("a", "third", qos: .atLeastOnce, retain: retain, identifier: 7)
        #expect(client.take().map(\.reason) == [0, 0])
        #expect(texts(witness) == ["first", "third"])
    }

    /// [MQTT3-4.3.2-2]
    @Test(arguments: [ProtocolVersion.v31, .v311])
    func freesTheIdentifierBefore(_ version: ProtocolVersion) {
        let world = World()
        let (client, witness) = publisher(world, version)
        client.publish("a", "second", qos: .atLeastOnce, identifier: 7)
        #expect(client.takeTypes() == [.puback])
        client.publish("a", "third", qos: .exactlyOnce, identifier: 7)
        #expect(client.takeTypes() == [.pubrec])
        client.acknowledge(.pubrel, 7)
        #expect(client.takeTypes() == [.pubcomp])
        #expect(texts(witness) == ["first", "second", "third"])
    }

    /// In one read, where what has the same topic goes on together, with the reused one at any place.
    @Test(arguments: 0..<5)
    func isFoundAmongMany(_ place: Int) {
        for version in [ProtocolVersion.v5, .v311] {
            let world = World()
            let (client, witness) = publisher(world, version)
            _ = texts(witness)
            let packets = (0..<5).map { i in
                let identifier = i == place ? 7 : UInt16(20 + i)
                return client.publishBytes("a", Array("\(i)".utf8), .atLeastOnce, false, false, identifier)
            }
            client.send(Array(packets.joined()))
            let answers = client.take()
            let isTold = version == .v5
            #expect(answers.map(\.type) == Array(repeating: .puback, count: 5))
            #expect(answers.map(\.reason) == (0..<5).map { $0 == place && isTold ? 0x91 : 0 })
            let expected = (0..<5).filter { $0 != place || !isTold }.map(String.init)
            #expect(texts(witness) == expected)
        }
    }

    @Test func isForgottenInTime() {
        let world = World()
        let (client, witness) = publisher(world, .v5)
        world.advance(301_000)
        client.publish("a", "second", qos: .atLeastOnce, identifier: 7)
        #expect(client.take().map(\.reason) == [0])
        #expect(texts(witness) == ["first", "second"])
    }
}
