// SPDX-License-Identifier: Apache-2.0
// Payloads that are said to be UTF-8.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct PayloadFormatTests {
    private func world(validates: Bool) -> World {
        var settings = BrokerSettings()
        settings.validatesPayloadFormat = validates
        return World(settings)
    }

    private func send(_ client: TestClient, _ payload: [UInt8], _ qos: QoS, format: UInt32? = 1) {
        client.send(
            client.publishBytes("a", payload, qos, false, false, qos == .atMostOnce ? 0 : 7) { writer, _ in
                if let format { writer.append(.payloadFormatIndicator, format) }
            }
        )
    }

    @Test func textIsToldFromOtherBytes() {
        var random = SeededRandom()
        for _ in 0..<20_000 {
            var bytes = Array("Grüße, 世界 😀\u{0}".utf8)
            for _ in 0..<random.below(4) { bytes += Array("plain ASCII".utf8).prefix(random.below(12)) }
            if random.below(2) == 0 { bytes[random.below(bytes.count)] = UInt8.random(in: 0...255, using: &random) }
            let isText = String(validating: bytes, as: UTF8.self) != nil
            #expect(bytes.withView { UTF8Bytes.isWellFormedText($0) } == isText, "\(bytes)")
        }
    }

    @Test func aWrongPayloadIsRefused() {
        let world = world(validates: true)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("#")
        let client = TestClient.connected(world, "c")
        send(client, [0xC3, 0x28], .atLeastOnce)
        send(client, [0xC3, 0x28], .exactlyOnce)
        send(client, [0xC3, 0x28], .exactlyOnce)
        #expect(client.take().map(\.reason) == [0x99, 0x99, 0x99])
        send(client, [0xC3, 0x28], .atLeastOnce, format: 0)
        send(client, [0xC3, 0x28], .atLeastOnce, format: nil)
        send(client, Array("\u{0}ok".utf8), .atLeastOnce)
        #expect(client.take().map(\.reason) == [0, 0, 0])
        #expect(reader.take().count == 3)
        send(client, [0xFF], .atMostOnce)
        #expect(client.take().map { [$0.type.rawValue, $0.reason] } == [[PacketType.disconnect.rawValue, 0x99]])
        #expect(reader.take().isEmpty)
    }

    @Test func notAskedItIsNotLookedAt() {
        let client = TestClient.connected(world(validates: false), "c")
        send(client, [0xFF], .atLeastOnce)
        #expect(client.take().map(\.reason) == [ReasonCode.noMatchingSubscribers.rawValue])
    }
}
