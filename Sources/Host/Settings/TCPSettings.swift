// SPDX-License-Identifier: Apache-2.0
// The keys of a listener's `tcp_options`.

import Config

extension TCPOptions {
    static let settings: [Setting] = [
        Setting(
            "backlog",
            .int,
            fallback: "1024",
            doc: "Connections that may wait to be accepted.",
            minimum: 1,
            maximum: 65_535
        ),
        Setting("nodelay", .bool, fallback: "true", doc: "Whether small packets leave at once."),
        Setting(
            "sndbuf",
            .optional(.bytesize),
            doc: "The kernel's buffer for bytes to a client; without it the kernel adapts the size.",
            minimum: 1024,
            maximum: 1_073_741_824
        ),
        Setting(
            "recbuf",
            .optional(.bytesize),
            doc: "The kernel's buffer for bytes from a client; without it the kernel adapts the size.",
            minimum: 1024,
            maximum: 1_073_741_824
        ),
        Setting(
            "keepalive",
            .string,
            fallback: "none",
            doc: "TCP's own probes of silent peers as `Idle,Interval,Probes`, seconds and a number: `240,30,5`."
        ),
        Setting(
            "send_timeout",
            .duration,
            fallback: "15s",
            doc: "Time in which a client that is owed bytes has to take one.",
            reloadable: true,
            minimum: 1
        ),
        Setting(
            "send_timeout_close",
            .bool,
            fallback: "true",
            doc: "Whether a client that takes nothing for `send_timeout` is closed.",
            reloadable: true
        ),
        Setting(
            "high_watermark",
            .bytesize,
            fallback: "1MB",
            doc: "Bytes that wait for a client's socket; above that, QoS 0 messages for it are dropped.",
            reloadable: true,
            minimum: 1,
            maximum: 2_147_483_648
        ),
        Setting(
            "buffer",
            .bytesize,
            fallback: "4KB",
            doc: "Accepted for EMQX's sake; every loop has one buffer for reading."
        ),
        Setting("nolinger", .bool, fallback: "false", doc: "Accepted for EMQX's sake and not used."),
        Setting("reuseaddr", .bool, fallback: "true", doc: "Accepted for EMQX's sake; it is always on."),
        Setting("active_n", .int, fallback: "10", doc: "Accepted for EMQX's sake and not used."),
    ]
}
