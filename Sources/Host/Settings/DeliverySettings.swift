// SPDX-License-Identifier: Apache-2.0
// The keys of what happens to messages between publisher and subscriber: in flight, in queues, retained and delayed.

import Config

enum DeliverySettings {
    static let all: [Setting] = flight + queue + aliases + retainer + retainerLimits + delayed

    private static let infinity = SettingType.choice(["infinity"])

    private static let flight: [Setting] = [
        Setting(
            "mqtt.max_inflight",
            .int,
            fallback: "32",
            doc: "QoS 1 and 2 messages on the way to one client.",
            minimum: 1,
            maximum: 65_535
        ),
        Setting(
            "mqtt.retry_interval",
            .union([.duration, infinity]),
            fallback: "infinity",
            doc: "Accepted for EMQX's sake: messages are sent again when their client reconnects, as MQTT 5 demands."
        ),
        Setting(
            "mqtt.max_awaiting_rel",
            .union([.int, infinity]),
            fallback: "100",
            doc: """
                QoS 2 messages of one client between PUBLISH and PUBREL; told as Receive Maximum. A client before MQTT 5, \
                which cannot be told, may have ten times as many.
                """,
            minimum: 1,
            maximum: 65_535
        ),
        Setting(
            "mqtt.await_rel_timeout",
            .duration,
            fallback: "300s",
            doc: "A QoS 2 message whose PUBREL does not come is forgotten after this: sent again it is a new one.",
            minimum: 100
        ),
        Setting(
            "mqtt.validate_payload_format",
            .bool,
            fallback: "false",
            doc: "Whether a payload that is said to be UTF-8 (Payload Format Indicator 1) is refused if it is not."
        ),
    ]

    private static let queue: [Setting] = [
        Setting(
            "mqtt.max_mqueue_len",
            .union([.int, infinity]),
            fallback: "1000",
            doc: "Messages waiting for one session, or with one priority for it; 0 = infinity.",
            minimum: 0
        ),
        Setting(
            "mqtt.max_mqueue_bytes",
            .union([.bytesize, infinity]),
            fallback: "64MB",
            doc: "Memory of the messages waiting for one session; 0 = infinity.",
            minimum: 0
        ),
        Setting(
            "mqtt.max_all_mqueue_bytes",
            .union([.bytesize, infinity]),
            fallback: "1GB",
            doc:
                "Memory of the messages waiting for all sessions, each counted once; 0 = infinity. Beyond it a session "
                + "loses as much of its own as comes for it.",
            minimum: 0
        ),
        Setting(
            "mqtt.max_output_bytes",
            .union([.bytesize, infinity]),
            fallback: "256MB",
            doc: "Memory that waits for the sockets of all clients that do not read; 0 = infinity. Beyond half of it, "
                + "clients that have more than their share get no QoS 0 messages, beyond all of it none of them.",
            minimum: 0
        ),
        Setting(
            "mqtt.mqueue_priorities",
            .union([.choice(["disabled"]), .object]),
            fallback: "disabled",
            doc: "Topics whose messages go first when several wait for a session: `{ \"t/1\" = 10, \"t/2\" = 8 }`."
        ),
        Setting(
            "mqtt.mqueue_priorities.*",
            .int,
            doc: "Priority of this topic. It sends ten messages for each step before lower ones have their turn.",
            minimum: 1,
            maximum: 255
        ),
        Setting(
            "mqtt.mqueue_default_priority",
            .choice(["lowest", "highest"]),
            fallback: "lowest",
            doc: "Priority of topics that `mqueue_priorities` does not name, if it names any."
        ),
        Setting(
            "mqtt.mqueue_store_qos0",
            .bool,
            fallback: "true",
            doc: "Whether QoS 0 messages wait for a client that is away."
        ),
    ]

    private static let aliases: [Setting] = [
        Setting(
            "mqtt.max_topic_alias_out",
            .int,
            fallback: "32",
            doc: "Topic aliases that the broker uses towards one client that takes them; 0 = none.",
            minimum: 0,
            maximum: 65_535
        )
    ]

