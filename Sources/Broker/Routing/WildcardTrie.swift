// SPDX-License-Identifier: Apache-2.0
// Filters with `+` or `#`, as a trie of topic levels. A level has a node of its own only while two filters or more go
// through it; what is left of a filter that goes on alone hangs there as a leaf and is compared as a whole. So a filter
// costs one slot of the flat table of edges and no node, and a match few steps. The shape follows from the filters
// alone, whatever came and went before.

import MQTT

struct WildcardTrie {
    /// The text behind it is its level.
    struct Node {
        let parent: Int32
        /// The child behind the level `+`.
        var plus = Child.none
        /// The filter that ends in `#` right below this node.
        var multi: Int32 = -1
        /// The filter that ends at this node.
        var here: Int32 = -1
        /// Children behind other levels, which are found by the table of edges only, and all of them XORed: of one
        /// child that is the child.
        var children: Int32 = 0
        var allChildren: Int32 = 0
    }

    /// A node, or the entry of a filter of which the rest is not in the trie.
    struct Child: Equatable {
        let raw: Int32

        static var none: Child { Child(raw: -1) }

        init(raw: Int32) { self.raw = raw }
        init(node: Int32) { raw = node << 1 }
        init(leaf entry: Int32) { raw = entry << 1 | 1 }

        @inline(__always)
        var isNone: Bool { raw < 0 }
        @inline(__always)
        var isLeaf: Bool { raw & 1 == 1 }
        @inline(__always)
        var index: Int32 { raw >> 1 }
    }

    typealias Entries = TextReader<FilterEntry>

    private var nodes = TextArena<Node>()
    private var edges = IndexTable()
    private let root: Int32
    private(set) var filterCount = 0

    /// The root included.
    var nodeCount: Int { nodes.count }

    init() {
        root = nodes.insert(Node(parent: -1), text: .empty)
    }

    /// The entry of `filter`, or -1.
    func find(_ filter: ByteView, in entries: Entries) -> Int32 {
        var node = root
        var start = 0
        while start <= filter.count {
            let end = filter.levelEnd(from: start)
            let level = filter.slice(start, end)
            if level == "#" { return nodes[node].pointee.multi }
            let child = child(of: node, level, at: start, entries)
            if child.isNone { return -1 }
            if child.isLeaf { return entries.text(of: child.index) == filter ? child.index : -1 }
            node = child.index
            start = end + 1
        }
        return nodes[node].pointee.here
    }

    // MARK: Coming and going

    /// Adds the filter of `entry`, a valid one with wildcards, which is not in the trie.
    mutating func insert(_ entry: Int32, in entries: Entries) {
        filterCount += 1
        let filter = entries.text(of: entry)
        var node = root
        var start = 0
        while start <= filter.count {
            let end = filter.levelEnd(from: start)
            let level = filter.slice(start, end)
            let child = level == "#" ? .none : child(of: node, level, at: start, entries)
            if child.isNone { break }
            node = child.isLeaf ? split(child, of: node, level, entries) : child.index
            start = end + 1
        }
        hang(entry, below: node, at: start, entries)
    }

    /// Removes the filter of `entry`.
    mutating func remove(_ entry: Int32, in entries: Entries) {
        filterCount -= 1
        let node = entries[entry].pointee.node
        let start = offset(below: node)
        takeOut(entry, below: node, at: start, entries)
        collapse(node, start, entries)
    }

    /// The filter, whose level below `node` begins at `start`, is the only one that goes on so.
    private mutating func hang(_ entry: Int32, below node: Int32, at start: Int, _ entries: Entries) {
        entries[entry].pointee.node = node
        guard let level = entries.text(of: entry).level(from: start) else {
            nodes[node].pointee.here = entry
            return
        }
        if level == "#" {
            nodes[node].pointee.multi = entry
        } else if level == "+" {
            nodes[node].pointee.plus = Child(leaf: entry)
        } else {
            let child = Child(leaf: entry).raw
            edges.insert(Self.edgeHash(node, level), child)
            nodes[node].pointee.children += 1
            nodes[node].pointee.allChildren ^= child
        }
    }

    private mutating func takeOut(_ entry: Int32, below node: Int32, at start: Int, _ entries: Entries) {
        guard let level = entries.text(of: entry).level(from: start) else {
            nodes[node].pointee.here = -1
            return
        }
        if level == "#" {
            nodes[node].pointee.multi = -1
        } else if level == "+" {
            nodes[node].pointee.plus = .none
        } else {
            let child = Child(leaf: entry).raw
            edges.remove(Self.edgeHash(node, level), child)
            nodes[node].pointee.children -= 1
            nodes[node].pointee.allChildren ^= child
        }
    }

