// SPDX-License-Identifier: Apache-2.0
// What the allocator keeps without use, and when that goes back to the system.

import CLinux
import Glibc

struct AllocatorFigures {
    /// Bytes in use, and bytes that are kept without use.
    var used: Int
    var free: Int

    static var now: AllocatorFigures {
        let figures = mallinfo2()
        return AllocatorFigures(used: Int(figures.uordblks) + Int(figures.hblkhd), free: Int(figures.fordblks))
    }
}

/// When the allocator's unused memory is worth giving back. Each loop allocates from a heap of its own, which shrinks by
/// itself only if its very end is free.
struct TrimRule {
    /// Resident when nothing had been allocated yet.
    let base: Int
    var lookedAt: UInt64 = 0
    private var interval: UInt64 = 5000
    /// What stayed resident without use when it was trimmed last: it lies between what is used.
    private var stubborn = 0

    static let least = 16 << 20
    /// Traffic below which nobody minds, and how long one waits for it, ms.
    static let quiet: UInt64 = 256 << 10
    static let patience: UInt64 = 60_000

    init(base: Int) { self.base = base }

    func isDue(_ resident: Int, at now: UInt64) -> Bool {
        resident - base >= Self.least && now >= lookedAt + interval
    }

    /// `bytes` were moved since the last look.
    func mayDisturb(_ bytes: UInt64, at now: UInt64) -> Bool {
        bytes < Self.quiet || now >= lookedAt + max(interval, Self.patience)
    }

    /// Whether so much is resident beside what is used.
    func isWorthTrimming(_ resident: Int, used: Int) -> Bool {
        let unused = resident - base - used
        return unused >= Self.least + stubborn && unused >= resident / 4
    }

    /// Asks the allocator and trims it if that is worth it. Any thread.
    mutating func run() {
        let started = MonotonicClock.milliseconds
        guard let before = ProcessMemory.now else { return }
        let used = AllocatorFigures.now.used
        if isWorthTrimming(before.resident, used: used) {
            _ = malloc_trim(0)
            if let after = ProcessMemory.now { stubborn = max(0, after.resident - base - used) }
        }
        // What takes long is done seldom: a thousandth of the time at most.
        interval = max(5000, (MonotonicClock.milliseconds - started) * 1000)
    }
}

private enum MonotonicClock {
    static var milliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
