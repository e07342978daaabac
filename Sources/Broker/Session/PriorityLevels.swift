// SPDX-License-Identifier: Apache-2.0
// The part of a session's queue that has priorities: one ring for each. Higher ones go first, but each may send only
// ten messages for each step of its priority before the lower ones have their turn, so that nothing waits for ever.

import MQTT

/// Which topics go first when a session's messages wait: `mqtt.mqueue_priorities`.
public struct QueuePriorities: Sendable {
    /// Above every number that can be given.
    public static var highest: UInt16 { 256 }

    private var topics: [[UInt8]: UInt16] = [:]
    /// Of topics that are not named.
    private var fallback: UInt16 = 0

    public init() {}

    /// Priorities are 1 to 255. Without any the fallback does not matter.
    public init(_ topics: [(topic: String, priority: Int)], fallback: UInt16) {
        for (topic, priority) in topics {
            self.topics[Array(topic.utf8)] = UInt16(clamping: min(max(priority, 1), 255))
        }
        self.fallback = fallback
    }

    var isEmpty: Bool { topics.isEmpty }

    func priority(of topic: ByteView) -> UInt16 { isEmpty ? 0 : topics[Array(topic.buffer)] ?? fallback }
}

final class PriorityLevels {
    private struct Level {
        let priority: UInt16
        var ring = MessageRing()
        var credit: Int

        init(_ priority: UInt16) {
            self.priority = priority
            credit = Self.credit(priority)
        }

        static func credit(_ priority: UInt16) -> Int { (Int(priority) + 1) * 10 }
    }

    /// The highest priority first.
    private var levels: [Level] = []
    private var plainCredit = Level.credit(0)
    private(set) var count = 0

    func count(of priority: UInt16) -> Int { levels.first { $0.priority == priority }?.ring.count ?? 0 }

    func append(_ item: MessageRing.Item, _ priority: UInt16) {
        let i = levels.firstIndex { $0.priority <= priority } ?? levels.count
        if i == levels.count || levels[i].priority != priority { levels.insert(Level(priority), at: i) }
        levels[i].ring.append(item)
        count += 1
    }

    /// `plain` has what has no priority.
    func popFirst(_ plain: inout MessageRing) -> MessageRing.Item? {
        while count > 0 || !plain.isEmpty {
            for i in levels.indices where levels[i].credit > 0 {
                guard let item = levels[i].ring.popFirst() else { continue }
                levels[i].credit -= 1
                count -= 1
                return item
            }
            if plainCredit > 0, let item = plain.popFirst() {
                plainCredit -= 1
                return item
            }
            for i in levels.indices { levels[i].credit = Level.credit(levels[i].priority) }
            plainCredit = Level.credit(0)
        }
        return nil
    }

    func popFirst(of priority: UInt16) -> MessageRing.Item? {
        guard let i = levels.firstIndex(where: { $0.priority == priority }) else { return nil }
        let item = levels[i].ring.popFirst()
        if item != nil { count -= 1 }
        return item
    }

    func eachItem(_ body: (MessageRing.Item) -> MessageRing.Item?) {
        for i in levels.indices {
            let before = levels[i].ring.count
            levels[i].ring.eachItem(body)
            count -= before - levels[i].ring.count
        }
    }

    func unshareMessages() {
        for level in levels { level.ring.unshareMessages() }
    }
}
