// SPDX-License-Identifier: Apache-2.0
// Clients that are bridges by their protocol level: they see which messages are retained and do not get their own.

import MQTT
import Testing

@testable import Broker

@Suite(.serialized) struct BridgeTests {
    private static let versions = [ProtocolVersion.v31, .v311, .v5]

    private func bridge(_ world: World, _ version: ProtocolVersion, loop: Int = 0, isBridge: Bool = true) -> TestClient
    {
        let client = TestClient(world, "bridge", version, loop: loop)
        client.isBridge = isBridge
        client.connect(cleanStart: false, sessionExpiry: 100)
        return client
    }

    @Test(arguments: versions)
    func seesWhatIsRetained(_ version: ProtocolVersion) {
        let world = World()
        let client = bridge(world, version)
        #expect(client.take().map(\.reason) == [0])
        #expect(client.subscribe("#", .atLeastOnce) == [1])
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "kept", qos: .atLeastOnce, retain: true)
        publisher.publish("a", "", qos: .atLeastOnce, retain: true)
        publisher.publish("a", "plain", qos: .atLeastOnce)
        let got = client.takeAndAcknowledge()
        #expect(got.map(\.text) == ["kept", "", "plain"])
        #expect(got.map(\.retain) == [true, true, false])
    }

    @Test(arguments: versions)
    func seesItFromItsQueueToo(_ version: ProtocolVersion) {
        let world = World()
        let first = bridge(world, version)
        first.subscribe("#", .atLeastOnce)
        first.vanish()
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "kept", qos: .atLeastOnce, retain: true)
        publisher.publish("b", "", qos: .atMostOnce, retain: true)
        let got = bridge(world, version).takeAndAcknowledge().filter { $0.type == .publish }
        #expect(Set(got.map(\.text)) == ["kept", ""])
        #expect(got.map(\.retain) == [true, true])
    }

    @Test(arguments: versions)
    func getsNothingBack(_ version: ProtocolVersion) {
        let world = World()
        let client = bridge(world, version)
        _ = client.take()
        client.subscribe("#", .atLeastOnce)
        let witness = TestClient.connected(world, "w")
        witness.subscribe("#")
        for text in ["1", "2", "3"] { client.publish("a", text) }
        client.publish("a", "kept", qos: .exactlyOnce, retain: true)
        #expect(witness.takeTexts() == ["1", "2", "3", "kept"])
        // Nor when it subscribes again, as it does with each connection.
        client.subscribe("#", .atLeastOnce)
        #expect(client.take().filter { $0.type == .publish } == [])
        TestClient.connected(world, "p").publish("b", "theirs", retain: true)
        client.subscribe("#", .atLeastOnce)
        #expect(client.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text) == ["theirs", "theirs"])
    }

    /// A shared group would lose what one of its members must not get.
    @Test(arguments: versions)
    func sharesWithoutNoLocal(_ version: ProtocolVersion) {
        let world = World()
        let client = bridge(world, version)
        _ = client.take()
        #expect(client.subscribe("$share/g/a") == [0])
        client.publish("a", "own", retain: true)
        let got = client.take()
        #expect(got.map(\.text) == ["own"])
        #expect(got.map(\.retain) == [true])
    }

    /// mosquitto tries without the bit if a broker does not like it, and may have been set to do so before.
    @Test(arguments: [0, 1])
    func aSessionBecomesABridges(_ loop: Int) {
        let world = World(loops: 2)
        let plain = bridge(world, .v311, isBridge: false)
        plain.subscribe("a", .atLeastOnce)
        plain.subscribe("$share/g/s", .atMostOnce)
        plain.vanish()
        let client = bridge(world, .v311, loop: loop)
        _ = client.take()
        let publisher = TestClient.connected(world, "p")
        client.publish("a", "own")
        publisher.publish("a", "kept", qos: .atLeastOnce, retain: true)
        client.publish("s", "shared", retain: true)
        let got = client.takeAndAcknowledge().filter { $0.type == .publish }
        #expect(got.map(\.text) == ["kept", "shared"])
        #expect(got.map(\.retain) == [true, true])
        #expect(got.map(\.qos) == [1, 0])
    }
}
