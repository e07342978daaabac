// SPDX-License-Identifier: Apache-2.0
// Messages in both directions over a connection that stands.

import MQTT
import PluginAPI
import Testing

@testable import Host

@Suite struct FlowTests {
    /// A plugin whose connection is up, and the server's end of it.
    private func connected(
        _ bench: Bench,
        _ server: ScriptedServer,
        connack answer: [UInt8] = connack(),
        _ change: (inout isth_mqtt_options) -> Void = { _ in }
    ) -> (Plugin, ServerEnd) {
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port, change) == ISTH_OK)
        let end = server.admit(answer)
        plugin.waitFor(.up(answer[2] != 0))
        return (plugin, end)
    }

    @Test func qos0KeepsItsOrderAndIsNotAcknowledged() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        bench.on {
            for number in 0..<100 as Range<UInt8> { #expect(plugin.publishHere("t", [number]) == ISTH_OK) }
        }
        for number in 0..<100 as Range<UInt8> { #expect(end.packet() == publish("t", [number])) }
        bench.settle()
        #expect(plugin.told.current == [.up(false)])
        bench.finish()
    }

    @Test func qos1IsAcknowledgedWithItsCookie() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        #expect(plugin.publish("t", [1], qos: 1, cookie: 71) == ISTH_OK)
        #expect(plugin.publish("t", [2], qos: 1, cookie: 72) == ISTH_OK)
        #expect(end.packet() == publish("t", [1], qos: 1, identifier: 1))
        #expect(end.packet() == publish("t", [2], qos: 1, identifier: 2))
        end.send([0x40, 3, 0, 2, 0x10])
        end.send([0x40, 2, 0, 1])
        plugin.waitFor(.acked(71, 0))
        #expect(plugin.told.current == [.up(false), .acked(72, 0x10), .acked(71, 0)])
        bench.finish()
    }

    @Test func qos2IsReleasedAndCompleted() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        #expect(plugin.publish("t", [1], qos: 2, cookie: 5) == ISTH_OK)
        #expect(end.packet() == publish("t", [1], qos: 2, identifier: 1))
        end.send([0x50, 3, 0, 1, 0x10])
        #expect(end.packet() == [0x62, 2, 0, 1])
        #expect(plugin.told.current == [.up(false)])
        end.send([0x70, 2, 0, 1])
        plugin.waitFor(.acked(5, 0x10))
        // Refused in the PUBREC: no PUBREL.
        #expect(plugin.publish("t", [2], qos: 2, cookie: 6) == ISTH_OK)
        #expect(end.packet() == publish("t", [2], qos: 2, identifier: 1))
        end.send([0x50, 3, 0, 1, 0x87])
        plugin.waitFor(.acked(6, 0x87))
        // A PUBREC for nothing is answered with "not found".
        end.send([0x50, 2, 0, 9])
        #expect(end.packet() == [0x62, 3, 0, 9, 0x92])
        bench.finish()
    }

    @Test func propertiesTravelBothWays() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        let correlation: [UInt8] = [0, 0xFF]
        let result = bench.on {
            "text/plain".withStr { type in
                "re/ply".withStr { reply in
                    "k".withStr { key in
                        correlation.withUnsafeBytes { correlation in
                            let pairs = [isth_pair(name: key, value: type), isth_pair(name: key, value: reply)]
                            return pairs.withUnsafeBufferPointer { pairs in
                                plugin.publishHere("t", [9]) {
                                    $0.flags = UInt32(
                                        ISTH_MSG_RETAIN | ISTH_MSG_HAS_CONTENT_TYPE | ISTH_MSG_HAS_RESPONSE_TOPIC
                                            | ISTH_MSG_HAS_CORRELATION | ISTH_MSG_HAS_PAYLOAD_FORMAT
                                            | ISTH_MSG_HAS_EXPIRY
                                    )
                                    $0.content_type = type
                                    $0.response_topic = reply
                                    $0.correlation = isth_bytes(ByteView(correlation))
                                    $0.payload_format = 1
                                    $0.expiry_s = 300
                                    $0.user_properties = pairs.baseAddress
                                    $0.user_property_count = pairs.count
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(result == ISTH_OK)
        let packet = end.packet()
        // The server sends it straight back.
        end.send(packet)
        let flags = UInt32(
            ISTH_MSG_RETAIN | ISTH_MSG_HAS_CONTENT_TYPE | ISTH_MSG_HAS_RESPONSE_TOPIC | ISTH_MSG_HAS_CORRELATION
                | ISTH_MSG_HAS_PAYLOAD_FORMAT | ISTH_MSG_HAS_EXPIRY
        )
        plugin.waitFor(
            .message(
                ReceivedMessage(
                    topic: "t",
                    payload: [9],
                    flags: flags,
                    contentType: "text/plain",
                    responseTopic: "re/ply",
                    correlation: correlation,
                    expiry: 300,
                    pairs: ["k=text/plain", "k=re/ply"]
                )
            )
        )
        bench.finish()
    }

    @Test func receivedMessagesAreAnswered() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        end.send(publish("a", [0]))
        end.send(publish("a", [1], qos: 1, identifier: 300))
        #expect(end.packet() == [0x40, 2, 1, 44])
        end.send(publish("a", [2], qos: 2, identifier: 7))
        #expect(end.packet() == [0x50, 2, 0, 7])
        // A repetition is answered and not handed on.
        end.send(publish("a", [2], qos: 2, identifier: 7, dup: true))
        #expect(end.packet() == [0x50, 2, 0, 7])
        end.send([0x62, 2, 0, 7])
        #expect(end.packet() == [0x70, 2, 0, 7])
        end.send([0x62, 2, 0, 7])
        #expect(end.packet() == [0x70, 3, 0, 7, 0x92])
        let expected: [Told] = [
            .up(false), .message(ReceivedMessage(topic: "a", payload: [0])),
            .message(ReceivedMessage(topic: "a", payload: [1], qos: 1)),
            .message(ReceivedMessage(topic: "a", payload: [2], qos: 2)),
        ]
        #expect(plugin.told.current == expected)
        bench.finish()
    }

    @Test func packetsInPiecesAreWhole() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        for byte in publish("pieces", [1, 2, 3]) + publish("b", [4]) {
            end.send([byte])
            bench.settle()
        }
        plugin.waitFor(.message(ReceivedMessage(topic: "b", payload: [4])))
        #expect(plugin.count(.message(ReceivedMessage(topic: "pieces", payload: [1, 2, 3]))) == 1)
        // A large one: three length bytes, several reads.
        let payload = [UInt8](repeating: 7, count: 2_000_000)
        end.send([0x30, 0x84, 0x89, 0x7A, 0, 1, 0x63, 0] + payload + publish("d", []))
        plugin.waitFor(.message(ReceivedMessage(topic: "d")))
        #expect(plugin.count(.message(ReceivedMessage(topic: "c", payload: payload))) == 1)
        bench.finish()
    }

    @Test func subscribeAndUnsubscribe() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        #expect(
            plugin.subscribe("a/+", cookie: 11) {
                $0.qos = 2
                $0.no_local = 1
                $0.retain_as_published = 1
                $0.retain_handling = 2
                $0.subscription_id = 200
            } == ISTH_OK
        )
        #expect(end.packet() == [0x82, 12, 0xFC, 0, 3, 11, 0xC8, 1, 0, 3, 0x61, 0x2F, 0x2B, 0x2E])
        end.send([0x90, 4, 0xFC, 0, 0, 2])
        plugin.waitFor(.acked(11, 2))
        #expect(plugin.subscribe("b", group: "g", cookie: 12) == ISTH_OK)
        #expect(end.packet() == [0x82, 16, 0xFC, 0, 0, 0, 10] + Array("$share/g/b".utf8) + [1])
        end.send([0x90, 4, 0xFC, 0, 0, 0x9E])
        plugin.waitFor(.acked(12, 0x9E))
        #expect(plugin.unsubscribe("b", cookie: 13) == ISTH_OK)
        #expect(end.packet() == [0xA2, 6, 0xFC, 0, 0, 0, 1, 0x62])
        end.send([0xB0, 4, 0xFC, 0, 0, 0x11])
        plugin.waitFor(.acked(13, 0x11))
        #expect(plugin.subscribe("a#", cookie: 0) == ISTH_E_ARG)
        #expect(plugin.subscribe("a", group: "x/y", cookie: 0) == ISTH_E_ARG)
        #expect(plugin.subscribe("a", group: "g", cookie: 0) { $0.no_local = 1 } == ISTH_E_ARG)
        #expect(plugin.unsubscribe("", cookie: 0) == ISTH_E_ARG)
        bench.finish()
    }

    @Test func windowFullThenWritable() throws {
        let bench = try Bench()
        // Receive Maximum 2 of the server, 5 of our own.
        let (plugin, end) = connected(bench, ScriptedServer(), connack: connack([33, 0, 2])) { $0.max_inflight = 5 }
        #expect(plugin.publish("t", qos: 1, cookie: 1) == ISTH_OK)
        #expect(plugin.publish("t", qos: 2, cookie: 2) == ISTH_OK)
        #expect(plugin.publish("t", qos: 1, cookie: 3) == ISTH_E_LIMIT)
        #expect(plugin.publish("t", qos: 0) == ISTH_OK, "the window is not for QoS 0")
        bench.settle()
        #expect(plugin.count(.writable) == 0)
        end.send([0x40, 2, 0, 1])
        plugin.waitFor(.writable)
        #expect(plugin.told.current == [.up(false), .acked(1, 0), .writable])
        #expect(plugin.publish("t", qos: 1, cookie: 3) == ISTH_OK)
        #expect(plugin.publish("t", qos: 1, cookie: 4) == ISTH_E_LIMIT)
        withExtendedLifetime(end) { bench.finish() }
    }

    @Test func ownWindowCountsToo() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer()) { $0.max_inflight = 1 }
        #expect(plugin.publish("t", qos: 1) == ISTH_OK)
        #expect(plugin.publish("t", qos: 1) == ISTH_E_LIMIT)
        withExtendedLifetime(end) { bench.finish() }
    }

    @Test func highWaterThenWritable() throws {
        let bench = try Bench()
        let server = ScriptedServer(receiveBuffer: 4096)
        let (plugin, end) = connected(bench, server) { $0.high_water_bytes = 100_000 }
        let payload = [UInt8](repeating: 1, count: 10_000)
        // The socket takes some megabytes at most; the server reads nothing.
        let accepted = bench.on {
            var accepted = 0
            while plugin.publishHere("t", payload) == ISTH_OK { accepted += 1 }
            return accepted
        }
        #expect(plugin.publish("t", payload) == ISTH_E_LIMIT)
        #expect(plugin.count(.writable) == 0)
        for _ in 0..<accepted { #expect(end.packet().count == 10_007) }
        plugin.waitFor(.writable)
        #expect(plugin.publish("end") == ISTH_OK)
        #expect(end.packet() == publish("end", []))
        #expect(plugin.count(.writable) == 1)
        bench.finish()
    }

    @Test func serverLimitsHold() throws {
        let bench = try Bench()
        // Maximum Packet Size 20, Maximum QoS 1, no retained messages, no wildcards, shares or identifiers.
        let limits: [UInt8] = [39, 0, 0, 0, 20, 36, 1, 37, 0, 40, 0, 41, 0, 42, 0]
        let (plugin, end) = connected(bench, ScriptedServer(), connack: connack(limits))
        #expect(plugin.publish("t", [UInt8](repeating: 0, count: 14)) == ISTH_OK)
        #expect(plugin.publish("t", [UInt8](repeating: 0, count: 15)) == ISTH_E_ARG)
        #expect(plugin.publish("t", qos: 2) == ISTH_E_UNSUPPORTED)
        #expect(bench.on { plugin.publishHere("t") { $0.flags = UInt32(ISTH_MSG_RETAIN) } } == ISTH_E_UNSUPPORTED)
        #expect(plugin.subscribe("+", cookie: 0) == ISTH_E_UNSUPPORTED)
        #expect(plugin.subscribe("a", group: "g", cookie: 0) == ISTH_E_UNSUPPORTED)
        #expect(plugin.subscribe("a", cookie: 0) { $0.subscription_id = 1 } == ISTH_E_UNSUPPORTED)
        #expect(end.packet().count == 20)
        bench.finish()
    }

    @Test func messagesThatCannotBeAreRefused() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        #expect(plugin.publish("") == ISTH_E_ARG)
        #expect(plugin.publish("a/#") == ISTH_E_ARG)
        #expect(plugin.publish("a", qos: 3) == ISTH_E_ARG)
        #expect(
            bench.on {
                plugin.publishHere("a") {
                    $0.flags = UInt32(ISTH_MSG_HAS_PAYLOAD_FORMAT)
                    $0.payload_format = 2
                }
            } == ISTH_E_ARG
        )
        #expect(plugin.publish("good") == ISTH_OK)
        #expect(end.packet() == publish("good", []))
        bench.finish()
    }

    @Test func oneWriteATurn() throws {
        let bench = try Bench()
        let (plugin, end) = connected(bench, ScriptedServer())
        let waiting = bench.on {
            for _ in 0..<1000 { _ = plugin.publishHere("t", [0]) }
            return bench.runtime.clients[0].find(plugin.link, of: bench.context)?.machine.output.waiting
        }
        #expect(waiting == 1000 * publish("t", [0]).count, "nothing is written before the turn ends")
        for _ in 0..<1000 { #expect(end.packet() == publish("t", [0])) }
        bench.finish()
    }
}
