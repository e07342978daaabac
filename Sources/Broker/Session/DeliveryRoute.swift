// SPDX-License-Identifier: Apache-2.0
// What is kept of a message's way beside its options: whether it goes out as retained, and by which shared
// subscription it came, so that another member gets it if this session ends first. One word.

import MQTT

/// A shared subscription by its names, which outlive membership and mean the same on every loop.
struct GroupName: Equatable {
    var filter: [UInt8]
    var group: [UInt8]
}

struct DeliveryRoute: Equatable {
    enum Source: Equatable {
        case plain
        /// A group that the session is a member of.
        case group(Int32)
        /// A place in `Broker.formerGroups` of the session.
        case former(Int32)
    }

    /// Bit 0: retain. Bit 1: former. From bit 2 on: number + 1, 0 = plain.
    private var bits: UInt32

    init(retain: Bool, source: Source = .plain) {
        bits = retain ? 1 : 0
        self.source = source
    }

    @inline(__always)
    init(retain: Bool, group: Int32) {
        bits = (retain ? 1 : 0) | UInt32(bitPattern: group &+ 1) << 2
    }

    @inline(__always)
    var retain: Bool { bits & 1 != 0 }

    @inline(__always)
    var isPlain: Bool { bits >> 2 == 0 }

    var source: Source {
        get {
            let number = Int32(bits >> 2) - 1
            if number < 0 { return .plain }
            return bits & 2 != 0 ? .former(number) : .group(number)
        }
        set {
            bits &= 1
            switch newValue {
            case .plain: break
            case .group(let number): bits |= UInt32(number + 1) << 2
            case .former(let number): bits |= UInt32(number + 1) << 2 | 2
            }
        }
    }
}
