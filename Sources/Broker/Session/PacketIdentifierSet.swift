// SPDX-License-Identifier: Apache-2.0
// Identifiers of incoming QoS 2 messages between PUBLISH and PUBREL: what makes a repeated PUBLISH recognisable
// [MQTT-4.3.3-10]. Most clients have a handful of them at a time, which are searched; who has many gets a bit for each.

struct PacketIdentifierSet {
    private struct Entry {
        var identifier: UInt16
        /// Tenths of a second.
        var since: UInt32
    }

    private static let fewest = 16

    /// From `head` on; the oldest first.
    private var entries: [Entry] = []
    /// One bit by identifier, while there are, or were, more than a few; else empty.
    private var members: [UInt64] = []
    private var head: Int32 = 0

    private static func tenths(_ milliseconds: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: milliseconds / 100) }

    var count: Int { entries.count - Int(head) }

    func contains(_ identifier: UInt16) -> Bool {
        if members.isEmpty { return place(of: identifier) != nil }
        return members[Int(identifier) / 64] & 1 << UInt64(identifier % 64) != 0
    }

    private func place(of identifier: UInt16) -> Int? {
        for i in Int(head)..<entries.count where entries[i].identifier == identifier { return i }
        return nil
    }

    /// Returns whether it was not in the set.
    mutating func insert(_ identifier: UInt16, at now: UInt64 = 0) -> Bool {
        if contains(identifier) { return false }
        entries.append(Entry(identifier: identifier, since: Self.tenths(now)))
        if !members.isEmpty {
            members[Int(identifier) / 64] |= 1 << UInt64(identifier % 64)
        } else if count > Self.fewest {
            members = Array(repeating: 0, count: 1024)
            for entry in entries[Int(head)...] {
                members[Int(entry.identifier) / 64] |= 1 << UInt64(entry.identifier % 64)
            }
        }
        return true
    }

    /// Returns whether it was in the set.
    mutating func remove(_ identifier: UInt16) -> Bool {
        // Clients release in the order they published: the first is nearly always the one.
        guard contains(identifier), let i = place(of: identifier) else { return false }
        if !members.isEmpty { members[Int(identifier) / 64] &= ~(1 << UInt64(identifier % 64)) }
        if i == Int(head) {
            head += 1
        } else {
            entries.remove(at: i)
        }
        tidy()
        return true
    }

    /// Forgets those that have been waited for longer than `timeout` ms.
    @inline(__always)
    mutating func forget(after timeout: UInt64, now: UInt64) {
        while Int(head) < entries.count {
            let oldest = entries[Int(head)]
            guard Self.tenths(now) &- oldest.since >= Self.tenths(timeout) else { return }
            _ = remove(oldest.identifier)
        }
    }

    /// The places of those that went are used again; who has nothing waiting holds nothing but a few places.
    private mutating func tidy() {
        if count == 0 {
            if entries.capacity > Self.fewest { entries = [] } else { entries.removeAll(keepingCapacity: true) }
            head = 0
            if !members.isEmpty { members = [] }
        } else if Int(head) > Self.fewest, Int(head) * 2 > entries.count {
            entries.removeFirst(Int(head))
            head = 0
        }
    }

    mutating func removeAll() { self = PacketIdentifierSet() }
}
