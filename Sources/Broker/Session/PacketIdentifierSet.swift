// SPDX-License-Identifier: Apache-2.0
// Identifiers of incoming QoS 2 messages between PUBLISH and PUBREL: what makes a repeated PUBLISH recognisable
// [MQTT-4.3.3-10]. A client has a handful of them at a time, so a short array is searched.

struct PacketIdentifierSet {
    private struct Entry {
        var identifier: UInt16
        /// Tenths of a second.
        var since: UInt32
    }

    /// The oldest first.
    private var entries: [Entry] = []

    private static func tenths(_ milliseconds: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: milliseconds / 100) }

    var count: Int { entries.count }

    func contains(_ identifier: UInt16) -> Bool { entries.contains { $0.identifier == identifier } }

    /// Returns whether it was not in the set.
    mutating func insert(_ identifier: UInt16, at now: UInt64 = 0) -> Bool {
        if contains(identifier) { return false }
        entries.append(Entry(identifier: identifier, since: Self.tenths(now)))
        return true
    }

    /// Returns whether it was in the set.
    mutating func remove(_ identifier: UInt16) -> Bool {
        // Clients release in the order they published: the first is nearly always the one.
        guard let i = entries.firstIndex(where: { $0.identifier == identifier }) else { return false }
        entries.remove(at: i)
        return true
    }

    /// Forgets those that have been waited for longer than `timeout` ms.
    @inline(__always)
    mutating func forget(after timeout: UInt64, now: UInt64) {
        guard let first = entries.first, Self.tenths(now) &- first.since >= Self.tenths(timeout) else { return }
        entries.removeAll { Self.tenths(now) &- $0.since >= Self.tenths(timeout) }
    }

    mutating func removeAll() { entries = [] }
}
