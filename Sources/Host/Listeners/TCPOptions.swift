// SPDX-License-Identifier: Apache-2.0
// How a listener's sockets are set up, and when a client that does not take its bytes is given up.

import Config
import Reactor

struct TCPOptions: Sendable {
    var backlog: Int32 = 1024
    var noDelay = true
    /// Bytes; `nil` leaves it to the kernel.
    var sendBuffer: Int32?
    var receiveBuffer: Int32?
    var keepAlive: ListenerOptions.KeepAlive?
    /// Milliseconds without a byte taken after which a client is closed; 0 = never.
    var sendTimeout: UInt64 = 15_000
    /// Bytes waiting for a client above which QoS 0 messages for it are dropped.
    var highWatermark: UInt32 = 1 << 20

    init() {}

    init(_ place: OptionsPlace) throws(StartError) {
        let value = place.value
        backlog = Int32(clamping: value.int(at: "backlog") ?? 1024)
        noDelay = value.bool(at: "nodelay") ?? true
        sendBuffer = value.int(at: "sndbuf").map { Int32(clamping: $0) }
        receiveBuffer = value.int(at: "recbuf").map { Int32(clamping: $0) }
        let closes = value.bool(at: "send_timeout_close") ?? true
        sendTimeout = closes ? UInt64(clamping: value.int(at: "send_timeout") ?? 15_000) : 0
        highWatermark = UInt32(clamping: value.int(at: "high_watermark") ?? 1 << 20)
        let text = value.string(at: "keepalive") ?? "none"
        if text == "none" { return }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            Int32(part.filter { $0 != " " }) ?? 0
        }
        // The kernel's own bounds.
        guard numbers.count == 3, (1...32_767).contains(numbers[0]), (1...32_767).contains(numbers[1]),
            (1...127).contains(numbers[2])
        else {
            throw place.error("keepalive", "is not \"none\" or \"Idle,Interval,Probes\", such as \"240,30,5\"")
        }
        keepAlive = ListenerOptions.KeepAlive(idle: numbers[0], interval: numbers[1], probes: numbers[2])
    }
}
