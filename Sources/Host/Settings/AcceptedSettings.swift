// SPDX-License-Identifier: Apache-2.0
// Keys of EMQX that this broker has no use for, so that an EMQX config can be taken over as it is. What tunes EMQX's
// inside is accepted in silence, what asks for a function that is not here with a warning at each start, and what would
// guard, or change what clients say, is refused.

import Config

enum AcceptedSettings {
    static let all: [Setting] =
        unused.map { Setting($0, .optional(.any), doc: "Accepted for EMQX's sake and not used.") }
        + asked.map { Setting($0.path, .optional(.any), doc: $0.doc, secret: $0.isSecret) }

    /// What is to be said of the written ones, with the places where they are written.
    static func remarks(on config: Value) -> (errors: [ConfigError], warnings: [String]) {
        var errors: [ConfigError] = []
        var warnings: [String] = []
        for key in asked {
            guard let value = config.lookup(key.path), !value.origin.isFallback, key.isAsked(value) else { continue }
            switch key.consequence {
            case .refused:
                errors.append(ConfigError(value.origin, "\(key.path) is not served: \(key.why); remove it"))
            case .warned: warnings.append("\(value.origin): \(key.path) has no effect: \(key.why)")
            }
        }
        return (errors, warnings)
    }

    private static let unused: [String] =
        [
            "max_ports", "process_limit", "dist_buffer_size", "max_ets_tables", "config_files", "global_gc_interval",
            "crash_dump_file", "crash_dump_seconds", "crash_dump_bytes", "dist_net_ticktime", "backtrace_depth",
            "applications", "etc_dir", "cluster_call", "db_backend", "role", "db_role", "rpc_module", "tlog_push_mode",
            "default_shard_transport", "shard_transports", "default_bootstrap_batch_size", "broker_pool_size",
            "generic_pool_size", "channel_cleanup_batch_size",
        ].map { "node.\($0)" }
        + [
            "autoheal", "autoclean", "proto_dist", "core_nodes", "description", "prevent_overlapping_partitions",
            "static", "mcast", "dns", "etcd", "k8s",
        ].map { "cluster.\($0)" }
        + [
            "enable_session_registry", "session_locking_strategy", "session_history_retain", "route_batch_clean",
            "perf",
            "routing",
        ].map { "broker.\($0)" }
        + [
            "formatter", "time_offset", "timestamp_format", "payload_encode", "with_mfa", "max_depth", "chars_limit",
            "single_log_max_size", "supervisor_reports", "sync_mode_qlen", "drop_mode_qlen", "flush_qlen",
            "burst_limit", "overload_kill",
        ].map { "log.console.\($0)" }
        + [
            "log.throttling.msgs", "rpc", "force_gc", "conn_congestion", "sysmon", "alarm", "stats", "trace",
            "telemetry",
            "crl_cache", "durable_storage", "schema_registry", "authentication_settings",
        ]

    // MARK: Functions

    private enum Consequence {
        case warned
        case refused
    }

    private struct Asked: Sendable {
        let path: String
        let consequence: Consequence
        let why: String
        var isSecret = false
        let isAsked: @Sendable (Value) -> Bool

        var doc: String {
            switch consequence {
            case .warned: "Accepted for EMQX's sake, with a warning if it is used: \(why)."
            case .refused: "Refused if it is used: \(why)."
            }
        }
    }

    private static let asked: [Asked] = [
        warned("dashboard", "there is no dashboard", isSecret: true, if: isFilled),
        warned("api_key", "there is no HTTP API", isSecret: true, if: isFilled),
        warned("license", "none is needed", isSecret: true, if: { _ in false }),
        warned("cluster.discovery_strategy", "this broker is a cluster of one; link it to others (cluster.links)") {
            !["manual", "singleton"].contains($0.string() ?? "")
        },
        warned("log.file", "the log goes to standard error", if: isAnyEnabled),
        warned("log.audit", "there is no HTTP API to be audited", if: isEnabled),
        warned("durable_sessions", "sessions are in memory", if: isEnabled),
        warned("overload_protection", "docs/limits.md says what bounds a client", if: isEnabled),
        warned("prometheus", "figures are told below $SYS only", if: isFilled),
        warned("opentelemetry", "figures are told below $SYS only", if: isFilled),
        warned("event_message", "events of clients are told below $SYS, see sys_topics", if: isFilled),
        warned("slow_subs", "slow subscribers are not ranked", if: isEnabled),
        warned("topic_metrics", "topics are not counted", if: isFilled),
        warned("file_transfer", "files are not transferred", if: isEnabled),
        warned("gateway", "MQTT is the only protocol", if: isAnyEnabled),
        warned("rule_engine", "there is no rule engine", if: { isFilled($0.lookup("rules")) }),
        warned("bridges", "there are no data bridges", isSecret: true, if: isFilled),
        warned("actions", "there are no data bridges", isSecret: true, if: isFilled),
        warned("sources", "there are no data bridges", isSecret: true, if: isFilled),
        warned("connectors", "there are no data bridges", isSecret: true, if: isFilled),
        refused("zones", "there is one zone, whose settings are mqtt, flapping_detect and the like", if: isFilled),
        refused("mqtt.clientid_override", "client identifiers are what CONNECT, certificate or user name say") {
            $0.string() != "disabled"
        },
        refused("mqtt.client_attrs_init", "clients have no attributes", if: isFilled),
        refused("banned", "nobody is kept out by a list; use access_rules or acl.conf", if: isFilled),
        refused("psk_authentication", "TLS takes certificates only", if: isEnabled),
        refused("rewrite", "topics are not rewritten", if: isFilled),
        refused("auto_subscribe", "clients subscribe by themselves", if: { isFilled($0.lookup("topics")) }),
        refused("exhook", "hooks are plugins' (docs/plugin-abi.md)", if: { isFilled($0.lookup("servers")) }),
        refused("schema_validation", "messages are not validated", if: { isFilled($0.lookup("validations")) }),
        refused("message_transformation", "messages are not changed", if: { isFilled($0.lookup("transformations")) }),
    ]

    private static func warned(
        _ path: String,
        _ why: String,
        isSecret: Bool = false,
        if isAsked: @escaping @Sendable (Value) -> Bool
    ) -> Asked {
        Asked(path: path, consequence: .warned, why: why, isSecret: isSecret, isAsked: isAsked)
    }

    private static func refused(
        _ path: String,
        _ why: String,
        if isAsked: @escaping @Sendable (Value) -> Bool
    ) -> Asked {
        Asked(path: path, consequence: .refused, why: why, isAsked: isAsked)
    }

    @Sendable
    private static func isFilled(_ value: Value) -> Bool {
        switch value.kind {
        case .null: false
        case .object(let object): !object.fields.isEmpty
        case .array(let items): !items.isEmpty
        case .bool, .number, .string: true
        }
    }

    private static func isFilled(_ value: Value?) -> Bool { value.map { isFilled($0) } ?? false }

    @Sendable
    private static func isEnabled(_ value: Value) -> Bool {
        value.bool(at: "enable") ?? (value.string(at: "enable") == "true")
    }

    /// Itself, or what is named in it, and is not switched off.
    @Sendable
    private static func isAnyEnabled(_ value: Value) -> Bool {
        func isOff(_ value: Value) -> Bool {
            value.bool(at: "enable") == false || value.string(at: "enable") == "false"
        }
        let named = (value.object()?.fields ?? []).map(\.value).filter { $0.object() != nil }
        return isFilled(value) && !isOff(value) && (named.isEmpty || named.contains { !isOff($0) })
    }
}
