// SPDX-License-Identifier: Apache-2.0
// Retained messages as a trie of topic levels: a new subscription walks only the part that its filter can match.
// [MQTT3-3.1.2-7]

import MQTT

struct RetainedStore {
    struct Node {
        var parent: Int32
        var level: Int32
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
        var previousSibling: Int32 = -1
        /// The second by which its message has expired (0 = never), and the others that expire in it.
        var expiresIn: UInt32 = 0
        var previousExpiring: Int32 = -1
        var nextExpiring: Int32 = -1
        var message: Message?
    }

    private(set) var nodes = Arena<Node>()
    private var edges = IndexTable()
    private(set) var levels = LevelNames()
    let root: Int32
    /// Above the topics that begin with `$`.
    let dollarRoot: Int32
    /// Messages kept.
    private(set) var count = 0
    /// Those of them that are the broker's own, which no limit concerns.
    private(set) var systemCount = 0
    private var messageBytes = 0
    /// The first of those that expire in a second.
    private var expiring: [UInt32: Int32] = [:]
    /// Reads that go on later: what is removed in between must not be where they stand.
    private var parked: [UInt64: RetainedCursor] = [:]
    /// The same by where they stand.
    private var parkedAt: [Int32: Set<UInt64>] = [:]

    /// The roots aside.
    var nodeCount: Int { nodes.count - 2 }
    var levelCount: Int { levels.count }
    /// Memory of the messages and of the levels of their topics, about.
    var bytes: Int { messageBytes + nodes.count * Self.nodeCost }

    /// What a message takes at most, if there is none of its topic: every letter may be a level.
    static func largestCost(of message: Message) -> Int { message.size + (message.topic.count + 1) * nodeCost }

    /// The same, looked at more closely.
    static func cost(of message: Message) -> Int {
        message.size + message.topic.buffer.reduce(1) { $1 == UInt8(ascii: "/") ? $0 + 1 : $0 } * nodeCost
    }

    /// A node, its edge and its part of a level's name.
    private static var nodeCost: Int { MemoryLayout<Node>.stride + 48 }

    init() {
        root = nodes.insert(Node(parent: -1, level: -1))
        dollarRoot = nodes.insert(Node(parent: -1, level: -1))
    }

    /// The message kept for exactly this topic.
    subscript(topic: ByteView) -> Message? {
        let node = find(topic)
        return node < 0 ? nil : nodes[node].pointee.message
    }

    /// Keeps `message`, whose reference the store takes over, in place of an earlier one [MQTT-3.3.1-5]. The answer is
    /// where it stands.
    @discardableResult
    mutating func set(_ message: Message) -> Int32 {
        let topic = message.topic
        var node = root(of: topic)
        var start = 0
        while true {
            let end = topic.levelEnd(from: start)
            node = childOrInsert(of: node, topic.slice(start, end))
            if end == topic.count { break }
            start = end + 1
        }
        messageBytes &+= message.size
        if message.isSystem { systemCount += 1 }
        if let old = nodes[node].pointee.message { forget(old) }
        count += 1
        forgetExpiry(of: node)
        nodes[node].pointee.message = message
        return node
    }

    /// Forgets the topic's message. [MQTT-3.3.1-6]
    mutating func remove(_ topic: ByteView) {
        let node = find(topic)
        if node >= 0 { removeMessage(at: node) }
    }

    mutating func removeMessage(at node: Int32) {
        guard let message = nodes[node].pointee.message else { return }
        forgetExpiry(of: node)
        nodes[node].pointee.message = nil
        forget(message)
        prune(node)
    }

    // MARK: Nodes

    private func root(of topic: ByteView) -> Int32 { topic.buffer.first == UInt8(ascii: "$") ? dollarRoot : root }

    private func find(_ topic: ByteView) -> Int32 {
        var node = root(of: topic)
        var start = 0
        while true {
            let end = topic.levelEnd(from: start)
            node = child(of: node, levels.find(topic.slice(start, end)))
            if node < 0 || end == topic.count { return node }
            start = end + 1
        }
    }

