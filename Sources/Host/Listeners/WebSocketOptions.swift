// SPDX-License-Identifier: Apache-2.0
// A WebSocket listener's options.

import Config
import WebSocket

struct WebSocketOptions: Sendable {
    var rules = UpgradeRules()
    /// Most bytes of one message.
    let maximumMessageSize: Int
    /// Time without a byte after which a connection is closed, ms; nil: never.
    let idleTimeout: UInt64?

    init(_ place: OptionsPlace) throws(StartError) {
        let value = place.value
        maximumMessageSize = value.int(at: "max_frame_size") ?? .max
        idleTimeout = value.int(at: "idle_timeout").map { UInt64(clamping: $0) }
        if let text = value.string(at: "mqtt_path") {
            guard let path = PathPattern(text) else {
                throw place.error(
                    "mqtt_path",
                    "is not a path; it begins with a slash, has no query, and \"[...]\" for anything below only at its end, "
                        + "such as \"/mqtt\" or \"/mqtt/[...]\""
                )
            }
            rules.path = path
        }
        rules.failsWithoutSubprotocol = value.bool(at: "fail_if_no_subprotocol") ?? true
        rules.subprotocols = place.list("supported_subprotocols")
        rules.checksOrigin = value.bool(at: "check_origin_enable") ?? false
        rules.allowsAbsentOrigin = value.bool(at: "allow_origin_absence") ?? true
        rules.origins = place.list("check_origins")
        rules.addressField = (value.string(at: "proxy_address_header") ?? rules.addressField).lowercased()
        rules.portField = (value.string(at: "proxy_port_header") ?? rules.portField).lowercased()
    }
}
