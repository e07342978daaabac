// SPDX-License-Identifier: Apache-2.0
// The client against a server that others wrote; runs where mosquitto is installed.

import Glibc
import PluginAPI
import Testing

@testable import Host
@testable import Reactor

private let mosquitto = "/usr/sbin/mosquitto"

@Suite(.enabled(if: access(mosquitto, X_OK) == 0)) struct MosquittoTests {
    @Test func threeQualitiesThereAndBack() throws {
        let bench = try Bench()
        let port = try freePort()
        let server = try start(port)
        let plugin = Plugin(bench)
        // It may take a moment to listen: the client tries until it does.
        let result = plugin.open(port) {
            $0.reconnect_min_ms = 1
            $0.reconnect_max_ms = 50
            $0.keepalive_s = 60
            $0.max_inflight = 20
        }
        #expect(result == ISTH_OK)
        plugin.waitFor(.up(false))
        #expect(plugin.subscribe("test/#", cookie: 1) { $0.qos = 2 } == ISTH_OK)
        plugin.waitFor(.acked(1, 2))
        for qos in 0...2 as ClosedRange<UInt8> {
            for number in 0..<5 as Range<UInt8> {
                let cookie = 100 + UInt64(qos) * 10 + UInt64(number)
                #expect(plugin.publish("test/\(qos)", [number], qos: qos, cookie: cookie) == ISTH_OK)
            }
        }
        let all = plugin.told.wait { told in
            told.count { if case .message = $0 { true } else { false } } == 15
                && told.count { if case .acked = $0 { true } else { false } } == 11
        }
        for qos in 0...2 as ClosedRange<UInt8> {
            let payloads = all.compactMap { told -> UInt8? in
                guard case .message(let message) = told, message.topic == "test/\(qos)", message.qos == qos else {
                    return nil
                }
                return message.payload.first
            }
            #expect(payloads == [0, 1, 2, 3, 4])
        }
        // Nobody wants it, and the server says so.
        #expect(plugin.publish("other", qos: 1, cookie: 2) == ISTH_OK)
        plugin.waitFor(.acked(2, 0x10))
        #expect(plugin.unsubscribe("test/#", cookie: 3) == ISTH_OK)
        plugin.waitFor(.acked(3, 0))
        let downs = plugin.downCount
        kill(server, SIGKILL)
        let down = plugin.waitForDown(downs + 1)
        #expect(down.text.hasPrefix("127.0.0.1:\(port): "))
        waitpid(server, nil, 0)
        bench.finish()
    }

    /// Below the ports that the system gives to clients: one that connects to such a port while nobody listens there may
    /// be given that very port, and meet itself.
    private func freePort() throws -> UInt16 {
        for _ in 0..<100 {
            let port = UInt16.random(in: 15_000..<30_000)
            let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { Glibc.close(fd) }
            let address = try #require(SocketAddress(numeric: "127.0.0.1", port: port))
            if address.withSockaddr({ bind(fd, $0, $1) }) == 0 { return port }
        }
        throw NoPort()
    }

    private struct NoPort: Error {}

    /// On loopback only, which is what it does without a config file.
    private func start(_ port: UInt16) throws -> pid_t {
        var process: pid_t = 0
        let arguments: [UnsafeMutablePointer<CChar>?] =
            ["mosquitto", "-p", "\(port)"].map { (text: String) in strdup(text) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let result = posix_spawn(&process, mosquitto, &actions, nil, arguments, nil)
        try #require(result == 0)
        return process
    }
}
