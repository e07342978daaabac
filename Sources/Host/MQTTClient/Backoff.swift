// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next try to connect: doubling from a minimum to a maximum, from the start again after a
// connection that lasted.

struct Backoff: Sendable {
    private let minimum: UInt64
    private let maximum: UInt64
    private var current: UInt64

    /// In milliseconds; 0 and 0 = never try again.
    init(minimum: UInt32, maximum: UInt32) {
        // A wait of nothing could not double.
        self.minimum = UInt64(max(minimum, 1))
        self.maximum = max(UInt64(maximum), self.minimum)
        current = maximum == 0 && minimum == 0 ? 0 : self.minimum
    }

    /// The wait before the next try, nil for never. Up to an eighth is added by `random`, any number, so that many
    /// connections that were lost together do not come back together.
    mutating func next(random: UInt64) -> UInt64? {
        guard current > 0 else { return nil }
        let wait = min(maximum, current + random % (current / 8 + 1))
        current = min(maximum, current * 2)
        return wait
    }

    /// A connection that lasted at least as long as the next wait was a success; a shorter one was not: a server that
    /// accepts and drops must not be asked faster and faster.
    mutating func connectionEnded(after milliseconds: UInt64) {
        if current > 0, milliseconds >= current { current = minimum }
    }
}
