// SPDX-License-Identifier: Apache-2.0
// Timers that fire when the test says so.

@testable import Broker

final class ManualTimers: BrokerTimers {
    private struct Entry {
        var token: UInt64
        var due: UInt64
    }

    private var entries: [UInt64: Entry] = [:]
    private var last: UInt64 = 0
    var now: UInt64 = 1

    var count: Int { entries.count }
    var nextDue: UInt64? { entries.values.map(\.due).min() }

    func schedule(_ token: UInt64, after delay: UInt64) -> UInt64 {
        last += 1
        entries[last] = Entry(token: token, due: now + delay)
        return last
    }

    func cancel(_ timer: UInt64) { entries[timer] = nil }

    /// The tokens that are due, the earliest first; they are forgotten.
    func takeDue() -> [UInt64] {
        let due = entries.filter { $0.value.due <= now }.sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
        for (timer, _) in due { entries[timer] = nil }
        return due.map(\.value.token)
    }
}
