// SPDX-License-Identifier: Apache-2.0
// The keys of a WebSocket listener's `websocket`.

import Config

extension WebSocketOptions {
    static let settings: [Setting] = request + origins + frames

    private static let request: [Setting] = [
        Setting(
            "mqtt_path",
            .string,
            fallback: "\"/mqtt\"",
            doc: "The path that clients ask for, `/mqtt/[...]` for it and all below it; `/` is served beside it."
        ),
        Setting(
            "fail_if_no_subprotocol",
            .bool,
            fallback: "true",
            doc: "Whether clients are refused that offer no subprotocol of `supported_subprotocols`."
        ),
        Setting(
            "supported_subprotocols",
            .string,
            fallback: "\"mqtt, mqtt-v3, mqtt-v3.1.1, mqtt-v5\"",
            doc: "Subprotocols that are served, with commas between; the client's first choice is taken."
        ),
        Setting(
            "proxy_address_header",
            .string,
            fallback: "\"x-forwarded-for\"",
            doc:
                "Header in which a proxy says the client's address, empty for none; anybody can send it, so if rules go by "
                + "addresses, let only the proxy reach the listener."
        ),
        Setting(
            "proxy_port_header",
            .string,
            fallback: "\"x-forwarded-port\"",
            doc: "Header in which a proxy says the client's port, empty for none."
        ),
    ]

    private static let origins: [Setting] = [
        Setting(
            "check_origin_enable",
            .bool,
            fallback: "false",
            doc:
                "Whether only web pages from `check_origins` may connect; those of other machines are refused anyway where "
                + "clients are let in for being of this machine."
        ),
        Setting(
            "allow_origin_absence",
            .bool,
            fallback: "true",
            doc: "With `check_origin_enable`: whether clients that are no web page may connect."
        ),
        Setting(
            "check_origins",
            .union([.array(.string), .string]),
            fallback: "\"http://localhost:18083, http://127.0.0.1:18083\"",
            doc: "Origins of web pages that may connect, with commas between."
        ),
    ]

    private static let frames: [Setting] = [
        Setting(
            "idle_timeout",
            .union([.duration, .choice(["infinity"])]),
            fallback: "7200s",
            doc: "Time without a byte from the client, Ping frames included, after which a connection is closed."
        ),
        Setting(
            "max_frame_size",
            .union([.bytesize, .choice(["infinity"])]),
            fallback: "infinity",
            doc: "Largest WebSocket message of a client, its fragments together."
        ),
        Setting(
            "mqtt_piggyback",
            .choice(["single", "multiple"]),
            fallback: "multiple",
            doc: "Accepted for EMQX's sake: a message may always hold several MQTT packets, or a part of one."
        ),
        Setting("compress", .bool, fallback: "false", doc: "Accepted for EMQX's sake: messages are never compressed."),
        Setting(
            "deflate_opts.level",
            .choice(["none", "default", "best_compression", "best_speed"]),
            fallback: "default",
            doc: "With `compress`: how hard to try."
        ),
        Setting("deflate_opts.mem_level", .int, fallback: "8", doc: "With `compress`.", minimum: 1, maximum: 9),
        Setting(
            "deflate_opts.strategy",
            .choice(["default", "filtered", "huffman_only", "rle"]),
            fallback: "default",
            doc: "With `compress`."
        ),
        Setting(
            "deflate_opts.server_context_takeover",
            .choice(["takeover", "no_takeover"]),
            fallback: "takeover",
            doc: "With `compress`: whether a message to a client builds on those before."
        ),
        Setting(
            "deflate_opts.client_context_takeover",
            .choice(["takeover", "no_takeover"]),
            fallback: "takeover",
            doc: "With `compress`: whether a message from a client builds on those before."
        ),
        Setting(
            "deflate_opts.server_max_window_bits",
            .int,
            fallback: "15",
            doc: "With `compress`.",
            minimum: 8,
            maximum: 15
        ),
        Setting(
            "deflate_opts.client_max_window_bits",
            .int,
            fallback: "15",
            doc: "With `compress`.",
            minimum: 8,
            maximum: 15
        ),
        Setting(
            "validate_utf8",
            .bool,
            fallback: "true",
            doc: "Accepted for EMQX's sake: MQTT is binary, and text messages are refused."
        ),
    ]
}
