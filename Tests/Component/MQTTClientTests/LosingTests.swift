// SPDX-License-Identifier: Apache-2.0
// Connections that end: by the server, by the network, by silence, by garbage, by the plugin from inside a callback.

import Glibc
import MQTT
import PluginAPI
import Synchronization
import Testing

@testable import Host
@testable import Reactor

@Suite struct LosingTests {
    private static func again(_ options: inout isth_mqtt_options) {
        options.reconnect_min_ms = 1
        options.reconnect_max_ms = 8
    }

    @Test func disconnectOfTheServerIsExplained() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port) == ISTH_OK)
        let end = server.admit()
        end.send([0xE0, 7, 0x8E, 5, 31, 0, 2, 0x68, 0x69])
        let down = plugin.waitForDown()
        #expect(down.reason == 0x8E)
        #expect(
            down.text
                == "127.0.0.1:\(server.port): the server closed the connection: session taken over (reason code 0x8E), 'hi'"
        )
        #expect(end.packet() == [], "no answer to a DISCONNECT")
        #expect(plugin.publish("t") == ISTH_E_STATE)
        bench.finish()
    }

    @Test(arguments: [true, false])
    func killedMidFlowItComesBack(_ byReset: Bool) throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port, Self.again) == ISTH_OK)
        let first = server.admit()
        plugin.waitFor(.up(false))
        #expect(plugin.publish("t", [1], qos: 1, cookie: 1) == ISTH_OK)
        #expect(plugin.publish("t", [2], qos: 2, cookie: 2) == ISTH_OK)
        #expect(first.packet().count == publish("t", [1], qos: 1).count)
        if byReset { first.reset() } else { first.close() }
        let down = plugin.waitForDown()
        #expect(down.reason == 0x80)
        #expect(down.text.hasPrefix("127.0.0.1:\(server.port): the peer "))
        let second = server.admit()
        plugin.told.wait { told in told.count { $0 == .up(false) } == 2 }
        // Forgotten: the identifiers start anew, and nothing of the old ones is acknowledged.
        #expect(plugin.publish("t", [3], qos: 1, cookie: 3) == ISTH_OK)
        #expect(second.packet() == publish("t", [3], qos: 1, identifier: 1))
        second.send([0x40, 2, 0, 1])
        plugin.waitFor(.acked(3, 0))
        #expect(plugin.count(.acked(1, 0)) + plugin.count(.acked(2, 0)) == 0)
        bench.finish()
    }

    @Test func identifiersOfLostQoS2MessagesAreReleased() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(
            plugin.open(server.port) {
                Self.again(&$0)
                $0.clean_start = 0
                $0.session_expiry_s = 600
            } == ISTH_OK
        )
        let first = server.admit()
        plugin.waitFor(.up(false))
        #expect(plugin.publish("t", [1], qos: 1, cookie: 1) == ISTH_OK)
        #expect(plugin.publish("t", [2], qos: 2, cookie: 2) == ISTH_OK)
        _ = (first.packet(), first.packet())
        first.close()
        let second = server.admit(connack(present: true))
        plugin.waitFor(.up(true))
        #expect(second.packet() == [0x62, 2, 0, 2], "the server may still hold identifier 2")
        #expect(plugin.publish("t", [2], qos: 2, cookie: 3) == ISTH_OK)
        #expect(second.packet() == publish("t", [2], qos: 2, identifier: 1))
        second.send([0x70, 3, 0, 2, 0x92, 0x50, 2, 0, 1])
        #expect(second.packet() == [0x62, 2, 0, 1])
        second.send([0x70, 2, 0, 1])
        plugin.waitFor(.acked(3, 0))
        #expect(plugin.count(.acked(2, 0x92)) == 0)
        bench.finish()
    }

    @Test func silentServerIsGivenUp() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port) { $0.keepalive_s = 600 } == ISTH_OK)
        // Server Keep Alive 1.
        let end = server.admit(connack([19, 0, 1]))
        #expect(end.packet() == [0xC0, 0])
        end.send([0xD0, 0])
        #expect(end.packet() == [0xC0, 0])
        let down = plugin.waitForDown()
        #expect(down.reason == 0x8D)
        #expect(down.text.hasSuffix("the server did not answer a PINGREQ within the keep-alive"))
        #expect(end.packet() == [0xE0, 1, 0x80])
        bench.finish()
    }

    @Test(
        arguments: [
            [0xD0, 1, 0], [0x00, 0], [0x30, 0xFF, 0xFF, 0xFF, 0xFF], [0x40, 2, 0, 9], [0x90, 4, 0xFC, 0, 0, 0],
            [0x20, 3, 0, 0, 0], [0x10, 0], [0xC0, 0], [0x82, 6, 0, 1, 0, 0, 1, 0x61], [0xF0, 0],
            [0x36, 6, 0, 1, 0x61, 0, 1, 0],
            [0x30, 7, 0, 1, 0x61, 3, 35, 0, 1], [0x30, 4, 0, 1, 0x23, 0], [0x41, 2, 0, 1],
        ] as [[UInt8]]
    )
    func garbageEndsTheConnection(_ bytes: [UInt8]) throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port, Self.again) == ISTH_OK)
        let end = server.admit()
        plugin.waitFor(.up(false))
        end.send(bytes)
        let down = plugin.waitForDown()
        #expect([0x81, 0x82, 0x90, 0x94].contains(down.reason))
        #expect(end.packet() == [0xE0, 1, down.reason])
        #expect(end.packet() == [])
        // And the next one is well.
        let next = server.admit()
        plugin.told.wait { told in told.count { $0 == .up(false) } == 2 }
        withExtendedLifetime(next) { bench.finish() }
    }

    @Test func closeSaysGoodbyeBehindWhatWasPublished() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port, Self.again) == ISTH_OK)
        let end = server.admit()
        plugin.waitFor(.up(false))
        bench.on {
            #expect(plugin.publishHere("last", qos: 1) == ISTH_OK)
            #expect(plugin.closeHere() == ISTH_OK)
        }
        #expect(end.packet() == publish("last", [], qos: 1, identifier: 1))
        #expect(end.packet() == [0xE0, 0])
        end.send([0x40, 2, 0, 1])
        #expect(end.packet() == [])
        bench.settle()
        #expect(plugin.told.current == [.up(false)])
        bench.finish()
    }

    @Test func reconnectDropsAndComesBackSilently() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port) == ISTH_OK)
        let first = server.admit()
        plugin.waitFor(.up(false))
        #expect(bench.on { plugin.reconnectHere(1) } == ISTH_OK)
        #expect(plugin.publish("t") == ISTH_E_STATE)
        #expect(first.packet() == [0xE0, 0])
        let second = server.admit()
        plugin.told.wait { $0 == [.up(false), .up(false)] }
        withExtendedLifetime(second) { bench.finish() }
    }

    // MARK: Calls from inside callbacks

    @Test(arguments: ["up", "message", "acked", "down", "writable"])
    func closeInsideACallbackIsTheLast(_ moment: String) throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        let results = Mutex<[Int32]>([])
        plugin.react = { told in
            let isNow =
                switch told {
                case .up: moment == "up"
                case .message: moment == "message"
                case .acked: moment == "acked"
                case .down: moment == "down"
                case .writable: moment == "writable"
                }
            if isNow { results.withLock { $0.append(plugin.closeHere()) } }
        }
        #expect(
            plugin.open(server.port) {
                Self.again(&$0)
                $0.max_inflight = 1
            } == ISTH_OK
        )
        let end = server.admit()
        plugin.waitFor(.up(false))
        if moment != "up" {
            #expect(plugin.publish("t", qos: 1, cookie: 1) == ISTH_OK)
            #expect(plugin.publish("t", qos: 1, cookie: 2) == ISTH_E_LIMIT)
            _ = end.packet()
            // Everything in one segment: what follows the fatal event must not be told.
            end.send([0x40, 2, 0, 1] + publish("a", [1]) + publish("a", [2]))
            if moment == "down" { end.close() }
        }
        let goodbye = moment == "down" ? [] : end.packet()
        #expect(goodbye == (moment == "down" ? [] : [0xE0, 0]))
        if moment == "down" { _ = plugin.waitForDown() }
        bench.settle()
        let message = { Told.message(ReceivedMessage(topic: "a", payload: [$0])) }
        let all: [Told] = [.up(false), .acked(1, 0), message(1), message(2), .writable]
        let told = plugin.told.current
        switch moment {
        case "up": #expect(told == Array(all.prefix(1)))
        case "acked": #expect(told == Array(all.prefix(2)))
        case "message": #expect(told == Array(all.prefix(3)))
        case "writable": #expect(told == all)
        default: #expect(plugin.downCount == 1)
        }
        #expect(results.withLock { $0 } == [0])
        #expect(plugin.close() == ISTH_E_GONE)
        bench.finish()
    }

    @Test func publishAndReconnectInsideCallbacks() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        plugin.react = { told in
            switch told {
            case .up: #expect(plugin.publishHere("from/up", qos: 1, cookie: 1) == ISTH_OK)
            case .acked: #expect(plugin.publishHere("from/acked") == ISTH_OK)
            case .message:
                #expect(plugin.publishHere("from/message") == ISTH_OK)
                #expect(plugin.reconnectHere(0) == ISTH_OK)
            case .down, .writable: break
            }
        }
        #expect(plugin.open(server.port) == ISTH_OK)
        let first = server.admit()
        #expect(first.packet() == publish("from/up", [], qos: 1, identifier: 1))
        first.send([0x40, 2, 0, 1])
        #expect(first.packet() == publish("from/acked", []))
        first.send(publish("a", [1]) + publish("a", [2]))
        #expect(first.packet() == publish("from/message", []))
        #expect(first.packet() == [0xE0, 0])
        let second = server.admit()
        #expect(second.packet() == publish("from/up", [], qos: 1, identifier: 1))
        #expect(plugin.count(.message(ReceivedMessage(topic: "a", payload: [2]))) == 0)
        bench.finish()
    }

    @Test func closeAllEndsOnePluginsConnections() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugins = [Plugin(bench), Plugin(bench)]
        let ends = plugins.map { plugin in
            #expect(plugin.open(server.port) == ISTH_OK)
            return server.admit()
        }
        for plugin in plugins { plugin.waitFor(.up(false)) }
        let stranger = bench.stranger()
        bench.on { bench.runtime.clients[0].closeAll(of: stranger) }
        #expect(plugins.allSatisfy { $0.publish("t") == ISTH_OK })
        bench.on { bench.runtime.clients[0].closeAll(of: bench.context) }
        #expect(plugins.allSatisfy { $0.publish("t") == ISTH_E_GONE })
        for end in ends { #expect([end.packet(), end.packet()] == [publish("t", []), [0xE0, 0]]) }
        bench.finish()
    }

    @Test func loopThatStopsIsSilent() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port, Self.again) == ISTH_OK)
        let end = server.admit()
        plugin.waitFor(.up(false))
        bench.stopLoop()
        #expect(end.packet() == [])
        #expect(plugin.told.current == [.up(false)])
    }
}
