// SPDX-License-Identifier: Apache-2.0
// The checked configuration as the limits a broker works within.

import Broker
import Config

extension FlappingDetector {
    /// Nil if it is not enabled.
    static func configured(_ config: Value) -> FlappingDetector? {
        guard config.bool(at: "flapping_detect.enable") == true else { return nil }
        return FlappingDetector(
            maximumCount: config.int(at: "flapping_detect.max_count") ?? 15,
            windowTime: UInt64(clamping: config.int(at: "flapping_detect.window_time") ?? 60_000),
            banTime: UInt64(clamping: config.int(at: "flapping_detect.ban_time") ?? 300_000)
        )
    }
}

extension BrokerSettings {
    init(_ config: Value) {
        self.init()
        func int(_ key: String, _ fallback: Int) -> Int { config.int(at: key) ?? fallback }
        func bool(_ key: String) -> Bool { config.bool(at: key) ?? true }
        maximumPacketSize = int("mqtt.max_packet_size", maximumPacketSize)
        maximumInflight = UInt16(clamping: int("mqtt.max_inflight", 32))
        queuesQoS0 = bool("mqtt.mqueue_store_qos0")
        maximumAwaitingRelease = int("mqtt.max_awaiting_rel", 65_535)
        maximumTopicLevels = int("mqtt.max_topic_levels", 128)
        maximumClientIdentifierLength = int("mqtt.max_clientid_len", 65_535)
        maximumQoS = UInt8(clamping: int("mqtt.max_qos_allowed", 2))
        maximumTopicAlias = UInt16(clamping: int("mqtt.max_topic_alias", 65_535))
        isRetainAvailable = bool("mqtt.retain_available")
        isWildcardSubscriptionAvailable = bool("mqtt.wildcard_subscription")
        isSharedSubscriptionAvailable = bool("mqtt.shared_subscription")
        isExclusiveSubscriptionAvailable = config.bool(at: "mqtt.exclusive_subscription") ?? false
        sharedStrategy = Self.sharedStrategy(
            config.string(at: "mqtt.shared_subscription_strategy"),
            initialPick: config.string(at: "mqtt.shared_subscription_initial_sticky_pick")
        )
        for group in config.object(at: "broker.shared_subscription_group")?.fields ?? [] {
            sharedStrategies[group.key] = Self.sharedStrategy(
                group.value.string(at: "strategy"),
                initialPick: group.value.string(at: "initial_sticky_pick")
            )
        }
        keepAliveMultiplier = Self.keepAliveMultiplier(config)
        let responses = Array((config.string(at: "mqtt.response_information") ?? "").utf8)
        responseInformation = responses.count <= Int(UInt16.max) ? responses : []
        serverKeepAlive = config.int(at: "mqtt.server_keepalive").map { UInt16(clamping: $0) }
        maximumKeepAlive = config.int(at: "mqtt.max_keepalive").map { UInt16(clamping: $0) }
        // Infinity is as long as a session may live.
        idleTimeout = UInt64(clamping: int("mqtt.idle_timeout", 1000 * Int(UInt32.max)))
        sessionExpiryInterval = UInt32(clamping: int("mqtt.session_expiry_interval", 7_200_000) / 1000)
        readDelivery(config)
        readClients(config)
        readRetainer(config)
        nodeName = config.string(at: "node.name") ?? ""
        let events: [(String, ClientEvents)] = [
            ("connected", .connected), ("disconnected", .disconnected), ("subscribed", .subscribed),
            ("unsubscribed", .unsubscribed),
        ]
        for (name, event) in events where config.bool(at: "sys_topics.sys_event_messages.client_\(name)") == true {
            clientEvents.insert(event)
        }
        disconnectsWhenDenied = config.string(at: "authorization.deny_action") == "disconnect"
        if config.bool(at: "authorization.cache.enable") == false {
            authorizationCacheTime = 0
        } else {
            authorizationCacheTime = UInt64(clamping: int("authorization.cache.ttl", 60_000))
        }
        authorizationCacheSize = max(1, int("authorization.cache.max_size", authorizationCacheSize))
        authorizationCacheExcludes = (config.array(at: "authorization.cache.excludes") ?? []).compactMap { $0.string() }
            .map { Array($0.utf8) }
    }

    private static func sharedStrategy(_ kind: String?, initialPick: String?) -> SharedStrategy {
        SharedStrategy(
            kind.flatMap(SharedStrategy.Kind.init(rawValue:)) ?? .roundRobin,
            initialPick: initialPick.flatMap(SharedStrategy.Kind.init(rawValue:)) ?? .random
        )
    }
}
