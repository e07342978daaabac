// SPDX-License-Identifier: Apache-2.0
// A WebSocket listener's options.

import Config

struct WebSocketOptions: Sendable {
    let path: String

    init(_ place: OptionsPlace) {
        path = place.value.string(at: "mqtt_path") ?? "/mqtt"
    }
}
