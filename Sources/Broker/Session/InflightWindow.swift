// SPDX-License-Identifier: Apache-2.0
// Outgoing QoS 1 and 2 messages between PUBLISH and their last acknowledgement. Packet identifiers are given out in
// sequence and a message stands in the slot of its identifier modulo the capacity, so that an acknowledgement finds
// it without a search.

import MQTT

struct InflightWindow {
    enum State: UInt8 {
        case free
        case awaitingPUBACK
        case awaitingPUBREC  // [MQTT-4.3.3-3]
        case awaitingPUBCOMP  // [MQTT-4.3.3-5]
    }

    struct Slot {
        var state: State = .free
        var packetIdentifier: UInt16 = 0
        var options: DeliveryOptions = DeliveryOptions(bits: 0)
        var route = DeliveryRoute(retain: false)
        /// Order of first sending, for sending again. [MQTT-4.6.0-1]
        var sequence: UInt32 = 0
        /// Absent once PUBREC came, as only the identifier is still in use then, and if it can never be sent again.
        var message: Message?

        var retain: Bool { route.retain }
    }

    private var slots: UnsafeMutablePointer<Slot>?
    private var mask = -1
    private(set) var count = 0
    private var lastIdentifier: UInt16 = 0
    /// How many messages were put in flight, modulo 2^32.
    private(set) var nextSequence: UInt32 = 0

    /// Puts a message (whose reference the window takes over; nil: it will not be asked for) in flight and returns its
    /// Packet Identifier, which is not in use [MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1]. The caller keeps `count` below 65,535.
    @inline(__always)
    mutating func add(_ message: Message, _ options: DeliveryOptions, retain: Bool, state: State) -> UInt16 {
        add(message, options, DeliveryRoute(retain: retain), state: state)
    }

    @inline(__always)
    mutating func add(_ message: Message?, _ options: DeliveryOptions, _ route: DeliveryRoute, state: State) -> UInt16 {
        if count > mask { grow() }
        let slots = slots.unsafelyUnwrapped
        var identifier = lastIdentifier
        repeat {
            identifier = identifier == .max ? 1 : identifier + 1
        } while slots[Int(identifier) & mask].state != .free
        lastIdentifier = identifier
        slots[Int(identifier) & mask] = Slot(
            state: state,
            packetIdentifier: identifier,
            options: options,
            route: route,
            sequence: nextSequence,
            message: message
        )
        nextSequence &+= 1
        count += 1
        return identifier
    }

    /// Leaves an identifier out for a message that expired in the queue, as brokers do that number what they queue.
    mutating func passOver() { lastIdentifier = lastIdentifier == .max ? 1 : lastIdentifier + 1 }

    /// The slot of an identifier in flight.
    @inline(__always)
    func find(_ identifier: UInt16) -> UnsafeMutablePointer<Slot>? {
        guard let slots else { return nil }
        let slot = slots + (Int(identifier) & mask)
        return slot.pointee.state != .free && slot.pointee.packetIdentifier == identifier ? slot : nil
    }

    /// Ends the flight of what stands in `slot`.
    @inline(__always)
    mutating func finish(_ slot: UnsafeMutablePointer<Slot>) {
        slot.pointee.message?.release()
        slot.pointee.message = nil
        slot.pointee.state = .free
        count -= 1
    }

    /// The message is not sent again. At QoS 2 the receiver may have it already, and keeps the identifier until a PUBREL.
    mutating func giveUp(_ slot: UnsafeMutablePointer<Slot>) {
        guard slot.pointee.state == .awaitingPUBREC else { return finish(slot) }
        slot.pointee.message?.release()
        slot.pointee.message = nil
        slot.pointee.state = .awaitingPUBCOMP
    }

    /// The slots in use, in the order of first sending.
    var inOrder: [UnsafeMutablePointer<Slot>] {
        guard let slots, count > 0 else { return [] }
        return (0...mask).map { slots + $0 }
            .filter { $0.pointee.state != .free }
            .sorted { Int32(bitPattern: $0.pointee.sequence &- $1.pointee.sequence) < 0 }
    }

    private mutating func grow() {
        let oldMask = mask
        let old = slots
        mask = max(16, (oldMask + 1) * 2) - 1
        let fresh = UnsafeMutablePointer<Slot>.allocate(capacity: mask + 1)
        fresh.initialize(repeating: Slot(), count: mask + 1)
        if let old {
            // Identifiers that differ modulo the old capacity differ modulo twice of it, too.
            for i in 0...oldMask where old[i].state != .free {
                fresh[Int(old[i].packetIdentifier) & mask] = old[i]
            }
            old.deallocate()
        }
        slots = fresh
    }

    /// Makes every message the window's own, as it goes to another loop.
    func unshareMessages() {
        guard let slots else { return }
        for i in 0...mask { slots[i].message = slots[i].message?.unshared() }
    }

    mutating func deallocate() {
        if let slots {
            for i in 0...mask { slots[i].message?.release() }
            slots.deallocate()
        }
        slots = nil
        mask = -1
        count = 0
    }
}