    private static let retainer: [Setting] = [
        Setting("retainer.enable", .bool, fallback: "true", doc: "Whether retained messages are kept."),
        Setting(
            "retainer.msg_expiry_interval",
            .duration,
            fallback: "0s",
            doc: "Life of a retained message that does not say how long it lives; 0 = for ever."
        ),
        Setting(
            "retainer.msg_expiry_interval_override",
            .union([.choice(["disabled"]), .duration]),
            fallback: "disabled",
            doc: "Longest life of a retained message, whatever it says."
        ),
        Setting(
            "retainer.allow_never_expire",
            .bool,
            fallback: "true",
            doc: "Whether `msg_expiry_interval_override` leaves alone what lives for ever."
        ),
        Setting(
            "retainer.msg_clear_interval",
            .duration,
            fallback: "0s",
            doc: "Accepted for EMQX's sake: expired messages are removed within a second."
        ),
        Setting("retainer.max_payload_size", .bytesize, fallback: "1MB", doc: "Largest payload kept as retained."),
        Setting(
            "retainer.stop_publish_clear_msg",
            .bool,
            fallback: "false",
            doc: "Whether the empty message that clears a retained one is kept from subscribers."
        ),
        Setting(
            "retainer.delivery_rate",
            .union([infinity, .rate]),
            fallback: "infinity",
            doc: "Retained messages to one new subscription; in EMQX 1000/s. They are paced by their receiver anyway."
        ),
    ]

    private static let retainerLimits: [Setting] = [
        Setting(
            "retainer.max_publish_rate",
            .union([infinity, .rate]),
            fallback: "infinity",
            doc:
                "Retained messages to be kept, of all clients; in EMQX 1000/s. What is more is delivered, but not kept."
        ),
        Setting(
            "retainer.max_waiting_reads",
            .int,
            fallback: "1000",
            doc:
                "Subscriptions of one client that may wait for their retained messages. A client with more is not read "
                + "until half of them have theirs.",
            minimum: 1
        ),
        Setting(
            "retainer.max_retained_messages",
            .int,
            fallback: "0",
            doc: "Most retained messages; 0 = no limit. Beyond it, those of new topics are delivered, but not kept.",
            minimum: 0
        ),
        Setting(
            "retainer.backend.max_retained_messages",
            .int,
            fallback: "0",
            doc: "The same as `retainer.max_retained_messages`, where EMQX has it.",
            minimum: 0
        ),
        Setting(
            "retainer.max_retained_bytes",
            .union([.bytesize, infinity]),
            fallback: "1GB",
            doc: "Memory of all retained messages; 0 = infinity. Beyond it, larger ones are delivered, but not kept.",
            minimum: 0
        ),
        Setting("retainer.backend.type", .optional(.string), doc: "Accepted for EMQX's sake and not used."),
        Setting("retainer.backend.enable", .optional(.bool), doc: "Accepted for EMQX's sake and not used."),
        Setting(
            "retainer.backend.storage_type",
            .choice(["ram", "disc"]),
            fallback: "ram",
            doc: "Accepted for EMQX's sake: retained messages are in memory."
        ),
        Setting("retainer.backend.index_specs", .optional(.any), doc: "Accepted for EMQX's sake and not used."),
        Setting("retainer.flow_control", .optional(.any), doc: "Accepted for EMQX's sake and not used."),
    ]

    private static let delayed: [Setting] = [
        Setting(
            "delayed.enable",
            .bool,
            fallback: "true",
            doc: "Whether a message to `$delayed/N/topic` is published on `topic` after N seconds, if the broker lives."
        ),
        Setting(
            "delayed.max_delayed_messages",
            .int,
            fallback: "0",
            doc: "Most delayed messages at a time, 0 = no limit; more are refused (0x97).",
            minimum: 0
        ),
        Setting(
            "delayed.max_delayed_bytes",
            .union([.bytesize, infinity]),
            fallback: "256MB",
            doc: "Memory of all delayed messages; 0 = infinity; more are refused (0x97).",
            minimum: 0
        ),
    ]
}
