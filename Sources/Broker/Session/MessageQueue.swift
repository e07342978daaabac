// SPDX-License-Identifier: Apache-2.0
// Messages that wait for their session: because the client is away, or its in-flight window is full. Without priorities
// it is one ring; messages of a priority of their own stand in further rings, made when the first of them comes.

import MQTT

struct MessageQueue {
    typealias Item = MessageRing.Item

    private var ring = MessageRing()
    private var levels: PriorityLevels?
    /// Where its messages are counted; nil while it is on its way between loops.
    private var account: UnsafeMutablePointer<QueuedBytes>?
    /// Memory that its messages and their places take, bytes, as if no other queue had them.
    private(set) var bytes = 0

    init(countedIn account: UnsafeMutablePointer<QueuedBytes>? = nil) { self.account = account }

    static func cost(of message: Message) -> Int { message.size &+ QueuedBytes.place }

    @inline(__always)
    private mutating func count(_ item: Item) {
        bytes &+= Self.cost(of: item.message)
        account?.pointee.add(item.message)
    }

    @inline(__always)
    private mutating func discount(_ item: Item?) {
        guard let item else { return }
        bytes &-= Self.cost(of: item.message)
        account?.pointee.remove(item.message)
    }

    var count: Int { ring.count + (levels?.count ?? 0) }
    var isEmpty: Bool { ring.isEmpty && levels == nil }

    /// How many wait with this priority.
    func count(of priority: UInt16) -> Int {
        priority == 0 ? ring.count : levels?.count(of: priority) ?? 0
    }

    /// Takes over the reference of `item.message`.
    mutating func append(_ item: Item, priority: UInt16 = 0) {
        count(item)
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
        let item = takeFirst()
        discount(item)
        return item
    }

    private mutating func takeFirst() -> Item? {
        guard let levels else { return ring.popFirst() }
        defer { if levels.count == 0 { self.levels = nil } }
        return levels.popFirst(&ring)
    }

    /// Hands the oldest item of this priority over, and its reference.
    mutating func popFirst(of priority: UInt16) -> Item? {
        let item = takeFirst(of: priority)
        discount(item)
        return item
    }

    private mutating func takeFirst(of priority: UInt16) -> Item? {
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
        let account = account
        var bytes = 0
        func counted(_ item: Item) -> Item? {
            // Before, as `body` may free it.
            account?.pointee.remove(item.message)
            guard let kept = body(item) else { return nil }
            account?.pointee.add(kept.message)
            bytes &+= Self.cost(of: kept.message)
            return kept
        }
        levels?.eachItem(counted)
        if levels?.count == 0 { levels = nil }
        ring.eachItem(counted)
        self.bytes = bytes
    }

    /// The queue goes to another loop: its messages are counted here no more, and made its own.
    mutating func leave() {
        count(in: nil)
        ring.unshareMessages()
        levels?.unshareMessages()
    }

    /// From now on its messages are counted there.
    mutating func count(in other: UnsafeMutablePointer<QueuedBytes>?) {
        let former = account
        account = nil
        eachItem { item in
            former?.pointee.remove(item.message)
            other?.pointee.add(item.message)
            return item
        }
        account = other
    }

    /// Releases everything that still waits.
    mutating func deallocate() {
        guard !isEmpty else { return }
        eachItem { item in
            item.message.release()
            return nil
        }
    }
}
