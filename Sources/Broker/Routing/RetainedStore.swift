// SPDX-License-Identifier: Apache-2.0
// Retained messages as a trie of topic levels: a new subscription walks only the part that its filter can match.
// [MQTT3-3.1.2-7]

import MQTT

struct RetainedStore {
    private struct Node {
        var parent: Int32
        var level: Int32
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
        var previousSibling: Int32 = -1
        var message: Message?
    }

    private var nodes = Arena<Node>()
    private var edges = IndexTable()
    private var levels = LevelNames()
    private let root: Int32
    /// Messages kept.
    private(set) var count = 0

    /// The root included.
    var nodeCount: Int { nodes.count }
    var levelCount: Int { levels.count }

    init() {
        root = nodes.insert(Node(parent: -1, level: -1))
    }

    /// The message kept for exactly this topic.
    subscript(topic: ByteView) -> Message? {
        let node = find(topic)
        return node < 0 ? nil : nodes[node].pointee.message
    }

    /// Keeps `message`, whose reference the store takes over, in place of an earlier one. [MQTT-3.3.1-5]
    mutating func set(_ message: Message) {
        let topic = message.topic
        var node = root
        var start = 0
        while true {
            let end = topic.levelEnd(from: start)
            node = childOrInsert(of: node, topic.slice(start, end))
            if end == topic.count { break }
            start = end + 1
        }
        if let old = nodes[node].pointee.message { old.release() } else { count += 1 }
        nodes[node].pointee.message = message
    }

    /// Forgets the topic's message. [MQTT-3.3.1-6]
    mutating func remove(_ topic: ByteView) {
        let node = find(topic)
        guard node >= 0, let message = nodes[node].pointee.message else { return }
        nodes[node].pointee.message = nil
        count -= 1
        message.release()
        prune(node)
    }

    /// Calls `body` with every message whose topic matches the valid `filter`.
    func eachMessage(matching filter: ByteView, _ body: (Message) -> Void) {
        walk(root, filter, 0, body)
    }

    private func walk(_ node: Int32, _ filter: ByteView, _ start: Int, _ body: (Message) -> Void) {
        let end = filter.levelEnd(from: start)
        let level = filter.slice(start, end)
        let isLast = end == filter.count
        if level == "#" {
            // The parent level itself matches, too. [MQTT-4.7.1-2]
            if node != root { visit(node, body) }
            forEachChild(of: node, skipsDollar: node == root) { subtree($0, body) }
        } else if level == "+" {
            forEachChild(of: node, skipsDollar: node == root) { child in
                if isLast { visit(child, body) } else { walk(child, filter, end + 1, body) }
            }
        } else {
            let child = child(of: node, levels.find(level))
            guard child >= 0 else { return }
            if isLast { visit(child, body) } else { walk(child, filter, end + 1, body) }
        }
    }

    /// Without recursion: a topic may have tens of thousands of levels.
    private func subtree(_ top: Int32, _ body: (Message) -> Void) {
        var node = top
        while true {
            visit(node, body)
            if nodes[node].pointee.firstChild >= 0 {
                node = nodes[node].pointee.firstChild
                continue
            }
            while node != top, nodes[node].pointee.nextSibling < 0 { node = nodes[node].pointee.parent }
            if node == top { return }
            node = nodes[node].pointee.nextSibling
        }
    }

    private func visit(_ node: Int32, _ body: (Message) -> Void) {
        if let message = nodes[node].pointee.message { body(message) }
    }

    /// Wildcards at the first level pass names by that start with `$`. [MQTT-4.7.2-1]
    private func forEachChild(of node: Int32, skipsDollar: Bool, _ body: (Int32) -> Void) {
        var child = nodes[node].pointee.firstChild
        while child >= 0 {
            let next = nodes[child].pointee.nextSibling
            if !skipsDollar || levels[nodes[child].pointee.level].buffer.first != UInt8(ascii: "$") { body(child) }
            child = next
        }
    }

    // MARK: Nodes

    private func find(_ topic: ByteView) -> Int32 {
        var node = root
        var start = 0
        while true {
            let end = topic.levelEnd(from: start)
            node = child(of: node, levels.find(topic.slice(start, end)))
            if node < 0 || end == topic.count { return node }
            start = end + 1
        }
    }

    private func child(of node: Int32, _ level: Int32) -> Int32 {
        guard level >= 0 else { return -1 }
        return edges.find(LevelNames.edgeHash(node, level)) {
            nodes[$0].pointee.parent == node && nodes[$0].pointee.level == level
        }
    }

    private func edgeHash(of node: Int32) -> UInt64 {
        LevelNames.edgeHash(nodes[node].pointee.parent, nodes[node].pointee.level)
    }

    private mutating func childOrInsert(of node: Int32, _ name: ByteView) -> Int32 {
        let existing = child(of: node, levels.find(name))
        if existing >= 0 { return existing }
        let level = levels.use(name)
        let sibling = nodes[node].pointee.firstChild
        let fresh = nodes.insert(Node(parent: node, level: level, nextSibling: sibling))
        if sibling >= 0 { nodes[sibling].pointee.previousSibling = fresh }
        nodes[node].pointee.firstChild = fresh
        edges.insert(LevelNames.edgeHash(node, level), fresh, rehash: edgeHash(of:))
        return fresh
    }

    private mutating func prune(_ start: Int32) {
        var node = start
        while node != root, nodes[node].pointee.message == nil, nodes[node].pointee.firstChild < 0 {
            let old = nodes[node].pointee
            if old.previousSibling >= 0 {
                nodes[old.previousSibling].pointee.nextSibling = old.nextSibling
            } else {
                nodes[old.parent].pointee.firstChild = old.nextSibling
            }
            if old.nextSibling >= 0 { nodes[old.nextSibling].pointee.previousSibling = old.previousSibling }
            edges.remove(LevelNames.edgeHash(old.parent, old.level), node, rehash: edgeHash(of:))
            levels.release(old.level)
            nodes.remove(node)
            node = old.parent
        }
    }

    func deallocate() {
        edges.eachIndex { nodes[$0].pointee.message?.release() }
        edges.deallocate()
        levels.deallocate()
        nodes.deallocate()
    }
}
