// SPDX-License-Identifier: Apache-2.0
// Timers by the million: a hierarchical wheel of eight levels with 64 slots each, one millisecond at the bottom. It
// inserts and cancels in constant time; a bitmap per level says which slots are in use, so that a jump over hours looks
// at the occupied slots only. It knows no clock (time is passed in) and calls nobody (the owner takes what expired).

/// Names one timer. Ids are not used again: an id whose timer fired or was cancelled stays dead.
public struct TimerID: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32

    /// The id of no timer; cancelling it does nothing.
    public static let none = TimerID(index: 0, generation: 0)

    /// One word that stands for the timer where no type of this module can.
    public var rawValue: UInt64 { UInt64(generation) << 32 | UInt64(index) }

    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    public init(rawValue: UInt64) {
        self.init(index: UInt32(truncatingIfNeeded: rawValue), generation: UInt32(truncatingIfNeeded: rawValue >> 32))
    }
}

struct TimerWheel<Payload> {
    private struct Node {
        var deadline: UInt64
        var payload: Payload?
        var next: Int32
        var previous: Int32
        /// Milliseconds between repetitions, 0 for a timer that fires once.
        var interval: UInt32
        var generation: UInt32
        /// Index into `slots`, or `nowhere`.
        var slot: Int32
    }

    private struct Slot {
        var first = none
        var last = none
    }

    private static var levels: Int { 8 }
    private static var none: Int32 { -1 }
    /// The list of timers that are due and wait to be taken; it stands behind the wheel's own slots.
    private static var dueSlot: Int { levels * 64 }
    /// Beyond this distance (8,900 years) a deadline is cut: the top level must not wrap around.
    private static var horizon: UInt64 { 1 << 48 - 1 }

    private var nodes: [Node] = []
    private var free = none
    private var slots = [Slot](repeating: Slot(), count: levels * 64 + 1)
    private var occupied = [UInt64](repeating: 0, count: levels)
    private var elapsed: UInt64
    private(set) var count = 0

    /// An empty wheel that stands at `now` milliseconds.
    init(now: UInt64) { elapsed = min(now, Self.horizon - 1) }

    /// A timer for `deadline`; one that has passed is due at the next millisecond.
    mutating func insert(deadline: UInt64, interval: UInt32 = 0, payload: Payload) -> TimerID {
        let index: Int32
        if free != Self.none {
            index = free
            free = nodes[Int(index)].next
        } else {
            index = Int32(nodes.count)
            nodes.append(
                Node(
                    deadline: 0,
                    payload: nil,
                    next: Self.none,
                    previous: Self.none,
                    interval: 0,
                    generation: 1,
                    slot: Self.none
                )
            )
        }
        nodes[Int(index)].payload = payload
        nodes[Int(index)].interval = interval
        place(index, deadline: deadline)
        count += 1
        return TimerID(index: UInt32(index), generation: nodes[Int(index)].generation)
    }

    /// Takes a timer out before it fires, even if it is due already. False if it is gone.
    @discardableResult
    mutating func cancel(_ id: TimerID) -> Bool {
        guard id.index < nodes.count, nodes[Int(id.index)].generation == id.generation,
            nodes[Int(id.index)].slot != Self.none
        else { return false }
        unlink(Int32(id.index))
        release(Int32(id.index))
        return true
    }

    /// The next timer that is due at `now`, in order of deadline and, within a millisecond, of insertion; nil when none
    /// is left. A repeating timer is put back first, so that it may be cancelled while it is handled.
    mutating func takeExpired(now: UInt64) -> (id: TimerID, payload: Payload)? {
        while slots[Self.dueSlot].first == Self.none {
            guard let (level, slot, start) = nextOccupied(), start <= now else {
                elapsed = max(elapsed, min(now, Self.horizon - 1))
                return nil
            }
            elapsed = max(elapsed, start)
            spill(level: level, slot: slot)
        }
        let index = slots[Self.dueSlot].first
        let node = nodes[Int(index)]
        unlink(index)
        guard let payload = node.payload else { return nil }
        let id = TimerID(index: UInt32(index), generation: node.generation)
        if node.interval > 0 {
            // Repetitions that were missed while the loop was busy are left out, not made up for.
            let missed = (max(now, node.deadline) - node.deadline) / UInt64(node.interval)
            place(index, deadline: node.deadline + (missed + 1) * UInt64(node.interval))
        } else {
            release(index)
        }
        return (id, payload)
    }

    /// When the owner should look again, nil for never. It may be earlier than the nearest deadline (a slot of a
    /// higher level opens), never later.
    var nextWake: UInt64? {
        if slots[Self.dueSlot].first != Self.none { return elapsed }
        return nextOccupied()?.start
    }

    // The highest six-bit group in which deadline and elapsed differ is the level. So every slot in use lies ahead of
    // the hand of its level, and the lowest level in use holds the nearest deadline.

    private func nextOccupied() -> (level: Int, slot: Int, start: UInt64)? {
        for level in 0..<Self.levels where occupied[level] != 0 {
            let slot = occupied[level].trailingZeroBitCount
            let shift = UInt64(level * 6)
            let above = (elapsed >> (shift + 6)) << (shift + 6)
            return (level, slot, above | UInt64(slot) << shift)
        }
        return nil
    }

    /// Empties a slot whose time has come: down one or more levels, or into the due list.
    private mutating func spill(level: Int, slot: Int) {
        let position = level * 64 + slot
        var index = slots[position].first
        slots[position] = Slot()
        occupied[level] &= ~(1 << UInt64(slot))
        while index != Self.none {
            let next = nodes[Int(index)].next
            if nodes[Int(index)].deadline <= elapsed {
                append(index, to: Self.dueSlot)
            } else {
                place(index, deadline: nodes[Int(index)].deadline)
            }
            index = next
        }
    }

    private mutating func place(_ index: Int32, deadline: UInt64) {
        let when = min(max(deadline, elapsed + 1), Self.horizon)
        nodes[Int(index)].deadline = when
        let level = (63 - (when ^ elapsed).leadingZeroBitCount) / 6
        let slot = Int(when >> UInt64(level * 6)) & 63
        append(index, to: level * 64 + slot)
        occupied[level] |= 1 << UInt64(slot)
    }

    private mutating func append(_ index: Int32, to slot: Int) {
        let last = slots[slot].last
        nodes[Int(index)].slot = Int32(slot)
        nodes[Int(index)].previous = last
        nodes[Int(index)].next = Self.none
        if last == Self.none { slots[slot].first = index } else { nodes[Int(last)].next = index }
        slots[slot].last = index
    }

    private mutating func unlink(_ index: Int32) {
        let (next, previous) = (nodes[Int(index)].next, nodes[Int(index)].previous)
        let slot = Int(nodes[Int(index)].slot)
        if previous == Self.none { slots[slot].first = next } else { nodes[Int(previous)].next = next }
        if next == Self.none { slots[slot].last = previous } else { nodes[Int(next)].previous = previous }
        nodes[Int(index)].slot = Self.none
        if slot < Self.dueSlot, slots[slot].first == Self.none { occupied[slot / 64] &= ~(1 << UInt64(slot % 64)) }
    }

    private mutating func release(_ index: Int32) {
        nodes[Int(index)].payload = nil
        nodes[Int(index)].generation = nodes[Int(index)].generation == .max ? 1 : nodes[Int(index)].generation + 1
        nodes[Int(index)].next = free
        free = index
        count -= 1
    }
}
