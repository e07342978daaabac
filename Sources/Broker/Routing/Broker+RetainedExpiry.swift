// SPDX-License-Identifier: Apache-2.0
// Retained messages that expire are taken out when they do, so that their memory and their number do not depend on
// somebody asking for them. As long as there are any that can expire, those of the last second are looked at once a
// second; if they are very many, the loop does other work in between.

import MQTT

extension Broker {
    private static var sweptPerTurn: Int { 4096 }

    /// The message at `node` expires then.
    func sweepRetained(_ node: Int32, _ expiresAt: UInt64) {
        // The latest is 136 years after the machine's start.
        retained.expire(node, in: max(UInt32(clamping: (expiresAt + 999) / 1000), 1))
        guard !isSweepingRetained else { return }
        isSweepingRetained = true
        sweptUpTo = UInt32(clamping: now / 1000)
        scheduleSweep(after: 1000 - now % 1000)
    }

    private func scheduleSweep(after delay: UInt64) {
        _ = timers.schedule(TimerToken(.retainedSweep, slot: 0, generation: 1).rawValue, after: delay)
    }

    func sweepRetained() {
        let second = UInt32(clamping: now / 1000)
        var left = Self.sweptPerTurn
        while sweptUpTo < second {
            while let node = retained.anyExpiring(in: sweptUpTo + 1) {
                guard left > 0 else { return scheduleSweep(after: 1) }
                left -= 1
                retained.removeMessage(at: node)
            }
            sweptUpTo += 1
        }
        isSweepingRetained = retained.hasExpiring
        if isSweepingRetained { scheduleSweep(after: 1000 - now % 1000) }
    }
}
