// SPDX-License-Identifier: Apache-2.0
// The watch over a peer that does not take what it is sent. It costs a timer while bytes wait, and nothing else.

import CLinux
import Glibc

extension Stream {
    /// Begins to look, four times in the time the peer has, whether the socket has got rid of a byte.
    final func watchSending() {
        let limit = sendTimeoutMilliseconds
        guard limit > 0, !isShakingHands, state.isDisjoint(with: [.lingering, .failed, .ended]) else { return }
        state.insert(.sendWatched)
        look(every: max(limit / 4, 1), limit: limit, unsent: linux_unsent(fd), since: loop.nowMilliseconds)
    }

    private func look(every interval: UInt64, limit: UInt64, unsent: Int32, since: UInt64) {
        state.remove(.sendProgressed)
        deadline = loop.schedule(after: interval) { [self] in
            guard fd >= 0, state.contains(.wantsWrite) else {
                state.remove(.sendWatched)
                return
            }
            let now = linux_unsent(fd)
            if state.contains(.sendProgressed) || now < unsent {
                look(every: interval, limit: limit, unsent: now, since: loop.nowMilliseconds)
            } else if loop.nowMilliseconds - since >= limit {
                end(.sendTimedOut(limit))
            } else {
                look(every: interval, limit: limit, unsent: unsent, since: since)
            }
        }
    }
}