    /// Puts a node in the place of a leaf, and the leaf below it.
    private mutating func split(_ leaf: Child, of node: Int32, _ level: ByteView, _ entries: Entries) -> Int32 {
        let fresh = nodes.insert(Node(parent: node), text: level)
        replace(leaf, of: node, level, by: Child(node: fresh))
        hang(leaf.index, below: fresh, at: offset(below: fresh), entries)
        return fresh
    }

    private mutating func replace(_ old: Child, of node: Int32, _ level: ByteView, by new: Child) {
        if level == "+" {
            nodes[node].pointee.plus = new
        } else {
            edges.replace(Self.edgeHash(node, level), old.raw, with: new.raw)
            nodes[node].pointee.allChildren ^= old.raw ^ new.raw
        }
    }

    /// While only one filter is left below `start`, puts it in the place of the node.
    private mutating func collapse(_ start: Int32, _ offset: Int, _ entries: Entries) {
        var node = start
        var offset = offset
        while node != root, let leaf = onlyLeaf(of: node) {
            takeOut(leaf, below: node, at: offset, entries)
            let parent = nodes[node].pointee.parent
            let level = nodes.text(of: node)
            replace(Child(node: node), of: parent, level, by: Child(leaf: leaf))
            entries[leaf].pointee.node = parent
            offset -= level.count + 1
            nodes.remove(node)
            node = parent
        }
    }

    /// The filter below the node, if there is just one.
    private func onlyLeaf(of node: Int32) -> Int32? {
        let this = nodes[node].pointee
        let count = this.children + (this.plus.isNone ? 0 : 1) + (this.multi < 0 ? 0 : 1) + (this.here < 0 ? 0 : 1)
        if count > 1 { return nil }
        if this.here >= 0 { return this.here }
        if this.multi >= 0 { return this.multi }
        let child = this.plus.isNone ? Child(raw: this.allChildren) : this.plus
        return child.isLeaf ? child.index : nil
    }

    /// Where the level below `node` begins in the filters that go through it.
    private func offset(below node: Int32) -> Int {
        var offset = 0
        var above = node
        while above != root {
            offset += nodes.text(of: above).count + 1
            above = nodes[above].pointee.parent
        }
        return offset
    }

    // MARK: Matching

    /// Appends the entries of all filters that match the topic name. Returns how many nodes were looked at: mostly as many
    /// as the topic has levels, but twice as many with each level where filters go on behind `+` and behind the name.
    func match(_ topic: ByteView, in entries: Entries, into matches: inout ScratchStack<Int32>) -> Int {
        if topic.isEmpty { return 0 }
        return walk(root, topic, 0, 0, entries, &matches)
    }

    /// Goes on below `start`, with the level of the topic at `position`, of the filters at `offset`.
    private func walk(
        _ start: Int32,
        _ topic: ByteView,
        _ position: Int,
        _ offset: Int,
        _ entries: Entries,
        _ matches: inout ScratchStack<Int32>
    ) -> Int {
        var node = start
        var position = position
        var offset = offset
        var looked = 0
        while true {
            looked &+= 1
            let this = nodes[node].pointee
            // Filters that start with a wildcard do not match names that start with `$`. [MQTT-4.7.2-1]
            let takesWildcards = node != root || topic[0] != UInt8(ascii: "$")
            // `a/#` also matches `a`: the parent level counts. [MQTT-4.7.1-1]
            if this.multi >= 0, takesWildcards { matches.append(this.multi) }
            if position > topic.count {
                if this.here >= 0 { matches.append(this.here) }
                return looked
            }
            let end = topic.levelEnd(from: position)
            var literal = Child.none
            if this.children > 0 {
                literal = namedChild(of: node, topic.slice(position, end), at: offset, entries)
                if !literal.isNone, literal.isLeaf {
                    append(literal.index, from: offset, topic, position, entries, &matches)
                    literal = .none
                }
            }
            var plus = takesWildcards ? this.plus : .none
            if !plus.isNone, plus.isLeaf {
                append(plus.index, from: offset, topic, position, entries, &matches)
                plus = .none
            }
            let length = end - position
            position = end + 1
            if !plus.isNone {
                if !literal.isNone {
                    looked &+= walk(literal.index, topic, position, offset + length + 1, entries, &matches)
                }
                node = plus.index
                offset += 2
            } else if !literal.isNone {
                node = literal.index
                offset += length + 1
            } else {
                return looked
            }
        }
    }

