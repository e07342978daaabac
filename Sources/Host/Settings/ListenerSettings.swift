// SPDX-License-Identifier: Apache-2.0
// The keys of `listeners.KIND.NAME`, declared once and placed below each kind of listener that has them. The groups of
// options are in files of their own: TCPSettings, TLSSettings, WebSocketSettings.

import Config

enum ListenerSettings {
    static let all: [Setting] = ListenerKind.allCases.flatMap { kind in
        placed(common(kind), below: "listeners.\(kind).*")
            + placed(TCPOptions.settings, below: "listeners.\(kind).*.tcp_options")
            + (kind.isTLS ? placed(TLSOptions.settings, below: "listeners.\(kind).*.ssl_options") : [])
            + (kind.isWebSocket ? placed(WebSocketOptions.settings, below: "listeners.\(kind).*.websocket") : [])
    }

    private static func placed(_ settings: [Setting], below path: String) -> [Setting] {
        settings.map { setting in
            var setting = setting
            setting.path = "\(path).\(setting.path)"
            return setting
        }
    }

    private static func common(_ kind: ListenerKind) -> [Setting] {
        [
            Setting(
                "bind",
                .union([.int, .string]),
                fallback: "\(kind.usualPort)",
                doc:
                    "Port, `address:port` with IPv6 as `[::1]:\(kind.usualPort)`, or the path of a Unix socket such as "
                    + "`unix:/run/isthmus.sock`."
            )
        ] + opening + limits + proxy
    }

    private static let opening: [Setting] = [
        Setting("enable", .bool, fallback: "true", doc: "Whether the listener is opened."),
        Setting("acceptors", .int, fallback: "16", doc: "Accepted for EMQX's sake; every loop accepts."),
        Setting(
            "unix_socket_mode",
            .string,
            fallback: "\"0660\"",
            doc: "Permissions of a Unix socket's file, octal: who may write to it may connect."
        ),
        Setting(
            "enable_authn",
            .union([.bool, .choice(["quick_deny_anonymous"])]),
            fallback: "true",
            doc: "`true`: clients are authenticated; `false`: everybody is admitted; `quick_deny_anonymous`: a client "
                + "without user name and certificate is refused before any plugin is asked.",
            reloadable: true
        ),
        Setting(
            "mountpoint",
            .string,
            fallback: "\"\"",
            doc:
                "Put before every topic of the listener's clients; `${clientid}`, `${username}` and `${zone}` stand for "
                + "theirs. See docs/mountpoint.md.",
            reloadable: true
        ),
        Setting("zone", .string, fallback: "default", doc: "Accepted for EMQX's sake; there is one zone, `default`."),
        Setting(
            "parse_unit",
            .choice(["chunk", "frame"]),
            fallback: "chunk",
            doc: "Accepted for EMQX's sake and not used."
        ),
        Setting(
            "authentication",
            .optional(.any),
            doc: "Refused: authentication is the same for all listeners."
        ),
    ]

    private static let limits: [Setting] = [
        Setting(
            "max_connections",
            .union([.int, .choice(["infinity"])]),
            fallback: "infinity",
            doc: "Connections at a time; more are closed at once.",
            reloadable: true
        ),
        Setting(
            "max_conn_rate",
            .string,
            fallback: "infinity",
            doc: "New connections of the listener, such as `1000/s` or `100/10s`; more wait to be accepted."
        ),
        Setting(
            "max_conn_burst",
            .string,
            fallback: "infinity",
            doc: "New connections beyond the rate for a while, such as `10000/60m`; `infinity`: none."
        ),
        Setting(
            "messages_rate",
            .string,
            fallback: "infinity",
            doc: "PUBLISH packets of each client, such as `100/s`; a client that sends more is not read for a while.",
            reloadable: true
        ),
        Setting(
            "messages_burst",
            .string,
            fallback: "infinity",
            doc: "PUBLISH packets beyond the rate for a while, such as `1000/60m`; `infinity`: none.",
            reloadable: true
        ),
        Setting(
            "bytes_rate",
            .string,
            fallback: "infinity",
            doc: "Bytes of PUBLISH packets of each client, such as `1MB/s`; a client that sends more is not read for a "
                + "while.",
            reloadable: true
        ),
        Setting(
            "bytes_burst",
            .string,
            fallback: "infinity",
            doc: "Bytes of PUBLISH packets beyond the rate for a while, such as `100MB/60m`; `infinity`: none.",
            reloadable: true
        ),
    ]

    private static let proxy: [Setting] = [
        Setting(
            "access_rules",
            .array(.string),
            fallback: "[\"allow all\"]",
            doc: "Who may connect, the first rule that fits: `allow 10.0.0.0/8`, `deny all`; nobody is kept out by no "
                + "rule. Behind a proxy with `proxy_protocol` it is the client's own address that counts.",
            reloadable: true
        ),
        Setting(
            "proxy_protocol",
            .bool,
            fallback: "false",
            doc: "Whether every connection begins with a PROXY header (version 1 or 2) that says who the client is; "
                + "whoever reaches the port can say what he likes, so let only the proxy reach it.",
            reloadable: true
        ),
        Setting(
            "proxy_protocol_timeout",
            .duration,
            fallback: "3s",
            doc: "Time for the PROXY header to come.",
            reloadable: true
        ),
    ]
}
