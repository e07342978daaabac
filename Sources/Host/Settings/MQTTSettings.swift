// SPDX-License-Identifier: Apache-2.0
// Keys of `mqtt` about clients and what they subscribe to, with EMQX's names and defaults, and what becomes of them.

import Broker
import Config

enum MQTTSettings {
    static let all: [Setting] = clients + messages + accepted

    private static let infinity = SettingType.choice(["infinity"])

    private static let clients: [Setting] = [
        Setting(
            "mqtt.use_username_as_clientid",
            .bool,
            fallback: "false",
            doc: "Whether a client that has a user name has it as client identifier, too, whatever its CONNECT says."
        ),
        Setting(
            "mqtt.client_id_override",
            .choice(["same_user", "any"]),
            fallback: "same_user",
            doc: "Who may connect with the client identifier of a session that is there: `same_user` (the user name or "
                + "certificate that made it, or an anonymous client of the same listener; others are refused with 0x85, "
                + "3.1.1: 2), or `any`, who then has its subscriptions and messages."
        ),
        Setting(
            "mqtt.max_subscriptions",
            .union([.int, infinity]),
            fallback: "10000",
            doc:
                "Subscriptions of one client, shared ones included; more are refused (0x97; 3.1.1: 0x80). EMQX's default "
                + "is `infinity`.",
            minimum: 1
        ),
        Setting(
            "mqtt.costly_match",
            .int,
            fallback: "10000",
            doc:
                "Wildcard filters' common beginnings that may be looked at for one message; more are counted, and whose "
                + "filters they are is logged.",
            minimum: 1
        ),
        Setting(
            "mqtt.turn_budget",
            .bytesize,
            fallback: "32MB",
            doc:
                "Work that clients may make in one turn of an event loop: bytes that are copied for receivers, and other "
                + "work as so many bytes. A client whose packets make more goes on in a later turn, others first.",
            minimum: 1_048_576
        ),
        Setting(
            "mqtt.max_sessions",
            .union([.int, infinity]),
            fallback: "1000000",
            doc: "Sessions at a time, those whose clients are away included; 0 = infinity. More clients are refused "
                + "(0x97; 3.1.1: 3).",
            minimum: 0
        ),
        Setting(
            "mqtt.max_session_expiry_interval",
            .union([.duration, infinity]),
            fallback: "infinity",
            doc: "Longest life of a session after its connection. An MQTT 5 client that asks for more is told this.",
            minimum: 1000
        ),
        Setting(
            "mqtt.keepalive_backoff",
            .optional(.float),
            doc: "Twice this is `keepalive_multiplier`, if that is not set; EMQX's former name.",
            minimum: 0.5,
            maximum: 32_767
        ),
    ]

    private static let messages: [Setting] = [
        Setting(
            "mqtt.strict_mode",
            .bool,
            fallback: "false",
            doc: "Whether packets are malformed (0x81) whose texts hold what MQTT lets a receiver refuse: control "
                + "characters (U+0001 to U+001F, U+007F to U+009F) and non-characters. Everything else is always checked."
        ),
        Setting(
            "mqtt.message_expiry_interval",
            .union([.duration, infinity]),
            fallback: "infinity",
            doc: "Life of clients' messages that do not say how long they live: all of 3.1.1 clients, and those of "
                + "MQTT 5 clients without Message Expiry Interval. MQTT 5 receivers are told what is left of it."
        ),
        Setting(
            "mqtt.ignore_loop_deliver",
            .bool,
            fallback: "false",
            doc: "Whether 3.1 and 3.1.1 clients are spared their own messages, as No Local does for MQTT 5 clients."
        ),
        Setting(
            "mqtt.upgrade_qos",
            .bool,
            fallback: "false",
            doc: "Whether a message is delivered with the higher of its own and the subscription's QoS. MQTT demands "
                + "the lower."
        ),
    ]

    private static let accepted: [Setting] = [
        Setting(
            "mqtt.keepalive_check_interval",
            .duration,
            fallback: "30s",
            doc: "Accepted for EMQX's sake: every connection has a timer of its own."
        )
    ]
}

extension BrokerSettings {
    mutating func readClients(_ config: Value) {
        usesUserNameAsIdentifier = config.bool(at: "mqtt.use_username_as_clientid") ?? false
        overridesIdentity = config.string(at: "mqtt.client_id_override") == "any"
        maximumSessions = Self.limit(config.int(at: "mqtt.max_sessions"))
        maximumSessionExpiryInterval =
            config.int(at: "mqtt.max_session_expiry_interval").map { UInt32(clamping: $0 / 1000) } ?? .max
        maximumSubscriptions = config.int(at: "mqtt.max_subscriptions")
        costlyMatch = config.int(at: "mqtt.costly_match") ?? costlyMatch
        maximumRetainedReads = config.int(at: "retainer.max_waiting_reads") ?? maximumRetainedReads
        turnBudget = config.int(at: "mqtt.turn_budget") ?? turnBudget
        messageExpiryInterval = config.int(at: "mqtt.message_expiry_interval").map { UInt64(clamping: $0) }
        ignoresOwnMessages = config.bool(at: "mqtt.ignore_loop_deliver") ?? false
        upgradesQoS = config.bool(at: "mqtt.upgrade_qos") ?? false
        refusesDiscouragedText = config.bool(at: "mqtt.strict_mode") ?? false
    }

    /// As in EMQX, `keepalive_backoff` counts while `keepalive_multiplier` has its default.
    static func keepAliveMultiplier(_ config: Value) -> Double {
        let multiplier = config.double(at: "mqtt.keepalive_multiplier") ?? 1.5
        guard multiplier == 1.5, let backoff = config.double(at: "mqtt.keepalive_backoff") else { return multiplier }
        return backoff * 2
    }
}
