// SPDX-License-Identifier: Apache-2.0
// Messages that wait for their session: because the client is away, or its in-flight window is full. A ring that grows
// as needed; an empty queue owns no memory.

import MQTT

struct MessageQueue {
    struct Item {
        var message: Message
        var options: DeliveryOptions
        var route: DeliveryRoute

        init(message: Message, options: DeliveryOptions, route: DeliveryRoute) {
            self.message = message
            self.options = options
            self.route = route
        }

        init(message: Message, options: DeliveryOptions, retain: Bool) {
            self.init(message: message, options: options, route: DeliveryRoute(retain: retain))
        }

        var retain: Bool { route.retain }
    }

    private var items: UnsafeMutablePointer<Item>?
    private var capacity = 0
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Takes over the reference of `item.message`.
    mutating func append(_ item: Item) {
        if count == capacity { grow() }
        (items.unsafelyUnwrapped + ((head + count) & (capacity - 1))).initialize(to: item)
        count += 1
    }

    /// Hands the oldest item and its reference over.
    mutating func popFirst() -> Item? {
        guard count > 0, let items else { return nil }
        let item = items[head]
        head = (head + 1) & (capacity - 1)
        count -= 1
        if count == 0 { deallocate() }
        return item
    }

    /// Replaces each item, oldest first, by what `body` makes of it; it has taken over the reference of those it drops.
    mutating func eachItem(_ body: (Item) -> Item?) {
        for _ in 0..<count {
            guard let item = popFirst() else { return }
            if let item = body(item) { append(item) }
        }
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Item>.allocate(capacity: max(8, capacity * 2))
        if let items {
            for i in 0..<count { (larger + i).initialize(to: items[(head + i) & (capacity - 1)]) }
            items.deallocate()
        }
        items = larger
        head = 0
        capacity = max(8, capacity * 2)
    }

    /// Makes every message the queue's own, as it goes to another loop.
    func unshareMessages() {
        guard let items else { return }
        for i in 0..<count {
            let item = items + ((head + i) & (capacity - 1))
            item.pointee.message = item.pointee.message.unshared()
        }
    }

    /// Releases everything that still waits.
    mutating func deallocate() {
        if let items {
            for i in 0..<count { items[(head + i) & (capacity - 1)].message.release() }
            items.deallocate()
        }
        items = nil
        capacity = 0
        head = 0
        count = 0
    }
}