    func child(of node: Int32, _ level: Int32) -> Int32 {
        guard level >= 0 else { return -1 }
        return edges.find(LevelNames.edgeHash(node, level)) {
            nodes[$0].pointee.parent == node && nodes[$0].pointee.level == level
        }
    }

    private mutating func childOrInsert(of node: Int32, _ name: ByteView) -> Int32 {
        let existing = child(of: node, levels.find(name))
        if existing >= 0 { return existing }
        let level = levels.use(name)
        let sibling = nodes[node].pointee.firstChild
        let fresh = nodes.insert(Node(parent: node, level: level, nextSibling: sibling))
        if sibling >= 0 { nodes[sibling].pointee.previousSibling = fresh }
        nodes[node].pointee.firstChild = fresh
        edges.insert(LevelNames.edgeHash(node, level), fresh)
        return fresh
    }

    private mutating func prune(_ start: Int32) {
        var node = start
        while nodes[node].pointee.parent >= 0, nodes[node].pointee.message == nil, nodes[node].pointee.firstChild < 0 {
            if !parked.isEmpty { moveParked(from: node) }
            let old = nodes[node].pointee
            if old.previousSibling >= 0 {
                nodes[old.previousSibling].pointee.nextSibling = old.nextSibling
            } else {
                nodes[old.parent].pointee.firstChild = old.nextSibling
            }
            if old.nextSibling >= 0 { nodes[old.nextSibling].pointee.previousSibling = old.previousSibling }
            edges.remove(LevelNames.edgeHash(old.parent, old.level), node)
            levels.release(old.level)
            nodes.remove(node)
            node = old.parent
        }
    }

    private mutating func forget(_ message: Message) {
        count -= 1
        messageBytes &-= message.size
        if message.isSystem { systemCount -= 1 }
        message.release()
    }

    // MARK: Expiry

    var hasExpiring: Bool { !expiring.isEmpty }

    /// The message at `node` expires in this second.
    mutating func expire(_ node: Int32, in second: UInt32) {
        let first = expiring[second]
        nodes[node].pointee.expiresIn = second
        nodes[node].pointee.nextExpiring = first ?? -1
        if let first { nodes[first].pointee.previousExpiring = node }
        expiring[second] = node
    }

    /// Some message that expires in this second.
    func anyExpiring(in second: UInt32) -> Int32? { expiring[second] }

    private mutating func forgetExpiry(of node: Int32) {
        let (second, previous) = (nodes[node].pointee.expiresIn, nodes[node].pointee.previousExpiring)
        guard second != 0 else { return }
        let next = nodes[node].pointee.nextExpiring
        if next >= 0 { nodes[next].pointee.previousExpiring = previous }
        if previous >= 0 {
            nodes[previous].pointee.nextExpiring = next
        } else {
            expiring[second] = next >= 0 ? next : nil
        }
        nodes[node].pointee.expiresIn = 0
        nodes[node].pointee.previousExpiring = -1
        nodes[node].pointee.nextExpiring = -1
    }

    // MARK: Parked reads

    mutating func park(_ cursor: RetainedCursor, as key: UInt64) {
        parked[key] = cursor
        parkedAt[cursor.node, default: []].insert(key)
    }

    mutating func unpark(_ key: UInt64) -> RetainedCursor? {
        guard let cursor = parked.removeValue(forKey: key) else { return nil }
        parkedAt[cursor.node]?.remove(key)
        if parkedAt[cursor.node]?.isEmpty == true { parkedAt[cursor.node] = nil }
        return cursor
    }

    var parkedCount: Int { parked.count }

    private mutating func moveParked(from node: Int32) {
        for key in parkedAt[node] ?? [] {
            guard var cursor = unpark(key) else { continue }
            cursor.moveOn(in: self)
            park(cursor, as: key)
        }
    }

    func deallocate() {
        edges.eachIndex { nodes[$0].pointee.message?.release() }
        edges.deallocate()
        levels.deallocate()
        nodes.deallocate()
    }
}
