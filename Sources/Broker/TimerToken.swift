// SPDX-License-Identifier: Apache-2.0
// What a timer of the broker is for: kind (4 bits), generation (28) and slot (32), so that a timer that fires for
// something that is gone is recognised.

struct TimerToken {
    enum Kind: UInt64 {
        case connection = 1
        case session = 2
        case rate = 3
        /// Expired retained messages are to be taken out.
        case retainedSweep = 8
        /// Somebody waits for retained messages.
        case retainedReading = 9
        /// A delayed message is due.
        case delayed = 10
        /// Clients wait for their turn.
        case turn = 11
        /// Sessions end that have very many subscriptions.
        case ending = 12
    }

    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(_ kind: Kind, slot: Int32, generation: UInt32) {
        rawValue = kind.rawValue << 60 | UInt64(generation) << 32 | UInt64(UInt32(bitPattern: slot))
    }

    var kind: Kind? { Kind(rawValue: rawValue >> 60) }
    var slot: Int32 { Int32(truncatingIfNeeded: rawValue) }
    var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) & 0xFFF_FFFF }

    /// The generation after `generation`: 28 bits, never 0.
    static func next(_ generation: UInt32) -> UInt32 { max((generation &+ 1) & 0xFFF_FFFF, 1) }
}
