// SPDX-License-Identifier: Apache-2.0
// Topic aliases towards one client that takes them [MQTT-3.3.2-10]. Each topic has a few places it can have, found by its
// hash. It gets a free one at once, and where none is left when it comes again: one that comes once gains nothing. Then
// it takes the place that was of least use, which loses some of its standing each time somebody else wanted it.

import MQTT

struct OutgoingAliases {
    /// What a PUBLISH with a topic may say of an alias. Nothing has happened before `commit`: a packet that is not sent
    /// must not have set an alias.
    enum Choice {
        case none
        /// Topic name and alias: from here on the alias stands for the topic.
        case define(UInt16)
        /// Alias only.
        case use(UInt16)
    }

    private struct Slot {
        var hash: UInt64 = 0
        /// Empty until the client knows the alias.
        var topic = OwnedBytes.empty
        var standing: UInt8 = 0
    }

    /// A shorter topic name is as short as its alias property, or nearly.
    static var shortestTopic: Int { 5 }
    private static var places: Int { 4 }
    private static var highestStanding: UInt8 { 15 }

    /// As many as there may be aliases; how many, the connection knows.
    private let slots: UnsafeMutablePointer<Slot>

    /// `limit` is not 0.
    init(limit: UInt16) {
        slots = .allocate(capacity: Int(limit))
        slots.initialize(repeating: Slot(), count: Int(limit))
    }

    /// Aliases are slots counted from 1. The topic has at least `shortestTopic` bytes. [MQTT-3.3.2-11]
    func choose(_ topic: ByteView, limit: UInt16) -> Choice {
        let count = Int(limit)
        let hash = topic.hash64
        let home = Int(UInt64(UInt32(truncatingIfNeeded: hash >> 32)) * UInt64(limit) >> 32)
        var weakest = home
        var i = home
        for _ in 0..<min(Self.places, count) {
            if slots[i].hash == hash {
                if slots[i].topic.isEmpty { return .define(UInt16(i + 1)) }
                if slots[i].topic.view == topic {
                    if slots[i].standing < Self.highestStanding { slots[i].standing += 1 }
                    return .use(UInt16(i + 1))
                }
            }
            if slots[i].standing < slots[weakest].standing { weakest = i }
            i = i + 1 == count ? 0 : i + 1
        }
        if slots[weakest].hash == 0 {
            slots[weakest].hash = hash
            return .define(UInt16(weakest + 1))
        }
        if slots[weakest].standing > 0 {
            slots[weakest].standing -= 1
        } else {
            // Seen once. What the client knows of the alias is overwritten when it is defined.
            slots[weakest].topic.deallocate()
            slots[weakest] = Slot(hash: hash, standing: 1)
        }
        return .none
    }

    /// The packet that defines the alias is on its way.
    func commit(_ alias: UInt16, _ topic: ByteView) {
        let slot = slots + (Int(alias) - 1)
        slot.pointee.topic.deallocate()
        slot.pointee.topic = OwnedBytes(copying: topic)
        slot.pointee.standing = 2
    }

    func deallocate(limit: UInt16) {
        for i in 0..<Int(limit) { slots[i].topic.deallocate() }
        slots.deallocate()
    }
}
