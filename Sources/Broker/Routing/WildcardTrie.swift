// SPDX-License-Identifier: Apache-2.0
// Filters with `+` or `#`, as a trie over interned levels: a level's text is stored once, an edge is one slot of a
// flat table, and a match compares integers. Nodes and level names without users are given back, so that churn of
// subscriptions leaves memory flat.

import MQTT

struct WildcardTrie {
    private struct Node {
        var parent: Int32
        /// The interned level on the edge from the parent; `plusLevel` for `+`.
        var level: Int32
        var plus: Int32 = -1
        /// The filter that ends in `#` right below this node.
        var multi: Int32 = -1
        /// The filter that ends at this node.
        var here: Int32 = -1
        var children: Int32 = 0

        var isUnused: Bool { children == 0 && multi < 0 && here < 0 }
    }

    private static var plusLevel: Int32 { -2 }

    private var nodes = Arena<Node>()
    private var edges = IndexTable()
    private var levels = LevelNames()
    private let root: Int32
    private var scratch: UnsafeMutablePointer<Int32>
    private var scratchCapacity = 64
    private(set) var filterCount = 0

    /// The root included.
    var nodeCount: Int { nodes.count }
    var levelCount: Int { levels.count }

    init() {
        root = nodes.insert(Node(parent: -1, level: -1))
        scratch = .allocate(capacity: scratchCapacity)
    }

    /// Adds the valid wildcard `filter`, which is not in the trie, under `entry`.
    mutating func insert(_ filter: ByteView, entry: Int32) {
        filterCount += 1
        var node = root
        var start = 0
        while true {
            let end = filter.levelEnd(from: start)
            let level = filter.slice(start, end)
            if level == "#" {
                nodes[node].pointee.multi = entry
                return
            }
            node = level == "+" ? plusChild(of: node) : literalChild(of: node, level)
            if end == filter.count { break }
            start = end + 1
        }
        nodes[node].pointee.here = entry
    }

    /// Removes `filter`, which is in the trie.
    mutating func remove(_ filter: ByteView) {
        filterCount -= 1
        var node = root
        var start = 0
        var isMulti = false
        while true {
            let end = filter.levelEnd(from: start)
            let level = filter.slice(start, end)
            if level == "#" {
                isMulti = true
                break
            }
            node = level == "+" ? nodes[node].pointee.plus : child(of: node, levels.find(level))
            if node < 0 { return }
            if end == filter.count { break }
            start = end + 1
        }
        if isMulti {
            nodes[node].pointee.multi = -1
        } else {
            nodes[node].pointee.here = -1
        }
        prune(node)
    }

    /// Appends the entries of all filters that match the topic name.
    mutating func match(_ topic: ByteView, into matches: inout ScratchStack<Int32>) {
        let count = resolve(topic)
        // Filters that start with a wildcard do not match names that start with `$`. [MQTT-4.7.2-1]
        if topic.count > 0, topic[0] == UInt8(ascii: "$") {
            let first = child(of: root, scratch[0])
            if first >= 0 { walk(first, depth: 1, count, &matches) }
        } else {
            walk(root, depth: 0, count, &matches)
        }
    }

    private func walk(_ start: Int32, depth: Int, _ count: Int, _ matches: inout ScratchStack<Int32>) {
        var node = start
        var depth = depth
        while true {
            let this = nodes[node].pointee
            // `a/#` also matches `a`: the parent level counts. [MQTT-4.7.1-1]
            if this.multi >= 0 { matches.append(this.multi) }
            if depth == count {
                if this.here >= 0 { matches.append(this.here) }
                return
            }
            let literal = this.children > 0 ? child(of: node, scratch[depth]) : -1
            depth += 1
            if this.plus >= 0 {
                if literal >= 0 { walk(literal, depth: depth, count, &matches) }
                node = this.plus
            } else if literal >= 0 {
                node = literal
            } else {
                return
            }
        }
    }

    /// Writes the interned level numbers of `topic` to `scratch` (-1: no filter has this level) and returns how many.
    private mutating func resolve(_ topic: ByteView) -> Int {
        var count = 0
        var start = 0
        while true {
            let end = topic.levelEnd(from: start)
            if count == scratchCapacity { growScratch() }
            scratch[count] = levels.find(topic.slice(start, end))
            count += 1
            if end == topic.count { return count }
            start = end + 1
        }
    }

    private mutating func growScratch() {
        let larger = UnsafeMutablePointer<Int32>.allocate(capacity: scratchCapacity * 2)
        larger.update(from: scratch, count: scratchCapacity)
        scratch.deallocate()
        scratch = larger
        scratchCapacity *= 2
    }

    // MARK: Nodes

    private func edgeHash(of node: Int32) -> UInt64 {
        LevelNames.edgeHash(nodes[node].pointee.parent, nodes[node].pointee.level)
    }

    @inline(__always)
    private func child(of node: Int32, _ level: Int32) -> Int32 {
        guard level >= 0 else { return -1 }
        return edges.find(LevelNames.edgeHash(node, level)) {
            nodes[$0].pointee.parent == node && nodes[$0].pointee.level == level
        }
    }

    private mutating func plusChild(of node: Int32) -> Int32 {
        if nodes[node].pointee.plus >= 0 { return nodes[node].pointee.plus }
        let child = nodes.insert(Node(parent: node, level: Self.plusLevel))
        nodes[node].pointee.plus = child
        nodes[node].pointee.children += 1
        return child
    }

    private mutating func literalChild(of node: Int32, _ name: ByteView) -> Int32 {
        let existing = child(of: node, levels.find(name))
        if existing >= 0 { return existing }
        let interned = levels.use(name)
        let fresh = nodes.insert(Node(parent: node, level: interned))
        edges.insert(LevelNames.edgeHash(node, interned), fresh, rehash: edgeHash(of:))
        nodes[node].pointee.children += 1
        return fresh
    }

    private mutating func prune(_ start: Int32) {
        var node = start
        while node != root, nodes[node].pointee.isUnused {
            let parent = nodes[node].pointee.parent
            let level = nodes[node].pointee.level
            if level == Self.plusLevel {
                nodes[parent].pointee.plus = -1
            } else {
                edges.remove(LevelNames.edgeHash(parent, level), node, rehash: edgeHash(of:))
                levels.release(level)
            }
            nodes[parent].pointee.children -= 1
            nodes.remove(node)
            node = parent
        }
    }

    func deallocate() {
        nodes.deallocate()
        levels.deallocate()
        edges.deallocate()
        scratch.deallocate()
    }
}
