// SPDX-License-Identifier: Apache-2.0
// Time as the broker sees it: handed in by whoever drives it, so that tests decide what time it is. Only the time
// stamp of a message, which goes to other machines, is read from the wall.

import Glibc

public enum Clock {
    /// Monotonic, for measuring what a piece of code costs.
    static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Milliseconds since 1970.
    public static var wallMilliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}

/// Timers of the loop a broker runs on. A fired timer comes back by `Broker.timerFired`.
public protocol BrokerTimers: AnyObject {
    /// Asks for `token` after `delay` ms; the answer is for `cancel`, and never 0.
    func schedule(_ token: UInt64, after delay: UInt64) -> UInt64
    func cancel(_ timer: UInt64)
}
