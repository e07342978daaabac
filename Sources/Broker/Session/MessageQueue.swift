// SPDX-License-Identifier: Apache-2.0
// Messages that wait for their session: because the client is away, or its in-flight window is full. Without priorities
// it is one ring; messages of a priority of their own stand in further rings, made when the first of them comes.

import MQTT

struct MessageQueue {
    typealias Item = MessageRing.Item

    private var ring = MessageRing()
    private var levels: PriorityLevels?

    var count: Int { ring.count + (levels?.count ?? 0) }
    var isEmpty: Bool { ring.isEmpty && levels == nil }

    /// How many wait with this priority.
    func count(of priority: UInt16) -> Int {
        priority == 0 ? ring.count : levels?.count(of: priority) ?? 0
    }

    /// Takes over the reference of `item.message`.
    mutating func append(_ item: Item, priority: UInt16 = 0) {
        if priority == 0 {
            ring.append(item)
            return
        }
        let levels = self.levels ?? PriorityLevels()
        self.levels = levels
        levels.append(item, priority)
    }

    /// Hands the item over whose turn it is, and its reference.
    mutating func popFirst() -> Item? {
        guard let levels else { return ring.popFirst() }
        defer { if levels.count == 0 { self.levels = nil } }
        return levels.popFirst(&ring)
    }

    /// Hands the oldest item of this priority over, and its reference.
    mutating func popFirst(of priority: UInt16) -> Item? {
        if priority == 0 { return ring.popFirst() }
        guard let levels else { return nil }
        defer { if levels.count == 0 { self.levels = nil } }
        return levels.popFirst(of: priority)
    }

    /// Hands everything with QoS 0 over.
    mutating func takeQoS0(_ body: (Item) -> Void) {
        eachItem { item in
            guard item.options.qos == 0 else { return item }
            body(item)
            return nil
        }
    }

    /// Replaces each item by what `body` makes of it; it has taken over the reference of those it drops.
    mutating func eachItem(_ body: (Item) -> Item?) {
        levels?.eachItem(body)
        if levels?.count == 0 { levels = nil }
        ring.eachItem(body)
    }

    /// Makes every message the queue's own, as it goes to another loop.
    func unshareMessages() {
        ring.unshareMessages()
        levels?.unshareMessages()
    }

    /// Releases everything that still waits.
    mutating func deallocate() {
        ring.deallocate()
        levels?.deallocate()
        levels = nil
    }
}
