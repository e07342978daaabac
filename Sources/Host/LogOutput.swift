// SPDX-License-Identifier: Apache-2.0
// Where log lines go. Nobody may wait for them: if the descriptor is a pipe that its reader does not empty, lines are
// left out, and the first one after them says how many.

import Glibc
import Synchronization

final class LogOutput: Sendable {
    private let descriptor: Int32
    private let missing = Mutex(0)

    /// The descriptor stays the caller's.
    init(descriptor: Int32) { self.descriptor = descriptor }

    /// A line with its end, written whole or not at all, but for one that is longer than a pipe takes at once.
    func write(_ line: String) {
        missing.withLock { missing in
            if missing > 0 {
                guard put("\(missing) lines of the log are missing here: nobody read them in time\n") else {
                    missing += 1
                    return
                }
                missing = 0
            }
            if !put(line) { missing += 1 }
        }
    }

    private func put(_ line: String) -> Bool {
        var line = line
        return line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                guard isReady else { return false }
                // As much as a pipe that is ready takes without a wait.
                let count = Glibc.write(descriptor, rest.baseAddress, min(rest.count, Int(PIPE_BUF)))
                guard count > 0 || errno == EINTR else { return false }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(count, 0)))
            }
            return true
        }
    }

    private var isReady: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 0) == 1 && entry.revents & Int16(POLLOUT) != 0
    }
}
