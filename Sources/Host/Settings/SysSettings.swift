// SPDX-License-Identifier: Apache-2.0
// What the broker tells of itself below `$SYS/`, and how often.

import Config

enum SysSettings {
    static let all: [Setting] = [
        Setting(
            "sys_topics.sys_msg_interval",
            .union([.duration, .choice(["disabled"])]),
            fallback: "1m",
            doc: "How often the figures below `$SYS/brokers/NODE/` and `$SYS/broker/` are published."
        ),
        Setting(
            "sys_topics.sys_heartbeat_interval",
            .union([.duration, .choice(["disabled"])]),
            fallback: "30s",
            doc: "How often `uptime` and `datetime` below `$SYS/brokers/NODE/` are published."
        ),
        event("connected", "true", "comes"),
        event("disconnected", "true", "goes"),
        event("subscribed", "false", "subscribes"),
        event("unsubscribed", "false", "unsubscribes"),
    ]

    private static func event(_ name: String, _ fallback: String, _ verb: String) -> Setting {
        var setting = Setting(
            "sys_topics.sys_event_messages.client_\(name)",
            .bool,
            fallback: fallback,
            doc: "Whether `$SYS/brokers/NODE/clients/CLIENTID/\(name)` is published when a client \(verb)."
        )
        setting.reloadable = true
        return setting
    }
}
