// SPDX-License-Identifier: Apache-2.0
// What an event loop watches: one descriptor and the events wanted of it. Stream, Listener, Connector and SignalSource
// build on it; nobody outside this module can.

import CLinux
import Glibc

/// Confinement: made, used and closed on its loop's thread (or before the loop runs). It is `Sendable` only so that
/// closures posted to that loop may carry it.
open class PollSource: @unchecked Sendable {
    public final let loop: EventLoop
    /// -1 once closed.
    public internal(set) final var fd: Int32
    /// The events that epoll reports at present; 0 means that the descriptor is not in the epoll set.
    final var interest: UInt32 = 0

    init(fd: Int32, loop: EventLoop) {
        self.fd = fd
        self.loop = loop
    }

    /// Called on the loop with epoll's event bits. A source that was closed earlier in the turn is not called.
    func ready(_ events: UInt32) {}

    /// The loop ends: close and tell the owner.
    func loopStopped() {}

    /// Changes what epoll reports. Errors and hang-ups come unasked as long as `wanted` is not 0.
    final func setInterest(_ wanted: UInt32) -> Bool {
        if wanted == interest { return true }
        let operation = interest == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        guard linux_epoll_control(loop.epoll, operation, fd, wanted, pointer) == 0 else { return false }
        interest = wanted
        return true
    }

    /// Leaves epoll and closes the descriptor. The object lives on until the turn ends: epoll's answer of this turn may
    /// still point at it.
    final func closeDescriptor() {
        guard fd >= 0 else { return }
        // Explicitly, before close: a child between fork and exec may hold the file open and with it the registration.
        _ = setInterest(0)
        loop.retire(self)
        close(fd)
        fd = -1
    }

    /// Gives the descriptor away, open, without closing it.
    final func releaseDescriptor() -> Int32 {
        _ = setInterest(0)
        loop.retire(self)
        let released = fd
        fd = -1
        return released
    }
}
