// SPDX-License-Identifier: Apache-2.0
// A queue that also takes elements back at its front; a ring in one array.

package struct Deque<Element> {
    private var ring: [Element?]
    private var head = 0
    package private(set) var count = 0

    package init() { ring = [] }

    package var isEmpty: Bool { count == 0 }
    package var first: Element? { count > 0 ? ring[head] : nil }

    @inline(__always)
    private func slot(_ index: Int) -> Int { (head &+ index) & (ring.count &- 1) }

    /// nil beyond the end.
    package subscript(index: Int) -> Element? {
        index >= 0 && index < count ? ring[slot(index)] : nil
    }

    package mutating func update(_ index: Int, _ change: (inout Element) -> Void) {
        guard index >= 0, index < count, var element = ring[slot(index)] else { return }
        change(&element)
        ring[slot(index)] = element
    }

    package mutating func append(_ element: Element) {
        if count == ring.count { grow() }
        ring[slot(count)] = element
        count += 1
    }

    package mutating func prepend(_ element: Element) {
        if count == ring.count { grow() }
        head = (head &- 1) & (ring.count &- 1)
        ring[head] = element
        count += 1
    }

    package mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = ring[head]
        ring[head] = nil
        head = slot(1)
        count -= 1
        return element
    }

    package mutating func popLast() -> Element? {
        guard count > 0 else { return nil }
        let last = slot(count - 1)
        let element = ring[last]
        ring[last] = nil
        count -= 1
        return element
    }

    private mutating func grow() {
        var larger: [Element?] = []
        larger.reserveCapacity(max(ring.count * 2, 16))
        for index in 0..<count { larger.append(ring[slot(index)]) }
        larger.append(contentsOf: repeatElement(nil, count: max(ring.count * 2, 16) - count))
        ring = larger
        head = 0
    }
}
