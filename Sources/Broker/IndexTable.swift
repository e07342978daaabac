// SPDX-License-Identifier: Apache-2.0
// A flat hash table from byte strings to arena indices. It stores no keys: a slot holds an index and 32 bits of the
// key's hash, and the caller compares the bytes where they live. These bits are also where the slot belongs, so growing
// and removing look at no key. Linear probing with backward-shift deletion: churn leaves neither tombstones nor growth.

struct IndexTable {
    private struct Slot {
        var hash: UInt32
        /// -1 = the slot is empty.
        var index: Int32
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var mask: Int
    private(set) var count = 0

    init() {
        slots = Self.allocate(16)
        mask = 15
    }

    func deallocate() { slots.deallocate() }

    /// The index whose key hashes to `hash` and for which `isEqual` holds, or -1.
    @inline(__always)
    func find(_ hash: UInt64, _ isEqual: (Int32) -> Bool) -> Int32 {
        let hash = UInt32(truncatingIfNeeded: hash)
        var i = Int(hash) & mask
        while true {
            let slot = slots[i]
            if slot.index < 0 { return -1 }
            if slot.hash == hash, isEqual(slot.index) { return slot.index }
            i = (i &+ 1) & mask
        }
    }

    /// Adds a key that is not in the table.
    mutating func insert(_ hash: UInt64, _ index: Int32) {
        if (count + 1) * 3 > (mask + 1) * 2 { grow() }
        place(Slot(hash: UInt32(truncatingIfNeeded: hash), index: index))
        count += 1
    }

    /// Puts `new` in the place of `old`, which is in the table under `hash`.
    func replace(_ hash: UInt64, _ old: Int32, with new: Int32) {
        if let i = position(hash, old) { slots[i].index = new }
    }

    /// Removes `index`, which is in the table under `hash`.
    mutating func remove(_ hash: UInt64, _ index: Int32) {
        guard var hole = position(hash, index) else { return }
        count -= 1
        var next = (hole &+ 1) & mask
        while slots[next].index >= 0 {
            let home = Int(slots[next].hash) & mask
            // The entry may move into the hole unless its home lies behind the hole on the probe path.
            if (next &- home) & mask >= (next &- hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        slots[hole].index = -1
    }

    func eachIndex(_ body: (Int32) -> Void) {
        for i in 0...mask where slots[i].index >= 0 { body(slots[i].index) }
    }

    private func position(_ hash: UInt64, _ index: Int32) -> Int? {
        var i = Int(UInt32(truncatingIfNeeded: hash)) & mask
        while slots[i].index != index {
            if slots[i].index < 0 { return nil }
            i = (i &+ 1) & mask
        }
        return i
    }

    private func place(_ slot: Slot) {
        var i = Int(slot.hash) & mask
        while slots[i].index >= 0 { i = (i &+ 1) & mask }
        slots[i] = slot
    }

    private mutating func grow() {
        let old = slots
        let oldCapacity = mask + 1
        slots = Self.allocate(oldCapacity * 2)
        mask = oldCapacity * 2 - 1
        for i in 0..<oldCapacity where old[i].index >= 0 { place(old[i]) }
        old.deallocate()
    }

    private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        slots.initialize(repeating: Slot(hash: 0, index: -1), count: capacity)
        return slots
    }
}