    /// A filter whose nodes are looked at for the topic name, one of many by chance: its entry. It need not match.
    func sample(_ topic: ByteView, in entries: Entries, _ random: inout QuickRandom) -> Int32? {
        var node = root
        var (position, offset) = (0, 0)
        while position <= topic.count {
            let this = nodes[node].pointee
            let end = topic.levelEnd(from: position)
            let takesWildcards = node != root || topic[0] != UInt8(ascii: "$")
            let plus = takesWildcards ? this.plus : .none
            let literal =
                this.children > 0 ? namedChild(of: node, topic.slice(position, end), at: offset, entries) : .none
            let takesPlus = literal.isNone || !plus.isNone && random.below(2) == 0
            let child = takesPlus ? plus : literal
            if child.isNone { return this.multi >= 0 ? this.multi : nil }
            if child.isLeaf { return child.index }
            node = child.index
            offset += takesPlus ? 2 : end - position + 1
            position = end + 1
        }
        let last = nodes[node].pointee
        return last.here >= 0 ? last.here : last.multi >= 0 ? last.multi : nil
    }

    @inline(__always)
    private func append(
        _ entry: Int32,
        from offset: Int,
        _ topic: ByteView,
        _ position: Int,
        _ entries: Entries,
        _ matches: inout ScratchStack<Int32>
    ) {
        if TopicFilter.matches(entries.text(of: entry), from: offset, topic, from: position) { matches.append(entry) }
    }

    // MARK: Edges

    /// The child of `node` behind `level`, which stands at `offset` in the filters below it. It has this level, but if it
    /// is a leaf it may go on otherwise.
    private func child(of node: Int32, _ level: ByteView, at offset: Int, _ entries: Entries) -> Child {
        level == "+" ? nodes[node].pointee.plus : namedChild(of: node, level, at: offset, entries)
    }

    @inline(__always)
    private func namedChild(of node: Int32, _ level: ByteView, at offset: Int, _ entries: Entries) -> Child {
        let found = edges.find(Self.edgeHash(node, level)) { raw in
            let child = Child(raw: raw)
            if !child.isLeaf {
                return nodes[child.index].pointee.parent == node && nodes.text(of: child.index) == level
            }
            return entries[child.index].pointee.node == node
                && entries.text(of: child.index).hasLevel(level, at: offset)
        }
        return Child(raw: found)
    }

    @inline(__always)
    private static func edgeHash(_ node: Int32, _ level: ByteView) -> UInt64 {
        let key = level.hash64 ^ UInt64(UInt32(bitPattern: node)) &* 0x9E37_79B9_7F4A_7C15
        let product = key.multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }

    // MARK: All

    /// The entry of every filter, in no particular order.
    func eachEntry(_ body: (Int32) -> Void) {
        eachEntry(below: Child(node: root), body)
        edges.eachIndex { eachEntry(below: Child(raw: $0), body) }
    }

    /// Those that are found from `child` without the table of edges.
    private func eachEntry(below child: Child, _ body: (Int32) -> Void) {
        var child = child
        while !child.isNone, !child.isLeaf {
            let node = nodes[child.index].pointee
            if node.here >= 0 { body(node.here) }
            if node.multi >= 0 { body(node.multi) }
            child = node.plus
        }
        if !child.isNone { body(child.index) }
    }

    func deallocate() {
        eachNode { nodes.deallocateText(of: $0) }
        nodes.deallocate()
        edges.deallocate()
    }

    private func eachNode(_ body: (Int32) -> Void) {
        func visit(_ child: Child) {
            var child = child
            while !child.isNone, !child.isLeaf {
                let next = nodes[child.index].pointee.plus
                body(child.index)
                child = next
            }
        }
        visit(Child(node: root))
        edges.eachIndex { visit(Child(raw: $0)) }
    }
}

extension ByteView {
    /// The topic level that starts at `start`; nil = the last one ended before.
    fileprivate func level(from start: Int) -> ByteView? {
        start > count ? nil : slice(start, levelEnd(from: start))
    }

    /// Whether the level at `offset`, if there is one, is `level`.
    @inline(__always)
    fileprivate func hasLevel(_ level: ByteView, at offset: Int) -> Bool {
        let end = offset + level.count
        guard end <= count, end == count || self[end] == UInt8(ascii: "/") else { return false }
        return slice(offset, end) == level
    }
}
