// SPDX-License-Identifier: Apache-2.0
// A few threads for work that blocks: name look-ups, password hashing, files. Both the threads and the queue are
// bounded; a full queue is the caller's to answer. Results go back by posting to a loop.

import Glibc

/// Thread safety: all state is guarded by `lock`.
public final class BlockingPool: @unchecked Sendable {
    private let lock = Lock()
    private let threadLimit: Int
    private let queueLimit: Int
    private var queue: [@Sendable () -> Void] = []
    /// Work before this index was taken already.
    private var head = 0
    private var threads: [Thread] = []
    private var idle = 0
    private var closed = false

    /// Threads are started when work first needs them.
    public init(threads: Int = 4, queue: Int = 1024) {
        threadLimit = max(1, threads)
        queueLimit = max(1, queue)
    }

    /// Queues `work`; false if the queue is full, the pool is shut down or no thread can be started. Any thread.
    public func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        lock.withLock {
            let waiting = queue.count - head
            guard !closed, waiting < queueLimit else { return false }
            if idle <= waiting, threads.count < threadLimit {
                let thread = try? Thread(name: "blocking-\(threads.count)") { [self] in serve() }
                if let thread { threads.append(thread) } else if threads.isEmpty { return false }
            }
            queue.append(work)
            lock.signal()
            return true
        }
    }

    /// Takes no more work, does what is queued, and returns when all threads have ended. Not from one of them.
    public func shutdown() {
        let ending = lock.withLock {
            closed = true
            lock.broadcast()
            let all = threads
            threads = []
            return all
        }
        for thread in ending { thread.join() }
    }

    private func serve() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        lock.withLock {
            idle += 1
            defer { idle -= 1 }
            while head == queue.count {
                if closed { return nil }
                lock.wait()
            }
            let work = queue[head]
            head += 1
            if head == queue.count {
                queue.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= queueLimit {
                queue.removeFirst(head)
                head = 0
            }
            return work
        }
    }
}
