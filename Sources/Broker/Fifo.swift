// SPDX-License-Identifier: Apache-2.0
// First in, first out, whatever the number: what waits for a turn. Not for the message path.

struct Fifo<Element> {
    private var items: [Element] = []
    /// Those before this one have left already.
    private var head = 0

    var count: Int { items.count - head }
    var isEmpty: Bool { head == items.count }
    var first: Element? { isEmpty ? nil : items[head] }

    mutating func append(_ element: Element) { items.append(element) }

    mutating func popFirst() -> Element? {
        guard let first else { return nil }
        head += 1
        // What has left is taken out when it is half of all: each element is moved once, on average.
        if head >= 32, head * 2 >= items.count {
            items.removeFirst(head)
            head = 0
        }
        return first
    }

    /// In their order.
    func each(_ body: (Element) -> Void) { for i in head..<items.count { body(items[i]) } }
}
