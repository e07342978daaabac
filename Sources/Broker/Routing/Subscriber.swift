// SPDX-License-Identifier: Apache-2.0
// Who gets the messages of one filter, in eight bytes.

import MQTT

/// A receiver behind a filter and how it wants the messages.
package struct Subscriber: Equatable, BitwiseCopyable {
    /// A session's arena index, or the complement of a destination's.
    var target: Int32
    var options: DeliveryOptions

    package init(session: Int32, options: DeliveryOptions) {
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
package struct DeliveryOptions: Equatable, BitwiseCopyable {
    var bits: UInt32

    package init(bits: UInt32) { self.bits = bits }

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

extension CompactList<Subscriber> {
    /// A search: of a plugin's destination, which does not know its place.
    func index(ofTarget target: Int32) -> Int? {
        for i in 0..<count where self[i].target == target { return i }
        return nil
    }
}
