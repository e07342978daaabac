// SPDX-License-Identifier: Apache-2.0
// A read of all retained messages that match a filter, which can stop anywhere and go on later: it is the next node to
// look at, in the order of a walk that enters only what the filter can match. New topics may be passed by or met. Topics
// that begin with `$` have a root of their own: a filter that begins with a wildcard does not even pass them by.
// [MQTT-4.7.2-1]

import MQTT

struct RetainedCursor {
    private enum Level {
        case name(from: Int, to: Int)
        case single
        case multi
    }

    private let filter: [UInt8]
    private let levels: [Level]
    /// -1 = nothing is left.
    private(set) var node: Int32
    /// Levels above `node`, itself included.
    private var depth = 0

    var isDone: Bool { node < 0 }

    /// `filter` is valid.
    init(_ filter: [UInt8], in store: RetainedStore) {
        self.filter = filter
        levels = filter.withUnsafeBytes { bytes in
            let view = ByteView(bytes)
            var levels: [Level] = []
            var start = 0
            while true {
                let end = view.levelEnd(from: start)
                let name = view.slice(start, end)
                levels.append(name == "#" ? .multi : name == "+" ? .single : .name(from: start, to: end))
                if end == view.count { return levels }
                start = end + 1
            }
        }
        node = filter.first == UInt8(ascii: "$") ? store.dollarRoot : store.root
        enterOrMoveOn(in: store)
    }

    /// Looks at up to `limit` nodes and calls `body` with the matching messages, until it returns false. Returns how many
    /// nodes that were.
    @discardableResult
    mutating func advance(in store: RetainedStore, limit: Int, _ body: (Message) -> Bool) -> Int {
        var looked = 0
        while node >= 0, looked < limit {
            looked += 1
            let message = isMatch ? store.nodes[node].pointee.message : nil
            enterOrMoveOn(in: store)
            if let message, !body(message) { break }
        }
        return looked
    }

    /// Goes past `node`, which has no children, as it will be removed.
    mutating func moveOn(in store: RetainedStore) {
        while depth > 0 {
            if isChosenByWildcard {
                let sibling = store.nodes[node].pointee.nextSibling
                if sibling >= 0 {
                    node = sibling
                    return
                }
            }
            node = store.nodes[node].pointee.parent
            depth -= 1
        }
        node = -1
    }

    private mutating func enterOrMoveOn(in store: RetainedStore) {
        let child = firstBelow(in: store)
        if child >= 0 {
            node = child
            depth += 1
        } else {
            moveOn(in: store)
        }
    }

    private func firstBelow(in store: RetainedStore) -> Int32 {
        guard depth < levels.count else {
            return endsInMulti ? store.nodes[node].pointee.firstChild : -1
        }
        if case .name(let start, let end) = levels[depth] {
            return filter.withUnsafeBytes { bytes in
                store.child(of: node, store.levels.find(ByteView(bytes).slice(start, end)))
            }
        }
        return store.nodes[node].pointee.firstChild
    }

    private var endsInMulti: Bool {
        if case .multi? = levels.last { return true }
        return false
    }

    /// `#` stands for the level above it, too. [MQTT-4.7.1-1]
    private var isMatch: Bool { endsInMulti ? depth >= levels.count - 1 : depth == levels.count }

    private var isChosenByWildcard: Bool {
        if depth > levels.count { return true }
        if case .name = levels[depth - 1] { return false }
        return true
    }
}

extension RetainedStore {
    /// Calls `body` with every message whose topic matches the valid `filter`.
    func eachMessage(matching filter: ByteView, _ body: (Message) -> Void) {
        var cursor = RetainedCursor(Array(filter.buffer), in: self)
        cursor.advance(in: self, limit: .max) { message in
            body(message)
            return true
        }
    }
}
