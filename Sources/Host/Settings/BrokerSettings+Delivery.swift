// SPDX-License-Identifier: Apache-2.0
// The checked configuration of queues, retained and delayed messages as the limits a broker works within.

import Broker
import Config

extension BrokerSettings {
    mutating func readDelivery(_ config: Value) {
        maximumQueueLength = Self.limit(config.int(at: "mqtt.max_mqueue_len"))
        maximumQueueBytes = Self.limit(config.int(at: "mqtt.max_mqueue_bytes"))
        maximumQueueBytesInAll = Self.limit(config.int(at: "mqtt.max_all_mqueue_bytes"))
        maximumOutputBytes = Self.limit(config.int(at: "mqtt.max_output_bytes"))
        let isHighest = config.string(at: "mqtt.mqueue_default_priority") == "highest"
        let priorities = config.object(at: "mqtt.mqueue_priorities")?.fields ?? []
        queuePriorities = QueuePriorities(
            priorities.compactMap { field in field.value.int().map { (field.key, $0) } },
            fallback: isHighest ? QueuePriorities.highest : 0
        )
        awaitReleaseTimeout = UInt64(clamping: config.int(at: "mqtt.await_rel_timeout") ?? 300_000)
        validatesPayloadFormat = config.bool(at: "mqtt.validate_payload_format") ?? false
        maximumOutgoingTopicAlias = UInt16(clamping: config.int(at: "mqtt.max_topic_alias_out") ?? 32)
        delaysMessages = config.bool(at: "delayed.enable") ?? true
        maximumDelayedMessages = Self.limit(config.int(at: "delayed.max_delayed_messages"))
        maximumDelayedBytes = Self.limit(config.int(at: "delayed.max_delayed_bytes"))
    }

    mutating func readRetainer(_ config: Value) {
        keepsRetained = config.bool(at: "retainer.enable") ?? true
        maximumRetainedPayload = config.int(at: "retainer.max_payload_size") ?? 1 << 20
        maximumRetainedMessages = min(
            Self.limit(config.int(at: "retainer.max_retained_messages")),
            Self.limit(config.int(at: "retainer.backend.max_retained_messages"))
        )
        maximumRetainedBytes = Self.limit(config.int(at: "retainer.max_retained_bytes"))
        retainedExpiryInterval = UInt64(clamping: config.int(at: "retainer.msg_expiry_interval") ?? 0)
        retainedExpiryOverride = config.int(at: "retainer.msg_expiry_interval_override").map { UInt64(clamping: $0) }
        retainedMayLiveForever = config.bool(at: "retainer.allow_never_expire") ?? true
        stopsClearingMessages = config.bool(at: "retainer.stop_publish_clear_msg") ?? false
        retainedDeliveryRate = config.double(at: "retainer.delivery_rate")
        retainedPublishRate = config.double(at: "retainer.max_publish_rate")
    }

    /// 0 and infinity are no limit; what stands for it can still be added to.
    static func limit(_ number: Int?) -> Int {
        guard let number, number > 0 else { return 1 << 48 }
        return number
    }
}
