// SPDX-License-Identifier: Apache-2.0
// Messages on their way to another loop, behind each other in one block: a turn's worth costs one allocation, freed by
// the receiver, instead of one a message that is allocated on one thread and freed on another.

import MQTT

struct MessageRun {
    /// Larger messages travel on their own: copying them twice would cost more than their allocation.
    static let largest = 8192
    private static let firstCapacity = 4096
    private static let nextCapacity = 65_536

    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private var used = 0

    /// Room for one message of `size` bytes at least, and for more if this is not the first run of the turn.
    init(for size: Int, isFirst: Bool) {
        capacity = max(isFirst ? Self.firstCapacity : Self.nextCapacity, Self.place(size))
        base = .allocate(byteCount: capacity, alignment: MemoryLayout<Message.Header>.alignment)
    }

    /// Returns false if the run is full.
    @inline(__always)
    mutating func append(_ publication: borrowing Publication, size: Int, at wallTime: UInt64) -> Bool {
        guard capacity - used >= Self.place(size) else { return false }
        _ = publication.copied(at: wallTime, to: base + used)
        used += Self.place(size)
        return true
    }

    /// The messages in their order. They are borrowed: no reference of them may be taken.
    func each(_ body: (Message) -> Void) {
        var offset = 0
        while offset < used {
            let message = Message(at: base + offset)
            offset += Self.place(message.size)
            body(message)
        }
    }

    func deallocate() { base.deallocate() }

    private static func place(_ size: Int) -> Int {
        let alignment = MemoryLayout<Message.Header>.alignment
        return (size + alignment - 1) & ~(alignment - 1)
    }
}
