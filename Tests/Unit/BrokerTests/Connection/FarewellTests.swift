// SPDX-License-Identifier: Apache-2.0
// How the broker ends connections: each cause with the reason code and the words that MQTT 5 clients are told, and
// the CONNACK return codes of the older versions.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct FarewellTests {
    /// What a connected client of MQTT 5 is told when this happens to it.
    private struct Cause {
        let reason: UInt8
        /// In the reason string.
        let word: String
        var settings = BrokerSettings()
        var plugin = ScriptedPlugin()
        let happens: (TestClient) -> Void

        init(_ reason: UInt8, _ word: String, _ happens: @escaping (TestClient) -> Void) {
            self.reason = reason
            self.word = word
            self.happens = happens
        }

        func with(_ change: (inout BrokerSettings) -> Void) -> Cause {
            var cause = self
            change(&cause.settings)
            return cause
        }

        func with(_ plugin: ScriptedPlugin) -> Cause {
            var cause = self
            cause.plugin = plugin
            return cause
        }
    }

    private static func kick(_ reason: UInt8) -> (TestClient) -> Void {
        { client in
            _ = "c".withView { client.broker.kick($0, reason, dropSession: false) }
            client.world.settle()
        }
    }

    private static func denying(publishResult: Int? = nil, reason: UInt8 = 0) -> ScriptedPlugin {
        let plugin = ScriptedPlugin()
        if let publishResult {
            plugin.publish = { _, edit in
                if reason != 0 { _ = EditFunctions.reason(edit, reason) }
                return publishResult
            }
        } else {
            plugin.authorize = { _, _, _, _ in Int(ISTH_DENY) }
        }
        return plugin
    }

    private static var causes: [Cause] {
        [
            Cause(0x81, "flag bits") { $0.send([0xC1, 0]) },
            Cause(0x90, "wildcard") { $0.publish("a/#") },
            Cause(0x82, "second CONNECT") { $0.connect() },
            Cause(0x82, "AUTH") { $0.auth(.reauthenticate, "m") },
            Cause(0x82, "only a server sends") { $0.send([0xD0, 0]) },
            Cause(0x82, "topic alias that was not set") {
                $0.publish("") { writer, _ in writer.append(.topicAlias, 3) }
            },
            Cause(0x82, "prolongs") { $0.disconnect(sessionExpiry: 5) },
            Cause(0x87, "publish to this topic") { $0.publish("a") }.with(denying()).with {
                $0.disconnectsWhenDenied = true
            },
            Cause(0x87, "subscribe to one") {
                $0.send($0.subscribeBytes([("a", SubscriptionOptions(qos: .atMostOnce))], 1))
            }
            .with(denying()).with { $0.disconnectsWhenDenied = true },
            Cause(0x8B, "shutting down") { client in
                client.broker.shutDown()
                client.world.settle()
            },
            Cause(0x8D, "mqtt.keepalive_multiplier") { $0.world.advance(seconds: 2) },
            Cause(0x8E, "another connection") { TestClient($0.world, "c").connect() },
            Cause(0x8F, "$share") {
                $0.send($0.subscribeBytes([("$share/g", SubscriptionOptions(qos: .atMostOnce))], 1))
            },
            Cause(0x90, "mqtt.max_topic_levels") { $0.publish("a/b/c") }.with { $0.maximumTopicLevels = 2 },
            Cause(0x93, "mqtt.max_awaiting_rel") { client in
                for _ in 0..<2 { client.publish("a", qos: .exactlyOnce) }
            }.with { $0.maximumAwaitingRelease = 1 },
            Cause(0x94, "mqtt.max_topic_alias") { $0.publish("a") { writer, _ in writer.append(.topicAlias, 8) } }
                .with { $0.maximumTopicAlias = 7 },
            Cause(0x95, "mqtt.max_packet_size") { $0.publish("a", String(repeating: "x", count: 200)) }
                .with { $0.maximumPacketSize = 100 },
            Cause(0x97, "quota") { $0.publish("a") }.with(denying(publishResult: Int(ISTH_DISCONNECT), reason: 0x97)),
            Cause(0x83, "no reason code") { $0.publish("a") }.with(denying(publishResult: Int(ISTH_DISCONNECT))),
            Cause(0x98, "administrative", kick(0x98)),
            Cause(0x98, "administrative", kick(0)),
            // Only a CONNACK has this one.
            Cause(0x83, "no reason code", kick(0x86)),
            Cause(0x9A, "mqtt.retain_available") { $0.publish("a", retain: true) }.with {
                $0.isRetainAvailable = false
            },
            Cause(0x9B, "mqtt.max_qos_allowed") { $0.publish("a", qos: .atLeastOnce) }.with { $0.maximumQoS = 0 },
            Cause(0x9C, "another server", kick(0x9C)),
        ]
    }

    @Test(arguments: causes.indices)
    func everyEndHasItsReason(index: Int) {
        let cause = Self.causes[index]
        let world = World(cause.settings, plugins: [cause.plugin])
        let client = TestClient(world, "c")
        client.asksWhy = true
        client.connect(keepAlive: 1)
        _ = client.take()
        cause.happens(client)
        let last = client.take().last
        #expect(last?.type == .disconnect)
        #expect(last?.reason == cause.reason)
        let text = last?.reasonString ?? ""
        #expect(cause.word.isEmpty ? text.isEmpty : text.contains(cause.word), "\(text)")
        #expect(client.isClosed)
    }

    /// Before MQTT 5 a server sends no DISCONNECT.
    @Test(arguments: causes.indices, [ProtocolVersion.v31, .v311])
    func olderClientsAreToldNothing(index: Int, version: ProtocolVersion) {
        let cause = Self.causes[index]
        let world = World(cause.settings, plugins: [cause.plugin])
        let client = TestClient(world, "c", version)
        client.connect(keepAlive: 1)
        _ = client.take()
        cause.happens(client)
        #expect(!client.takeTypes().contains(.disconnect))
    }

    /// What a CONNECT may be refused for, by MQTT 5 and by the older versions (`nil`: closed without a CONNACK).
    private struct Refusal {
        let reason: UInt8
        let code: UInt8?
        let word: String
        var settings = BrokerSettings()
        var answer: HookAnswer?
        var will: TestClient.Will?
        var name = "c"
    }

    private static func denial(_ reason: UInt8, _ text: String = "", _ reference: String = "") -> HookAnswer {
        var answer = HookAnswer(result: Int32(ISTH_DENY))
        answer.reasonCode = reason
        answer.details = AnswerDetails(reason: Array(text.utf8), serverReference: Array(reference.utf8))
        return answer
    }

    private static var refusals: [Refusal] {
        var short = BrokerSettings()
        short.maximumClientIdentifierLength = 23
        var narrow = BrokerSettings()
        narrow.maximumQoS = 0
        narrow.isRetainAvailable = false
        narrow.maximumTopicLevels = 2
        let long = String(repeating: "c", count: 24)
        return [
            Refusal(reason: 0x85, code: 2, word: "mqtt.max_clientid_len", settings: short, name: long),
            Refusal(reason: 0x86, code: 4, word: "password", answer: denial(0)),
            Refusal(reason: 0x87, code: 5, word: "authorised", answer: HookAnswer(result: Int32(ISTH_NEXT))),
            Refusal(reason: 0x88, code: 3, word: "no database", answer: denial(0x88, "no database")),
            Refusal(reason: 0x89, code: 3, word: "busy", answer: denial(0x89)),
            Refusal(reason: 0x8A, code: 5, word: "too often", answer: denial(0x8A, "too often")),
            Refusal(reason: 0x9C, code: 3, word: "another server", answer: denial(0x9C, "", "b.example:1883")),
            Refusal(reason: 0x9D, code: 3, word: "moved", answer: denial(0x9D, "moved", "b.example:1883")),
            // No CONNACK has this one.
            Refusal(reason: 0x83, code: nil, word: "no reason code", answer: denial(0x8E)),
            Refusal(
                reason: 0x9B,
                code: nil,
                word: "mqtt.max_qos_allowed",
                settings: narrow,
                will: .init(topic: "w", qos: .atLeastOnce)
            ),
            Refusal(
                reason: 0x9A,
                code: nil,
                word: "mqtt.retain_available",
                settings: narrow,
                will: .init(topic: "w", retain: true)
            ),
            Refusal(
                reason: 0x90,
                code: nil,
                word: "mqtt.max_topic_levels",
                settings: narrow,
                will: .init(topic: "a/b/c")
            ),
        ]
    }

    @Test(arguments: refusals.indices, [ProtocolVersion.v31, .v311, .v5])
    func everyRefusalHasItsReason(index: Int, version: ProtocolVersion) {
        let refusal = Self.refusals[index]
        let plugin = ScriptedPlugin()
        if let answer = refusal.answer {
            plugin.authenticate = { _, ticket, _ in
                _ = plugin.world.broker.answer(ticket, answer)
                return Int(ISTH_LATER)
            }
        }
        let world = World(refusal.settings, plugins: [plugin])
        let client = TestClient(world, refusal.name, version)
        client.asksWhy = version == .v5
        client.connect(will: refusal.will)
        let packets = client.take()
        #expect(client.isClosed)
        guard version == .v5 else {
            #expect(packets.map(\.type) == (refusal.code == nil ? [] : [.connack]))
            #expect(packets.first?.reason == refusal.code.flatMap { ReasonCode(connackReturnCode: $0)?.rawValue })
            return
        }
        #expect(packets.map(\.type) == [.connack])
        #expect(packets[0].reason == refusal.reason)
        #expect(packets[0].reasonString?.contains(refusal.word) == true)
        let moves = refusal.reason == 0x9C || refusal.reason == 0x9D
        #expect(packets[0].serverReference == (moves ? "b.example:1883" : nil))
    }
}
