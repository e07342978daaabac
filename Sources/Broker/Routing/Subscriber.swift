// SPDX-License-Identifier: Apache-2.0
// Who gets the messages of one filter: eight bytes a subscriber, one of them without any allocation.

import MQTT

/// A receiver behind a filter and how it wants the messages.
struct Subscriber: Equatable {
    /// A session's arena index, or the complement of a destination's.
    var target: Int32
    var options: DeliveryOptions

    init(session: Int32, options: DeliveryOptions) {
        target = session
        self.options = options
    }

    init(destination: Int32) {
        target = ~destination
        options = DeliveryOptions(bits: 2)
    }

    @inline(__always)
    var isDestination: Bool { target < 0 }
    @inline(__always)
    var destination: Int32 { ~target }
}

/// The subscription options and the Subscription Identifier (28 bits at most) in one word.
struct DeliveryOptions: Equatable {
    var bits: UInt32

    init(bits: UInt32) { self.bits = bits }

    init(qos: UInt8, noLocal: Bool, retainAsPublished: Bool, subscriptionIdentifier: UInt32) {
        bits = UInt32(qos) | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | subscriptionIdentifier << 4
    }

    @inline(__always)
    var qos: UInt8 { UInt8(truncatingIfNeeded: bits & 3) }
    @inline(__always)
    var noLocal: Bool { bits & 4 != 0 }
    @inline(__always)
    var retainAsPublished: Bool { bits & 8 != 0 }
    /// 0 = none.
    @inline(__always)
    var subscriptionIdentifier: UInt32 { bits >> 4 }
}

struct SubscriberList {
    /// The one subscriber itself while `capacity` is 0, else the address of the array.
    private var storage: UInt64 = 0
    private var used: Int32 = 0
    private var capacity: Int32 = 0

    @inline(__always)
    var count: Int { Int(used) }
    @inline(__always)
    var isEmpty: Bool { used == 0 }

    @inline(__always)
    subscript(i: Int) -> Subscriber {
        get {
            assert(i >= 0 && i < count)
            return capacity == 0 ? unsafeBitCast(storage, to: Subscriber.self) : array[i]
        }
        set {
            assert(i >= 0 && i < count)
            if capacity == 0 { storage = unsafeBitCast(newValue, to: UInt64.self) } else { array[i] = newValue }
        }
    }

    @inline(__always)
    private var array: UnsafeMutablePointer<Subscriber> {
        UnsafeMutablePointer(bitPattern: UInt(storage)).unsafelyUnwrapped
    }

    /// A search: of a plugin's destination, which does not know its place.
    func index(ofTarget target: Int32) -> Int? {
        for i in 0..<count where self[i].target == target { return i }
        return nil
    }

    mutating func swapAt(_ i: Int, _ j: Int) {
        let other = self[i]
        self[i] = self[j]
        self[j] = other
    }

    /// Takes the subscriber at `i` out. The last one, if it is another, has its place now.
    mutating func remove(at i: Int) {
        assert(i >= 0 && i < count)
        used -= 1
        guard capacity > 0 else { return }
        array[i] = array[Int(used)]
        if used <= 1 {
            let old = array
            storage = used == 1 ? unsafeBitCast(old[0], to: UInt64.self) : 0
            capacity = 0
            old.deallocate()
        } else if used * 4 <= capacity {
            resize(capacity / 2)
        }
    }

    func deallocate() {
        if capacity > 0 { array.deallocate() }
    }

    /// Adds a subscriber that is not in the list yet.
    mutating func append(_ subscriber: Subscriber) {
        if used == 0 {
            storage = unsafeBitCast(subscriber, to: UInt64.self)
            used = 1
            return
        }
        if capacity == 0 {
            let first = unsafeBitCast(storage, to: Subscriber.self)
            let fresh = UnsafeMutablePointer<Subscriber>.allocate(capacity: 4)
            fresh[0] = first
            storage = UInt64(UInt(bitPattern: fresh))
            capacity = 4
        } else if used == capacity {
            resize(capacity * 2)
        }
        array[Int(used)] = subscriber
        used += 1
    }

    private mutating func resize(_ newCapacity: Int32) {
        let old = array
        let fresh = UnsafeMutablePointer<Subscriber>.allocate(capacity: Int(newCapacity))
        fresh.update(from: old, count: Int(used))
        old.deallocate()
        storage = UInt64(UInt(bitPattern: fresh))
        capacity = newCapacity
    }
}
