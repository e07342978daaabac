// SPDX-License-Identifier: Apache-2.0
// What all loops together have and have done, as `$SYS` tells it.

import Broker

struct SysFigures: Sendable {
    var connections = 0
    var sessions = 0
    var filters = 0
    var subscriptions = 0
    var sharedSubscriptions = 0
    var retained = 0
    var delayed = 0
    var counters = BrokerCounters()
    /// The same hooks in the same order on every loop.
    var hooks: [HookFigure] = []

    mutating func add(_ broker: Broker) {
        connections += broker.connectedCount
        sessions += broker.sessionCount
        filters = max(filters, broker.filterCount)
        subscriptions += broker.subscriptionCount
        sharedSubscriptions += broker.sharedSubscriptionCount
        delayed += broker.delayedCount
        retained = max(retained, broker.retainedCount)
        counters.add(broker.counters)
        let more = broker.hooks.figures
        if hooks.isEmpty {
            hooks = more
        } else {
            for i in hooks.indices { hooks[i].add(more[i]) }
        }
    }
}

/// A figure and the greatest it has been whenever somebody looked.
struct Peak: Sendable {
    private(set) var now = 0
    private(set) var most = 0

    mutating func set(_ value: Int) {
        now = value
        most = max(most, value)
    }
}
