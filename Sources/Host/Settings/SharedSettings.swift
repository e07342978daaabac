// SPDX-License-Identifier: Apache-2.0
// Keys of shared and exclusive subscriptions, with EMQX's names and defaults.

import Broker
import Config

extension HostSettings {
    private static let strategies = SettingType.choice(SharedStrategy.Kind.allCases.map(\.rawValue))
    private static let initialPicks = SettingType.choice(["random", "local", "hash_clientid", "hash_topic"])

    static let shared: [Setting] = [
        Setting(
            "mqtt.shared_subscription_strategy",
            strategies,
            fallback: "round_robin",
            doc: """
                Which member of a shared group gets a message: in turn, at random, one that the publisher keeps, or by \
                publisher or topic. `local` prefers members on the publisher's event loop.
                """
        ),
        Setting(
            "mqtt.shared_subscription_initial_sticky_pick",
            initialPicks,
            fallback: "random",
            doc: "How `sticky` chooses the member that a publisher keeps."
        ),
        Setting(
            "mqtt.exclusive_subscription",
            .bool,
            fallback: "false",
            doc: "Whether `$exclusive/FILTER` is served: to one client at a time."
        ),
        Setting(
            "broker.shared_subscription_group.*.strategy",
            strategies,
            fallback: "random",
            doc: "The strategy of the group of this name."
        ),
        Setting(
            "broker.shared_subscription_group.*.initial_sticky_pick",
            initialPicks,
            fallback: "random",
            doc: "How `sticky` chooses at first in this group."
        ),
        Setting(
            "broker.shared_dispatch_ack_enabled",
            .bool,
            fallback: "false",
            doc:
                "Accepted for EMQX's sake: connected members are preferred, and messages of sessions that end are not lost."
        ),
    ]
}
