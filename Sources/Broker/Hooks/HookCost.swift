// SPDX-License-Identifier: Apache-2.0
// What a plugin's hook costs: every call is counted, one in 64 is timed, since looking at the clock twice costs more than
// most hooks do.

struct HookCost {
    private(set) var calls: UInt64 = 0
    private(set) var samples: UInt64 = 0
    private(set) var nanoseconds: UInt64 = 0

    /// Counts a call. Returns whether it is to be timed.
    @inline(__always)
    mutating func count() -> Bool {
        calls &+= 1
        return calls & 63 == 1
    }

    mutating func add(_ elapsed: UInt64) {
        samples &+= 1
        nanoseconds &+= elapsed
    }
}

/// The cost of one plugin's hook, on one loop or on several together.
public struct HookFigure: Sendable {
    public let plugin: String
    public let hook: String
    public internal(set) var calls: UInt64
    var samples: UInt64
    var nanoseconds: UInt64

    /// Of the calls that were timed.
    public var averageNanoseconds: UInt64 { samples == 0 ? 0 : nanoseconds / samples }

    /// Adds the same hook's cost on another loop.
    public mutating func add(_ other: HookFigure) {
        calls &+= other.calls
        samples &+= other.samples
        nanoseconds &+= other.nanoseconds
    }
}
