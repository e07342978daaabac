// SPDX-License-Identifier: Apache-2.0
// A queue from many threads to one, in batches: a producer collects elements during its turn and pushes them with one
// compare-and-swap; the consumer takes everything with one exchange. It has no capacity limit and wakes nobody:
// `Mailbox` adds that. Order is kept per producer.

import Synchronization

/// What one producer collects for one queue during a turn. A plain value: confined to its producer.
public struct MailboxBatch<Element> {
    @usableFromInline var elements: [Element] = []

    @inlinable
    public init() {}

    @inlinable
    public var isEmpty: Bool { elements.isEmpty }

    @inlinable
    public var count: Int { elements.count }

    @inlinable
    public mutating func append(_ element: consuming Element) { elements.append(element) }
}

/// Thread safety: `head` is the only shared word. A node belongs to its producer until the swap and to the consumer
/// after the exchange, so its fields are never seen by two threads at once.
public final class BatchQueue<Element>: @unchecked Sendable {
    struct Node {
        var next: UnsafeMutablePointer<Node>?
        var elements: [Element]
    }

    // Two cache lines of distance to whatever the allocator places before and behind.
    private let front: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    private let head = Atomic<UnsafeMutablePointer<Node>?>(nil)
    private let back: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

    public init() {}

    deinit {
        var node = head.load(ordering: .acquiring)
        while let current = node {
            node = current.pointee.next
            current.deinitialize(count: 1)
            current.deallocate()
        }
    }

    public var isEmpty: Bool { head.load(ordering: .sequentiallyConsistent) == nil }

    /// Moves the batch into the queue, leaving it empty. An empty batch is not pushed. Any thread.
    public func push(_ batch: inout MailboxBatch<Element>) {
        if batch.elements.isEmpty { return }
        let node = UnsafeMutablePointer<Node>.allocate(capacity: 1)
        node.initialize(to: Node(next: nil, elements: batch.elements))
        batch.elements = []
        var expected = head.load(ordering: .relaxed)
        while true {
            node.pointee.next = expected
            // Sequentially consistent: the producer's next step is to read the consumer's armed flag, and neither may
            // be seen before the other.
            let (exchanged, original) = head.weakCompareExchange(
                expected: expected,
                desired: node,
                ordering: .sequentiallyConsistent
            )
            if exchanged { return }
            expected = original
        }
    }

    /// Takes everything at once and hands it over batch by batch, oldest first. Consumer thread only.
    public func takeAll(_ consume: ([Element]) -> Void) {
        // A look before the exchange: an idle queue costs a load, not a locked instruction.
        if head.load(ordering: .relaxed) == nil { return }
        var node = head.exchange(nil, ordering: .acquiringAndReleasing)
        var oldest: UnsafeMutablePointer<Node>?
        while let current = node {
            node = current.pointee.next
            current.pointee.next = oldest
            oldest = current
        }
        while let current = oldest {
            let taken = current.move()
            current.deallocate()
            oldest = taken.next
            consume(taken.elements)
        }
    }
}
