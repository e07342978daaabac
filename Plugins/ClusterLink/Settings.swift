// SPDX-License-Identifier: Apache-2.0
// The config keys of this plugin. Names, types and defaults under `cluster.links[]` are those of EMQX, so that its
// config files can be used; keys that have no meaning here are accepted and marked so.

import PluginKit

enum LinkSettingTable {
    static let settings = Settings(own + link + ssl + resources + withoutEffect)

    private static let root = "cluster.links[]"

    private static let own: [Setting] = [
        Setting("config.open", .bool, default: "false", "Let every client use topics below $LINK/; for trials only."),
        Setting(
            "config.max_uncompressed_size",
            .bytesize,
            default: "16MB",
            "The largest size a compressed message of a peer may inflate to."
        ),
        Setting("config.max_routes", .int, default: "1000000", "How many routes one peer cluster may announce."),
    ]

    private static let link: [Setting] = [
        Setting("cluster.links", .objects, default: "[]", "The clusters this broker exchanges messages with."),
        Setting("\(root).name", .string, "The cluster.name of the other cluster."),
        Setting("\(root).enable", .bool, default: "true", "Whether the link is used."),
        Setting("\(root).server", .string, "host[:port] of the other cluster; a comma list is tried in order."),
        Setting(
            "\(root).clientid",
            .string.optional,
            "The beginning of our client identifiers; default: cluster.name."
        ),
        Setting("\(root).username", .string.optional, "The user name for the other cluster."),
        Setting(
            "\(root).password",
            .string.optional,
            flags: .secret,
            "The password for the other cluster, or file://PATH of a file that holds it."
        ),
        Setting("\(root).topics", .strings, "What we want from the other cluster; [] for nothing."),
        Setting("\(root).pool_size", .int, default: "8", "How many connections carry messages."),
        Setting("\(root).max_inflight", .int, default: "32", "Unacknowledged messages on each of them; 0 = no limit."),
    ]

    private static let ssl: [Setting] = [
        Setting("\(root).ssl.enable", .bool, default: "false", "Connect with TLS."),
        Setting("\(root).ssl.cacertfile", .string.optional, "Certificates of the authorities we trust (PEM)."),
        Setting("\(root).ssl.certfile", .string.optional, "Our certificate (PEM)."),
        Setting("\(root).ssl.keyfile", .string.optional, "The key of our certificate (PEM)."),
        Setting("\(root).ssl.password", .string.optional, flags: .secret, "The password of the key file."),
        Setting(
            "\(root).ssl.verify",
            .oneOf("verify_none", "verify_peer"),
            default: "verify_none",
            "Whether the other cluster's certificate is checked."
        ),
        Setting(
            "\(root).ssl.server_name_indication",
            .string.optional,
            "The name its certificate must have, or disable; default: the host of `server`."
        ),
        Setting(
            "\(root).ssl.depth",
            .int,
            default: "10",
            "Certificates there may be between the other cluster's certificate and its authority's; from 0 to 100."
        ),
        Setting(
            "\(root).ssl.versions",
            .strings.optional,
            "Versions of TLS that are spoken, of tlsv1.3 and tlsv1.2; default: both."
        ),
        Setting(
            "\(root).ssl.ciphers",
            .stringOrStrings.optional,
            "Cipher suites that are offered, by OpenSSL's names, as an array or with commas between; default: a good choice."
        ),
    ]

    private static let resources: [Setting] = [
        Setting(
            "\(root).resource_opts.request_ttl",
            .any,
            default: "45s",
            "How long a message waits at most; infinity."
        ),
        Setting(
            "\(root).resource_opts.max_buffer_bytes",
            .bytesize,
            default: "256MB",
            "How much may wait for the other cluster, all connections together."
        ),
    ]

    private static let withoutEffect: [Setting] =
        [
            ("retry_interval", .duration, "15s"),
            ("ps_actor_incarnation", .int, "0"),
            ("tcp_opts", .object.optional, nil),
            ("tcp_opts.active_n", .any.optional, nil),
            ("tcp_opts.nodelay", .bool.optional, nil),
            ("tcp_opts.sndbuf", .bytesize.optional, nil),
            ("tcp_opts.recbuf", .bytesize.optional, nil),
            ("tcp_opts.buffer", .bytesize.optional, nil),
            ("tcp_opts.keepalive", .any.optional, nil),
            ("tcp_opts.delay_send", .bool.optional, nil),
            ("ssl.secure_renegotiate", .bool.optional, nil),
            ("ssl.reuse_sessions", .bool.optional, nil),
            ("ssl.log_level", .string.optional, nil),
            ("ssl.hibernate_after", .duration.optional, nil),
            ("ssl.middlebox_comp_mode", .bool.optional, nil),
            ("ssl.partial_chain", .any.optional, nil),
            ("ssl.verify_peer_ext_key_usage", .any.optional, nil),
            ("ssl.managed_certs", .any.optional, nil),
            ("ssl.user_lookup_fun", .any.optional, nil),
            ("resource_opts.worker_pool_size", .int.optional, nil),
            ("resource_opts.dispatch_strategy", .string.optional, nil),
            ("resource_opts.health_check_interval", .duration.optional, nil),
            ("resource_opts.health_check_interval_jitter", .duration.optional, nil),
            ("resource_opts.health_check_timeout", .any.optional, nil),
            ("resource_opts.start_timeout", .duration.optional, nil),
            ("resource_opts.request_timeout", .any.optional, nil),
            ("resource_opts.inflight_window", .int.optional, nil),
            ("resource_opts.async_inflight_window", .int.optional, nil),
            ("resource_opts.max_queue_bytes", .bytesize.optional, nil),
            ("resource_opts.buffer_mode", .string.optional, nil),
            ("resource_opts.buffer_seg_bytes", .bytesize.optional, nil),
            ("resource_opts.resume_interval", .any.optional, nil),
            ("resource_opts.metrics_flush_interval", .any.optional, nil),
            ("resource_opts.auto_restart_interval", .any.optional, nil),
            ("resource_opts.enable_queue", .any.optional, nil),
        ].map { (key: String, type: SettingType, fallback: String?) in
            Setting("\(root).\(key)", type, default: fallback, "Accepted from EMQX's config; has no effect here.")
        }
}
