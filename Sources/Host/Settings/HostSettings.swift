// SPDX-License-Identifier: Apache-2.0
// Every key the host itself reads, declared once: the schema that files are checked against and
// docs/configuration.md come from this table. Names and defaults are EMQX's where EMQX has the key.

import Broker
import Config

enum HostSettings {
    static let all: [Setting] =
        node + ListenerSettings.all
        + (mqtt + MQTTSettings.all + TLSOptions.certificateNames + shared + DeliverySettings.all).map(reloadable)
        + SysSettings.all
        + AcceptedSettings.all + broker + plugins

    /// Brokers take these over while they run.
    private static func reloadable(_ setting: Setting) -> Setting {
        var setting = setting
        setting.reloadable = true
        return setting
    }

    private static let node: [Setting] = [
        Setting(
            "node.name",
            .string,
            fallback: "\"isthmus@127.0.0.1\"",
            doc: "Name of this node, unique among linked ones; stands in `$SYS` topics and in links."
        ),
        Setting(
            "node.event_loops",
            .int,
            fallback: "0",
            doc: "Event loops, one thread each; 0 = one for each core, but not more than 64.",
            minimum: 0,
            maximum: Double(Broker.maximumLoopCount)
        ),
        Setting(
            "node.max_memory",
            .union([.percent, .bytesize, .choice(["infinity"])]),
            fallback: "70%",
            doc:
                "Memory of the process: a size, or a share of the machine's or its control group's; 0 = infinity. From 80 % "
                + "of it on new sessions and large messages are refused (0x97), from 90 % on the largest takers are given up."
        ),
        Setting(
            "node.data_dir",
            .string,
            fallback: "data",
            doc: "Directory for what must outlive a restart: of links, when they were started; all else is in memory."
        ),
        Setting("node.cookie", .optional(.string), doc: "Accepted for EMQX's sake and not used.", secret: true),
        Setting(
            "cluster.name",
            .string,
            fallback: "isthmus",
            doc: "Name of this cluster, by which linked clusters know it."
        ),
    ]

    private static let mqtt: [Setting] = [
        Setting(
            "mqtt.max_packet_size",
            .bytesize,
            fallback: "1MB",
            doc: "Largest packet accepted.",
            minimum: 1,
            maximum: 268_435_460
        ),
        Setting(
            "mqtt.max_clientid_len",
            .int,
            fallback: "65535",
            doc: "Longest client identifier, bytes.",
            minimum: 23,
            maximum: 65_535
        ),
        Setting(
            "mqtt.max_topic_levels",
            .int,
            fallback: "128",
            doc: "Most levels of a topic or filter.",
            minimum: 1,
            maximum: 65_535
        ),
        Setting("mqtt.max_qos_allowed", .int, fallback: "2", doc: "Highest QoS served.", minimum: 0, maximum: 2),
        Setting(
            "mqtt.max_topic_alias",
            .int,
            fallback: "65535",
            doc: "Topic aliases a client may set.",
            minimum: 0,
            maximum: 65_535
        ),
        Setting("mqtt.retain_available", .bool, fallback: "true", doc: "Whether retained messages are served."),
        Setting("mqtt.wildcard_subscription", .bool, fallback: "true", doc: "Whether wildcard filters are served."),
        Setting("mqtt.shared_subscription", .bool, fallback: "true", doc: "Whether `$share` filters are served."),
        Setting(
            "mqtt.server_keepalive",
            .union([.int, .choice(["disabled"])]),
            fallback: "disabled",
            doc: "Replaces the keep-alive of MQTT 5 clients, seconds. Older ones could not be told and keep their own."
        ),
        Setting(
            "mqtt.max_keepalive",
            .union([.int, .choice(["disabled"])]),
            fallback: "disabled",
            doc:
                "Longest keep-alive of an MQTT 5 client, seconds: it is told this in place of a longer one, or of none."
        ),
        Setting(
            "mqtt.response_information",
            .string,
            fallback: "\"\"",
            doc: "Told to MQTT 5 clients that ask for it, to choose response topics by; at most 65,535 bytes."
        ),
        Setting(
            "mqtt.keepalive_multiplier",
            .float,
            fallback: "1.5",
            doc: "Keep-alive times this is when a silent client is cut off.",
            minimum: 1,
            maximum: 65_535
        ),
        Setting(
            "mqtt.idle_timeout",
            .union([.duration, .choice(["infinity"])]),
            fallback: "15s",
            doc: "Time from connection to CONNECT."
        ),
        Setting(
            "mqtt.session_expiry_interval",
            .duration,
            fallback: "2h",
            doc: "Life of a 3.1.1 client's session after its connection."
        ),
    ]

    private static let broker: [Setting] = [
        Setting(
            "flapping_detect.enable",
            .bool,
            fallback: "false",
            doc: "Whether clients are kept out for a while whose connections end too often."
        ),
        Setting(
            "flapping_detect.max_count",
            .int,
            fallback: "15",
            doc: "Ends of connections of one client identifier in window_time that are too many.",
            minimum: 1,
            maximum: 1_000_000
        ),
        Setting("flapping_detect.window_time", .duration, fallback: "1m", doc: "The time in which they are counted."),
        Setting("flapping_detect.ban_time", .duration, fallback: "5m", doc: "How long such a client is kept out."),
        Setting(
            "force_shutdown.enable",
            .bool,
            fallback: "true",
            doc: "Accepted for EMQX's sake and not used: what one client may occupy is bounded, see docs/limits.md."
        ),
        Setting(
            "force_shutdown.max_mailbox_size",
            .int,
            fallback: "1000",
            doc: "Accepted for EMQX's sake and not used.",
            minimum: 0
        ),
        Setting(
            "force_shutdown.max_heap_size",
            .bytesize,
            fallback: "32MB",
            doc: "Accepted for EMQX's sake and not used."
        ),
        Setting("log.console.enable", .bool, fallback: "true", doc: "Whether events are logged to standard error."),
        Setting(
            "log.console.level",
            .choice(["debug", "info", "notice", "warning", "error"]),
            fallback: "notice",
            doc: "Least important events that are logged."
        ),
        Setting(
            "log.throttling.time_window",
            .duration,
            fallback: "1m",
            doc: "How long lines of one kind are counted together; at its end the log says how many were left out.",
            reloadable: true,
            minimum: 1000
        ),
        Setting(
            "log.throttling.lines_per_source",
            .int,
            fallback: "3",
            doc: "Lines of one kind about one client, address or link that are written in that time.",
            reloadable: true,
            minimum: 1
        ),
        Setting(
            "log.throttling.lines_per_kind",
            .int,
            fallback: "100",
            doc:
                "Lines of one kind that are written in that time, whomever they are about; a hundred times as many of those "
                + "that say that clients come and go.",
            reloadable: true,
            minimum: 1
        ),
    ]

    private static let plugins: [Setting] = [
        Setting(
            "plugins[].name",
            .string,
            doc:
                "The plugin `lib<name>.so` of the plugin directory, or the name of the file given by path. If `plugins` is "
                + "absent, those are loaded that own a key of the config."
        ),
        Setting("plugins[].path", .optional(.string), doc: "Its file, if it is not in the plugin directory."),
        Setting("plugins[].enable", .bool, fallback: "true", doc: "Whether it is loaded."),
        Setting("plugins[].config", .optional(.any), doc: "Options of the plugin's own."),
    ]
}
