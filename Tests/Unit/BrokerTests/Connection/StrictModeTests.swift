// SPDX-License-Identifier: Apache-2.0
// `mqtt.strict_mode`: a control character in any text of any packet makes it malformed; without it none does.

import MQTT
import Testing

@testable import Broker

@Suite struct StrictModeTests {
    private static let bad = "a\u{7}b"

    private func world(_ isStrict: Bool) -> World {
        var settings = BrokerSettings()
        settings.refusesDiscouragedText = isStrict
        return World(settings)
    }

    /// Each sends one packet with such a text.
    private static let packets: [(name: String, send: @Sendable (TestClient) -> Void)] = [
        ("topic name", { $0.publish(bad, "x") }),
        ("topic name of QoS 1", { $0.publish(bad, "x", qos: .atLeastOnce) }),
        ("topic name of QoS 2", { $0.publish(bad, "x", qos: .exactlyOnce) }),
        ("retained", { $0.publish(bad, "x", retain: true) }),
        ("content type", { $0.publish("t", properties: { $0.append(.contentType, $1(bad)) }) }),
        ("user property's name", { $0.publish("t", properties: { $0.appendUserProperty(name: $1(bad), value: "v") }) }),
        (
            "user property's value",
            { $0.publish("t", properties: { $0.appendUserProperty(name: "n", value: $1(bad)) }) }
        ),
        ("filter", { $0.subscribe([("t", .init(qos: .atMostOnce)), (bad, .init(qos: .atMostOnce))]) }),
        ("filter of UNSUBSCRIBE", { _ = $0.unsubscribe("t", bad) }),
    ]

    @Test(arguments: packets.indices)
    func refusesEachPacket(_ i: Int) {
        let (name, send) = Self.packets[i]
        for isStrict in [false, true] {
            let world = world(isStrict)
            let client = TestClient.connected(world, "c")
            client.publish("t", "fine", qos: .atLeastOnce)
            _ = client.take()
            send(client)
            #expect(client.isClosed == isStrict, "\(name)")
            if isStrict { #expect(client.take().last?.reason == 0x81, "\(name)") }
        }
    }

    @Test func payloadsAreNoText() {
        let world = world(true)
        let client = TestClient(world, "c")
        client.connect(will: TestClient.Will(topic: "w", payload: Self.bad), userName: "u", password: Self.bad)
        client.publish("t", Self.bad)
        client.publish("t", properties: { $0.append(.correlationData, $1(Self.bad)) })
        #expect(!client.isClosed)
    }

    @Test(arguments: [ProtocolVersion.v311, .v5])
    func refusesAConnect(_ version: ProtocolVersion) {
        for isStrict in [false, true] {
            let world = world(isStrict)
            let clients = [TestClient(world, Self.bad, version), TestClient(world, "user", version)]
            clients[0].connect()
            clients[1].connect(userName: Self.bad)
            let willful = TestClient(world, "will", version)
            willful.connect(will: TestClient.Will(topic: Self.bad))
            for client in clients + [willful] {
                #expect(client.isClosed == isStrict)
                if isStrict { #expect(client.take().map(\.reason) == (version == .v5 ? [0x81] : [])) }
            }
        }
    }
}
