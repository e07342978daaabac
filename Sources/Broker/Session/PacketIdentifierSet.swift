// SPDX-License-Identifier: Apache-2.0
// Identifiers of incoming QoS 2 messages between PUBLISH and PUBREL: what makes a repeated PUBLISH recognisable
// [MQTT-4.3.3-10]. A client has a handful of them at a time, so a short array is searched.

struct PacketIdentifierSet {
    private var identifiers: [UInt16] = []

    var count: Int { identifiers.count }

    func contains(_ identifier: UInt16) -> Bool { identifiers.contains(identifier) }

    /// Returns whether it was not in the set.
    mutating func insert(_ identifier: UInt16) -> Bool {
        if identifiers.contains(identifier) { return false }
        identifiers.append(identifier)
        return true
    }

    /// Returns whether it was in the set.
    mutating func remove(_ identifier: UInt16) -> Bool {
        // Clients release in the order they published: the first is nearly always the one.
        guard let i = identifiers.firstIndex(of: identifier) else { return false }
        identifiers.remove(at: i)
        return true
    }

    mutating func removeAll() { identifiers = [] }
}
