// SPDX-License-Identifier: Apache-2.0
// A joinable POSIX thread with a name, for event loops and the blocking pool. No pool, no priorities, no cancelling.

import CLinux
import Glibc

public final class Thread: @unchecked Sendable {
    private var handle = pthread_t()
    private var joined = false

    /// Starts `body` on a new thread. `name` is cut to the 15 bytes that Linux keeps.
    public init(name: String, _ body: @escaping @Sendable () -> Void) throws(ReactorError) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let result = pthread_create(&handle, nil, runThread, start.toOpaque())
        if result != 0 {
            start.release()
            joined = true
            throw ReactorError(
                "cannot start the thread \(name): \(describeError(result)); raise the limit of processes (ulimit -u)"
            )
        }
    }

    /// Waits for the thread's end. The thread that started it calls this once.
    public func join() {
        if joined { return }
        joined = true
        pthread_join(handle, nil)
    }

    deinit {
        if !joined { pthread_detach(handle) }
    }
}

private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument {
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        linux_set_thread_name(String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
        start.body()
    }
    return nil
}
