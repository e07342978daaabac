// SPDX-License-Identifier: Apache-2.0
// Messages in the order they came: a ring that grows as needed; an empty one owns no memory.

import MQTT

struct MessageRing {
    struct Item {
        var message: Message
        var options: DeliveryOptions
        var route: DeliveryRoute

        init(message: Message, options: DeliveryOptions, route: DeliveryRoute) {
            self.message = message
            self.options = options
            self.route = route
        }

        /// Of no shared subscription.
        init(message: Message, options: DeliveryOptions, retain: Bool) {
            self.init(message: message, options: options, route: DeliveryRoute(retain: retain))
        }

        var retain: Bool { route.retain }
    }

    private var items: UnsafeMutablePointer<Item>?
    private var capacity: Int32 = 0
    private var head: Int32 = 0
    private var used: Int32 = 0

    var count: Int { Int(used) }
    var isEmpty: Bool { used == 0 }

    private func place(_ i: Int32) -> Int { Int((head &+ i) & (capacity &- 1)) }

    /// Takes over the reference of `item.message`.
    mutating func append(_ item: Item) {
        if used == capacity { grow() }
        (items.unsafelyUnwrapped + place(used)).initialize(to: item)
        used += 1
    }

    /// Hands the oldest item and its reference over.
    mutating func popFirst() -> Item? {
        guard used > 0, let items else { return nil }
        let item = items[Int(head)]
        head = (head + 1) & (capacity - 1)
        used -= 1
        if used == 0 { deallocate() }
        return item
    }

    /// Replaces each item, oldest first, by what `body` makes of it; it has taken over the reference of those it drops.
    mutating func eachItem(_ body: (Item) -> Item?) {
        guard let items else { return }
        var kept: Int32 = 0
        for i in 0..<used {
            guard let item = body(items[place(i)]) else { continue }
            items[place(kept)] = item
            kept += 1
        }
        used = kept
        if used == 0 { deallocate() }
    }

    private mutating func grow() {
        let newCapacity = max(8, capacity * 2)
        let larger = UnsafeMutablePointer<Item>.allocate(capacity: Int(newCapacity))
        if let items {
            for i in 0..<used { (larger + Int(i)).initialize(to: items[place(i)]) }
            items.deallocate()
        }
        items = larger
        head = 0
        capacity = newCapacity
    }

    /// Makes every message the ring's own, as it goes to another loop.
    func unshareMessages() {
        guard let items else { return }
        for i in 0..<used {
            let item = items + place(i)
            item.pointee.message = item.pointee.message.unshared()
        }
    }

    /// Releases everything that still waits.
    mutating func deallocate() {
        if let items {
            for i in 0..<used { items[place(i)].message.release() }
            items.deallocate()
        }
        items = nil
        capacity = 0
        head = 0
        used = 0
    }
}
