// SPDX-License-Identifier: Apache-2.0
// The ends of a stream: at once, after the last bytes have reached the peer, or half of it. A socket that is closed
// while the peer still sends answers with RST, which may destroy bytes the peer has not read yet (a DISCONNECT with its
// reason, say); lingering avoids that.

import CLinux
import Glibc

extension Stream {
    /// Closes at once; bytes the socket has taken are still sent, unless the peer goes on sending. `ended` is called
    /// before this returns.
    public final func closeNow() { end(.closedLocally) }

    /// Closes so that the last bytes written reach the peer: shuts the writing side down, then reads and drops what
    /// comes until the peer closes too, for at most `milliseconds`. `ended` is called before this returns; the owner
    /// needs the stream no more.
    public final func close(lingerMilliseconds milliseconds: UInt64 = 1000) {
        end(.closedLocally, lingerMilliseconds: milliseconds)
    }

    /// No more bytes from this side, as soon as those taken by `write` are sent; reading goes on.
    public final func shutdownWrite() {
        guard fd >= 0, !state.contains(.writeClosed) else { return }
        state.insert(.writeClosed)
        sayCloseNotify()
        if hasWaitingCiphertext {
            state.insert(.shutdownOwed)
        } else {
            shutDownSocket()
        }
    }

    final func shutDownSocket() {
        state.remove(.shutdownOwed)
        // The peer may be gone already; epoll tells.
        _ = linux_shutdown_write(fd)
    }

    /// Ends the stream for its owner, exactly once.
    final func end(_ reason: EndReason, lingerMilliseconds: UInt64? = nil) {
        if state.contains(.ended) { return }
        state.insert(.ended)
        loop.cancel(deadline)
        let writes = !state.contains(.writeClosed)
        if let lingerMilliseconds, !state.contains(.failed) {
            shutdownWrite()
            // A peer that is finished sends nothing that could provoke an RST.
            if !state.contains(.peerFinished) || hasWaitingCiphertext {
                linger(lingerMilliseconds)
                return ended(reason)
            }
        } else if writes {
            // Best effort: what the socket does not take now is lost.
            sayCloseNotify()
        }
        closeDescriptor()
        ended(reason)
        session = nil
    }

    private func linger(_ milliseconds: UInt64) {
        state.insert(.lingering)
        state.remove(.parked)
        deadline = loop.schedule(after: milliseconds) { [self] in finishLingering() }
        updateInterest()
    }

    final func readyWhileLingering(_ events: UInt32) {
        if events & EPOLLOUT.rawValue != 0 {
            state.remove(.wantsWrite)
            if flushCiphertext(), state.contains(.shutdownOwed) { shutDownSocket() }
        }
        if events & ~EPOLLOUT.rawValue != 0 {
            let count = recv(fd, loop.readBuffer, EventLoop.readBufferSize, 0)
            if count == 0 {
                state.insert(.peerFinished)
            } else if count < 0, !isTransient(errno) {
                return finishLingering()
            }
        }
        if state.contains(.peerFinished), !hasWaitingCiphertext { return finishLingering() }
        updateInterest()
    }

    final func finishLingering() {
        loop.cancel(deadline)
        closeDescriptor()
        session = nil
    }
}
