// SPDX-License-Identifier: Apache-2.0
// A flat hash table from byte strings to arena indices. It stores no keys: the slots hold an index and half of the
// key's hash, and the caller compares the bytes where they live. Linear probing with backward-shift deletion, so that
// churn leaves neither tombstones nor growth.

struct IndexTable {
    private struct Slot {
        var tag: UInt32
        var index: Int32
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var mask: Int
    private(set) var count = 0

    init(minimumCapacity: Int = 16) {
        var capacity = 16
        while capacity < minimumCapacity * 2 { capacity *= 2 }
        slots = Self.allocate(capacity)
        mask = capacity - 1
    }

    func deallocate() { slots.deallocate() }

    /// The index whose key hashes to `hash` and for which `isEqual` holds, or -1.
    @inline(__always)
    func find(_ hash: UInt64, _ isEqual: (Int32) -> Bool) -> Int32 {
        let tag = UInt32(truncatingIfNeeded: hash >> 32)
        var i = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[i]
            if slot.index < 0 { return -1 }
            if slot.tag == tag, isEqual(slot.index) { return slot.index }
            i = (i &+ 1) & mask
        }
    }

    /// Adds a key that is not in the table. `rehash` gives the full hash of a stored index, asked only when growing.
    mutating func insert(_ hash: UInt64, _ index: Int32, rehash: (Int32) -> UInt64) {
        if (count + 1) * 3 > (mask + 1) * 2 { grow(rehash) }
        place(hash, index)
        count += 1
    }

    /// Removes `index`, which is in the table under `hash`.
    mutating func remove(_ hash: UInt64, _ index: Int32, rehash: (Int32) -> UInt64) {
        var i = Int(truncatingIfNeeded: hash) & mask
        while slots[i].index != index {
            if slots[i].index < 0 { return }
            i = (i &+ 1) & mask
        }
        count -= 1
        var hole = i
        var next = (i &+ 1) & mask
        while slots[next].index >= 0 {
            let home = Int(truncatingIfNeeded: rehash(slots[next].index)) & mask
            // The entry may move into the hole unless its home lies behind the hole on the probe path.
            if (next &- home) & mask >= (next &- hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        slots[hole] = Slot(tag: 0, index: -1)
    }

    func eachIndex(_ body: (Int32) -> Void) {
        for i in 0...mask where slots[i].index >= 0 { body(slots[i].index) }
    }

    private mutating func place(_ hash: UInt64, _ index: Int32) {
        var i = Int(truncatingIfNeeded: hash) & mask
        while slots[i].index >= 0 { i = (i &+ 1) & mask }
        slots[i] = Slot(tag: UInt32(truncatingIfNeeded: hash >> 32), index: index)
    }

    private mutating func grow(_ rehash: (Int32) -> UInt64) {
        let old = slots
        let oldCapacity = mask + 1
        slots = Self.allocate(oldCapacity * 2)
        mask = oldCapacity * 2 - 1
        for i in 0..<oldCapacity where old[i].index >= 0 { place(rehash(old[i].index), old[i].index) }
        old.deallocate()
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        slots.initialize(repeating: Slot(tag: 0, index: -1), count: capacity)
        return slots
    }
}
