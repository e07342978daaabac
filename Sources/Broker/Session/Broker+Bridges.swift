// SPDX-License-Identifier: Apache-2.0
// Clients that say in their CONNECT that they are bridges, as mosquitto's do: another broker is behind them. It has to see
// which messages are retained, so that it keeps or clears them, and must not get back what came from it; before MQTT 5 a
// client cannot ask for either. So all its subscriptions have Retain As Published and No Local.

import MQTT

extension SubscriptionOptions {
    /// What a bridge asks for. A shared subscription has no No Local: the group would lose a message. [MQTT-3.8.3-4]
    mutating func suitBridge(isShared: Bool) {
        retainAsPublished = true
        if !isShared { noLocal = true }
    }
}

extension DeliveryOptions {
    fileprivate func suitingBridge(isShared: Bool) -> DeliveryOptions {
        DeliveryOptions(
            qos: qos,
            noLocal: noLocal || !isShared,
            retainAsPublished: true,
            subscriptionIdentifier: subscriptionIdentifier
        )
    }
}

extension Broker {
    /// The client of a session that goes on is a bridge, which it may not have been when it subscribed.
    func suitBridge(_ session: SessionPointer) {
        for i in 0..<session.pointee.subscriptions.count {
            let subscription = session.pointee.subscriptions[i]
            let position = Int(subscription.position)
            if subscription.isShared {
                let group = groups[subscription.group]
                let options = group.pointee.members[position].options.suitingBridge(isShared: true)
                group.pointee.setOptions(options, at: position)
            } else {
                let subscribers = index[subscription.entry].pointee.subscribers
                index[subscription.entry].pointee.subscribers[position].options =
                    subscribers[position].options.suitingBridge(isShared: false)
            }
        }
    }
}
