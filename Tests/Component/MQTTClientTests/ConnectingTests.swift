// SPDX-License-Identifier: Apache-2.0
// From nothing to `up`, and all the ways not to get there.

import Glibc
import MQTT
import PluginAPI
import Testing

@testable import Host
@testable import Reactor

@Suite struct ConnectingTests {
    @Test func connectCarriesTheOptions() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        let secret: [UInt8] = [0, 1, 0xFF]
        "someone".withStr { name in
            secret.withUnsafeBytes { secret in
                let result = plugin.open(server.port) {
                    $0.username = name
                    $0.has_username = 1
                    $0.password = isth_bytes(ByteView(secret))
                    $0.has_password = 1
                    $0.clean_start = 0
                    $0.session_expiry_s = 3600
                    $0.keepalive_s = 60
                }
                #expect(result == ISTH_OK)
            }
        }
        let end = server.admit(connack(present: true))
        try end.connect.withUnsafeBytes { bytes in
            let packet = try ConnectPacket.decode(ByteView(bytes).dropFirst(2))
            #expect(packet.version == .v5)
            #expect(packet.clientIdentifier.string == "client")
            #expect(packet.userName.string == "someone")
            #expect(Array(packet.password.buffer) == secret)
            #expect(!packet.cleanStart)
            #expect(packet.keepAlive == 60)
            #expect(packet.properties.sessionExpiryInterval == 3600)
        }
        plugin.waitFor(.up(true))
        bench.finish()
    }

    @Test func openFromTheLoopAndFromElsewhere() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugins = [Plugin(bench), Plugin(bench), Plugin(bench)]
        #expect(plugins[0].open(server.port) == ISTH_OK)
        #expect(bench.on { plugins[1].open(server.port) } == ISTH_OK)
        #expect(plugins[2].open(server.port, host: "localhost") == ISTH_OK)
        let ends = (0..<3).map { _ in server.admit() }
        for plugin in plugins { plugin.waitFor(.up(false)) }
        #expect(Set(plugins.map(\.link)).count == 3)
        #expect(!plugins.contains { $0.link == 0 })
        withExtendedLifetime(ends) { bench.finish() }
    }

    @Test func optionsThatCannotBeAreRefused() throws {
        let bench = try Bench()
        let plugin = Plugin(bench)
        #expect(plugin.open(0) == ISTH_E_ARG)
        #expect(plugin.open(1883, host: "") == ISTH_E_ARG)
        #expect(plugin.open(1883, host: "a\0b") == ISTH_E_ARG)
        #expect(plugin.open(1883) { $0.loop = 1 } == ISTH_E_ARG)
        #expect(plugin.open(1883) { $0.size = 8 } == ISTH_E_ARG)
        #expect(plugin.open(1883) { $0.keepalive_s = 65_536 } == ISTH_E_ARG)
        #expect(bench.lines.current.count == 6)
        bench.finish()
    }

    @Test func refusedConnectionIsASentenceAndTriedAgain() throws {
        let bench = try Bench()
        let idle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let address = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
        #expect(address.withSockaddr { bind(idle, $0, $1) } == 0)
        let port = SocketAddress.local(of: idle).port
        let plugin = Plugin(bench)
        #expect(plugin.open(port, host: "127.0.0.1") { ($0.reconnect_min_ms, $0.reconnect_max_ms) = (1, 4) } == ISTH_OK)
        let (reason, text) = plugin.waitForDown(4)
        #expect(reason == 0x88)
        #expect(text == "cannot connect to 127.0.0.1:\(port): connection refused")
        Glibc.close(idle)
        bench.finish()
    }

    @Test func neverAgainMeansNever() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port) == ISTH_OK)
        server.admit().close()
        _ = plugin.waitForDown()
        #expect(bench.on { bench.loop.timerCount } == 0, "no further try is planned")
        // Unless asked for.
        #expect(bench.on { plugin.reconnectHere(0) } == ISTH_OK)
        let end = server.admit()
        plugin.told.wait { told in told.count { $0 == .up(false) } == 2 }
        withExtendedLifetime(end) { bench.finish() }
    }

    @Test(
        arguments: [
            (connack(reason: 0x87), 0x87, "the server refused the connection: not authorized (reason code 0x87)"),
            (
                connack(reason: 0x9D, [31, 0, 2, 0x61, 0x62, 28, 0, 1, 0x78]), 0x9D,
                "the server refused the connection: server moved (reason code 0x9D), 'ab', use x"
            ),
            // What a server answers that only knows MQTT 3.1.1.
            (
                [0x20, 2, 0, 1], 0x84,
                "the server refused the connection: unsupported protocol version (reason code 0x84)"
            ),
            ([0x20, 2, 0, 0], 0x81, ""),
            (
                connack(present: true), 0x82,
                "the server says that a session is present although a clean start was asked for"
            ),
            ([0xD0, 0], 0x82, "the server sent a packet in front of the CONNACK"),
            (Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), 0x81, ""),
        ] as [([UInt8], UInt8, String)]
    )
    func connackErrors(_ answer: [UInt8], _ reason: UInt8, _ text: String) throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port) == ISTH_OK)
        let end = server.admit(answer)
        let down = plugin.waitForDown()
        #expect(down.reason == reason)
        if text.isEmpty {
            #expect(down.text.hasPrefix("127.0.0.1:\(server.port): the server sent what is not MQTT 5: "))
        } else {
            #expect(down.text == "127.0.0.1:\(server.port): \(text)")
        }
        #expect(plugin.told.current.count == 1)
        withExtendedLifetime(end) { bench.finish() }
    }

    @Test func silentServerTimesOut() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port) { $0.connect_timeout_ms = 30 } == ISTH_OK)
        let end = server.accept()
        let down = plugin.waitForDown()
        #expect(down.reason == 0x88)
        #expect(down.text == "127.0.0.1:\(server.port): the server did not answer the CONNECT within 30 ms")
        withExtendedLifetime(end) { bench.finish() }
    }

    @Test func silentTLSServerTimesOut() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        let options = { (options: inout isth_mqtt_options) in
            options.tls = 1
            options.connect_timeout_ms = 200
        }
        #expect(plugin.open(server.port, options) == ISTH_OK)
        let end = server.accept()
        let down = plugin.waitForDown()
        #expect(down.text == "127.0.0.1:\(server.port): the TLS handshake was not finished within 200 ms")
        withExtendedLifetime(end) { bench.finish() }
    }

    @Test func missingTLSFileIsASentence() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        "/nowhere/ca.pem".withStr { file in
            let result = plugin.open(server.port) {
                $0.tls = 1
                $0.verify_peer = 1
                $0.ca_file = file
            }
            #expect(result == ISTH_OK)
        }
        #expect(plugin.waitForDown().text.contains("/nowhere/ca.pem"))
        bench.finish()
    }

    @Test func closeWhileConnectingIsSilent() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        // Before the try begins, and while the CONNACK is awaited.
        #expect(
            bench.on {
                let opened = plugin.open(server.port)
                return opened == ISTH_OK ? plugin.closeHere() : opened
            } == ISTH_OK
        )
        #expect(plugin.open(server.port) == ISTH_OK)
        let end = server.accept()
        #expect(end.packet().first == 0x10)
        plugin.close()
        #expect(end.packet() == [0xE0, 0])
        #expect(end.packet() == [])
        #expect(plugin.told.current.isEmpty)
        bench.finish()
    }

    @Test func closedHandlesAreStale() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let (first, second) = (Plugin(bench), Plugin(bench))
        #expect(first.open(server.port) == ISTH_OK)
        #expect(first.publish("a") == ISTH_E_STATE)
        #expect(first.close() == ISTH_OK)
        #expect(second.open(server.port) == ISTH_OK)
        #expect(first.close() == ISTH_E_GONE)
        #expect(first.publish("a") == ISTH_E_GONE)
        #expect(first.subscribe("a", cookie: 0) == ISTH_E_GONE)
        #expect(first.unsubscribe("a", cookie: 0) == ISTH_E_GONE)
        #expect(bench.on { first.reconnectHere(0) } == ISTH_E_GONE)
        #expect(first.link & 0xFFFF_FFFF_0000_0000 == second.link & 0xFFFF_FFFF_0000_0000, "the index is used again")
        // Handles that were never given out.
        for link in [0, 1, .max, 5 << 32 | 1, 1 << 56] as [isth_id] {
            #expect(bench.on { bench.service.pointee.close(bench.pointer, link) } == ISTH_E_GONE)
        }
        bench.finish()
    }

    @Test func anotherThreadAndAnotherPluginAreTurnedAway() throws {
        let bench = try Bench()
        let server = ScriptedServer()
        let plugin = Plugin(bench)
        #expect(plugin.open(server.port) == ISTH_OK)
        #expect(plugin.closeHere() == ISTH_E_STATE)
        let stranger = bench.stranger()
        let pointer = OpaquePointer(Unmanaged.passUnretained(stranger).toOpaque())
        let link = plugin.link
        #expect(bench.on { bench.service.pointee.close(pointer, link) } == ISTH_E_GONE)
        withExtendedLifetime(stranger) { bench.finish() }
    }
}
