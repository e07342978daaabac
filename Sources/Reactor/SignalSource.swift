// SPDX-License-Identifier: Apache-2.0
// SIGINT, SIGTERM, SIGHUP and the like as events of a loop, through signalfd. SIGPIPE is ignored for the process.

import CLinux
import Glibc

/// Confinement as for `PollSource`.
public final class SignalSource: PollSource, @unchecked Sendable {
    private let handler: (Int32) -> Void

    /// Takes `signals` out of normal delivery for the calling thread and those it starts later: call it in the main
    /// thread before any other thread is started.
    public static func block(_ signals: [Int32]) {
        linux_ignore_sigpipe()
        var set = signalSet(signals)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Calls `handler` on the loop for each arrival of one of `signals`. They must be blocked in every thread.
    public init(loop: EventLoop, signals: [Int32], handler: @escaping (Int32) -> Void) throws(ReactorError) {
        self.handler = handler
        Self.block(signals)
        var set = signalSet(signals)
        let fd = linux_signalfd(&set)
        if fd < 0 {
            throw ReactorError(
                "cannot receive signals: \(describeError(errno)); raise the limit of open files (ulimit -n)"
            )
        }
        super.init(fd: fd, loop: loop)
        loop.adopt(self)
        _ = setInterest(EPOLLIN.rawValue)
    }

    /// Stops receiving; the signals stay blocked.
    public func close() { closeDescriptor() }

    override func loopStopped() { close() }

    /// One a turn: signals that come faster than they are handled must not keep the loop from everything else.
    override func ready(_ events: UInt32) {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard read(fd, &info, size) == size else { return }
        handler(Int32(info.ssi_signo))
    }
}

private func signalSet(_ signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    return set
}
