// SPDX-License-Identifier: Apache-2.0
// One number a loop, of which the sum has a limit. Each loop writes its own at the end of its turns; others may read it
// a turn late.

import Synchronization

final class LoopSums: Sendable {
    private let numbers: [Padded]

    /// A cache line for each: neighbours are written by different threads.
    private final class Padded: Sendable {
        let value = Atomic<Int>(0)
        let rest = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    }

    init() { numbers = (0..<64).map { _ in Padded() } }

    func set(_ loop: Int, _ value: Int) { numbers[loop].value.store(value, ordering: .relaxed) }

    /// Of all loops but one.
    func sum(without loop: Int, of count: Int) -> Int {
        var sum = 0
        for other in 0..<count where other != loop { sum += numbers[other].value.load(ordering: .relaxed) }
        return sum
    }
}
