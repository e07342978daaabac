// SPDX-License-Identifier: Apache-2.0
// What the server takes, as its CONNACK said. Absent properties stand for the largest values of the standard. The Topic
// Alias Maximum is not used: this client sends no aliases.

import MQTT

struct ServerLimits: Sendable {
    var receiveMaximum = 65_535
    var maximumPacketSize = VariableByteInteger.maximum + 5
    var maximumQoS = QoS.exactlyOnce
    var retainAvailable = true
    var wildcardSubscriptionAvailable = true
    var sharedSubscriptionAvailable = true
    var subscriptionIdentifierAvailable = true
    /// Replaces the keep-alive that the CONNECT asked for. [MQTT-3.1.2-21]
    var serverKeepAlive: UInt16?

    init() {}

    init(_ properties: Properties) {
        if let maximum = properties.receiveMaximum { receiveMaximum = Int(maximum) }
        if let maximum = properties.maximumPacketSize { maximumPacketSize = min(Int(maximum), maximumPacketSize) }
        maximumQoS = properties.maximumQoS ?? .exactlyOnce
        retainAvailable = properties.retainAvailable ?? true
        wildcardSubscriptionAvailable = properties.wildcardSubscriptionAvailable ?? true
        sharedSubscriptionAvailable = properties.sharedSubscriptionAvailable ?? true
        subscriptionIdentifierAvailable = properties.subscriptionIdentifierAvailable ?? true
        serverKeepAlive = properties.serverKeepAlive
    }
}
