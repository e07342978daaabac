// SPDX-License-Identifier: Apache-2.0
// The names of the hooks a plugin has filled in, as isthmus_plugin.h calls them. For logs and listings only.

import PluginAPI

enum HookNames {
    static func used(_ hooks: isth_hooks) -> [String] {
        let all = [
            ("client_connect", hooks.client_connect != nil),
            ("client_authenticate", hooks.client_authenticate != nil),
            ("client_auth_step", hooks.client_auth_step != nil),
            ("client_authorize", hooks.client_authorize != nil),
            ("client_connected", hooks.client_connected != nil),
            ("client_closed", hooks.client_closed != nil),
            ("session_created", hooks.session_created != nil),
            ("session_resumed", hooks.session_resumed != nil),
            ("session_terminated", hooks.session_terminated != nil),
            ("client_subscribe", hooks.client_subscribe != nil),
            ("client_subscribed", hooks.client_subscribed != nil),
            ("client_unsubscribed", hooks.client_unsubscribed != nil),
            ("message_publish", hooks.message_publish != nil),
            ("message_deliver", hooks.message_deliver != nil),
            ("message_acked", hooks.message_acked != nil),
            ("message_dropped", hooks.message_dropped != nil),
            ("route_added", hooks.route_added != nil),
            ("route_removed", hooks.route_removed != nil),
        ]
        return all.filter(\.1).map(\.0)
    }
}
