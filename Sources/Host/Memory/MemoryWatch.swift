// SPDX-License-Identifier: Apache-2.0
// Looks at the process's memory now and then, on loop 0: when it comes near its limit the brokers are told, which then
// refuse what is new and give up what takes most; and what the allocator keeps without use goes back to the system.

import Broker
import CLinux
import Config
import Glibc
import Reactor

/// Used on loop 0, but for `trim`.
final class MemoryWatch: @unchecked Sendable {
    private let runtime: Runtime
    let budget: MemoryBudget
    private(set) var pressure = MemoryPressure.none
    private var trimming: TrimRule
    private var nextComplaint: UInt64 = 0
    /// Bytes that the loops had taken and sent at the last look.
    private var traffic = 0

    init(_ runtime: Runtime, _ budget: MemoryBudget) {
        self.runtime = runtime
        self.budget = budget
        trimming = TrimRule(base: budget.start.resident)
    }

    private var loop: EventLoop { runtime.loops[0].loop }

    func start() { lookLater(at: 0) }

    private func lookLater(at share: Double) {
        _ = loop.schedule(after: budget.interval(at: share)) { [self] in look() }
    }

    private func look() {
        guard let use = ProcessMemory.now else { return lookLater(at: 0) }
        let share = budget.share(use) { AllocatorFigures.now.free }
        change(to: MemoryBudget.pressure(at: share, before: pressure), share, use)
        if pressure == .severe {
            shed(share)
        } else if pressure == .high || trimming.isDue(use.resident, at: loop.nowMilliseconds) {
            considerTrimming(share)
        } else {
            lookLater(at: share)
        }
    }

    private func change(to new: MemoryPressure, _ share: Double, _ use: ProcessMemory) {
        guard new != pressure else { return }
        let old = pressure
        pressure = new
        for home in runtime.loops { runtime.run(on: home) { home.current.adopt(new) } }
        let what =
            switch new {
            case .none: "everything is taken again"
            case .high: "new sessions and large messages are refused"
            case .severe: "queues do not grow any more, and the largest are given up"
            }
        runtime.log(
            new > old ? .warning : .notice,
            "memory: \(use.resident >> 20) MB, \(Int(share * 100)) % of what is allowed (node.max_memory); \(what)"
        )
    }

    // MARK: Giving up

    private func shed(_ share: Double) {
        let excess = budget.excess(at: share)
        let started = loop.nowMilliseconds
        sum(of: \.sheddableBytes) { [self] total in
            if total == 0, started >= nextComplaint {
                nextComplaint = started + 60_000
                runtime.log(
                    .error,
                    "memory: nothing is left to be given up; raise node.max_memory, or look for who takes it"
                )
            }
            let part = total > 0 ? Double(excess) / Double(total) : 0
            sum(
                of: { $0.shed(Int(part * Double($0.sheddableBytes)) + 1) },
                then: { [self] _ in trim(thenLookAt: share) }
            )
        }
    }

    // MARK: Giving back

    /// The allocator is asked, and trimmed, on a thread that may wait: it holds up loops only while it holds their locks.
    private func considerTrimming(_ share: Double) {
        sum(of: \.traffic) { [self] total in
            let bytes = UInt64(total - traffic)
            traffic = total
            let isWanted = pressure != .none
            if isWanted || trimming.mayDisturb(bytes, at: loop.nowMilliseconds) {
                trim(thenLookAt: share)
            } else {
                lookLater(at: share)
            }
        }
    }

    private func trim(thenLookAt share: Double) {
        let rule = trimming
        let isSubmitted = runtime.pool.submit { [self] in
            var rule = rule
            rule.run()
            let after = rule
            runtime.run(on: runtime.loops[0]) { [self] in
                trimming = after
                trimming.lookedAt = loop.nowMilliseconds
                lookLater(at: share)
            }
        }
        if !isSubmitted { lookLater(at: share) }
    }

    /// Adds what `figure` says of each broker, on its loop, and hands the sum over on loop 0.
    private func sum(
        of figure: @escaping @Sendable (Broker) -> Int,
        from index: Int = 0,
        _ sum: Int = 0,
        then done: @escaping @Sendable (Int) -> Void
    ) {
        guard index < runtime.loops.count else { return runtime.run(on: runtime.loops[0]) { done(sum) } }
        let home = runtime.loops[index]
        runtime.run(on: home) { [self] in
            self.sum(of: figure, from: index + 1, sum + figure(home.current), then: done)
        }
    }
}

extension Broker {
    /// Bytes that clients sent and were sent.
    fileprivate var traffic: Int { Int(truncatingIfNeeded: counters.bytesReceived &+ counters.bytesSent) }
}
