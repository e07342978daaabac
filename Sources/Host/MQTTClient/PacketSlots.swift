// SPDX-License-Identifier: Apache-2.0
// The packet identifiers that this side has given out: one slot each, found by the identifier itself. A slot remembers
// the plugin's cookie and which answer comes next.

struct PacketSlots: Sendable {
    enum Awaits: UInt8, Sendable {
        case nothing
        case puback
        case pubrec
        case pubcomp
        /// PUBCOMP for a QoS 2 message of an earlier connection, which is forgotten: nobody asks for the answer.
        case release
        case suback
        case unsuback
    }

    private struct Slot: Sendable {
        var cookie: UInt64 = 0
        /// The next free slot's identifier, 0 = none.
        var nextFree: UInt16 = 0
        var awaits = Awaits.nothing
        /// What the PUBREC said.
        var reason: UInt8 = 0
    }

    private let first: UInt16
    private let capacity: Int
    private var slots: [Slot] = []
    private var free: UInt16 = 0
    private(set) var count = 0

    /// Identifiers `first` ..< `first` + `capacity`.
    init(first: UInt16, capacity: Int) {
        assert(first > 0 && Int(first) + capacity <= 65_536)
        self.first = first
        self.capacity = capacity
    }

    /// An identifier that is not in use; nil if all are.
    mutating func take(_ awaits: Awaits, cookie: UInt64) -> UInt16? {
        let identifier: UInt16
        if free != 0 {
            identifier = free
            free = slots[Int(identifier &- first)].nextFree
        } else {
            guard slots.count < capacity else { return nil }
            identifier = first &+ UInt16(truncatingIfNeeded: slots.count)
            slots.append(Slot())
        }
        let index = Int(identifier &- first)
        slots[index].cookie = cookie
        slots[index].awaits = awaits
        slots[index].reason = 0
        count &+= 1
        return identifier
    }

    /// What the identifier waits for; `.nothing` if it is not one of these or not in use.
    func awaits(_ identifier: UInt16) -> Awaits {
        guard identifier >= first else { return .nothing }
        let index = Int(identifier &- first)
        return index < slots.count ? slots[index].awaits : .nothing
    }

    /// The PUBREC came. Only for an identifier that waits for it.
    mutating func received(_ identifier: UInt16, reason: UInt8) {
        let index = Int(identifier &- first)
        slots[index].awaits = .pubcomp
        slots[index].reason = reason
    }

    /// Frees the identifier, which must be in use.
    mutating func finish(_ identifier: UInt16) -> (cookie: UInt64, reason: UInt8) {
        let index = Int(identifier &- first)
        let slot = slots[index]
        slots[index].awaits = .nothing
        slots[index].nextFree = free
        free = identifier
        count &-= 1
        return (slot.cookie, slot.reason)
    }

    mutating func removeAll() {
        slots = []
        free = 0
        count = 0
    }

    /// Frees everything but the QoS 2 messages whose identifiers the server may still hold, and hands those over, to be
    /// released: a new message with such an identifier would be taken for the old one. [MQTT-4.3.3-10]
    mutating func forget(_ release: (UInt16) -> Void) {
        free = 0
        count = 0
        for index in slots.indices {
            let identifier = first &+ UInt16(truncatingIfNeeded: index)
            switch slots[index].awaits {
            case .pubrec, .pubcomp, .release:
                slots[index].awaits = .release
                count += 1
                release(identifier)
            case .nothing, .puback, .suback, .unsuback:
                slots[index].awaits = .nothing
                slots[index].nextFree = free
                free = identifier
            }
        }
    }
}
