// SPDX-License-Identifier: Apache-2.0
// Closures on the host's loops, on its pool of blocking threads, and after a time. Each costs one allocation for the
// box that carries the closure across C; it is freed when the closure can run no more.

import PluginAPI
import Synchronization

extension PluginHost {
    /// Runs `task` on a loop (`0 ..< loopCount`, or `ISTH_ANY_LOOP`), in the order of the calls of one thread. False:
    /// the host is stopping.
    @discardableResult
    public func runOnLoop(_ loop: UInt32, _ task: @escaping @Sendable () -> Void) -> Bool {
        hand(task) { table.pointee.run_on_loop(ctx, loop, runOnce, $0) }
    }

    /// Runs `task` on the host's bounded pool of threads. False: too many wait already, and `task` will not run.
    public func runBlocking(_ task: @escaping @Sendable () -> Void) -> Bool {
        hand(task) { table.pointee.run_blocking(ctx, runOnce, $0) }
    }

    /// Runs `task` on `loop` after `first` milliseconds, then every `every` (0 = once). Keep the timer to cancel it;
    /// dropping it cancels nothing. Nil: the host is stopping.
    @discardableResult
    public func timer(
        loop: UInt32,
        first: UInt32,
        every: UInt32 = 0,
        _ task: @escaping @Sendable () -> Void
    ) -> PluginTimer? {
        let timer = PluginTimer(self, task, repeats: every > 0)
        let box = Unmanaged.passRetained(timer)
        let made = timer.id.withLock { id in
            table.pointee.timer(ctx, loop, first, every, fireTimer, box.toOpaque(), &id) == ISTH_OK
        }
        guard made else {
            box.release()
            return nil
        }
        return timer
    }

    private func hand(_ task: @escaping @Sendable () -> Void, _ take: (UnsafeMutableRawPointer) -> Int32) -> Bool {
        let box = Unmanaged.passRetained(TaskBox(task))
        guard take(box.toOpaque()) == ISTH_OK else {
            box.release()
            return false
        }
        return true
    }
}

private final class TaskBox: Sendable {
    let task: @Sendable () -> Void
    init(_ task: @escaping @Sendable () -> Void) { self.task = task }
}

private func runOnce(_ ud: UnsafeMutableRawPointer?) {
    guard let ud else { return }
    Unmanaged<TaskBox>.fromOpaque(ud).takeRetainedValue().task()
}

/// A timer of the host. Belongs to the loop it runs on: `cancel` is called there and nowhere else.
public final class PluginTimer: @unchecked Sendable {
    private let host: PluginHost
    private let repeats: Bool
    private var task: (@Sendable () -> Void)?
    /// Locked, because the timer may fire on its loop before the call that made it has returned.
    fileprivate let id = Mutex<isth_id>(0)

    fileprivate init(_ host: PluginHost, _ task: @escaping @Sendable () -> Void, repeats: Bool) {
        self.host = host
        self.task = task
        self.repeats = repeats
    }

    /// The task does not run after this; it may be called from the task itself, and again.
    public func cancel() {
        guard task != nil else { return }
        task = nil
        _ = host.table.pointee.timer_cancel(host.ctx, id.withLock { $0 })
        Unmanaged.passUnretained(self).release()
    }

    fileprivate func fire() {
        guard let task else { return }
        if !repeats {
            self.task = nil
            Unmanaged.passUnretained(self).release()
        }
        task()
    }
}

private func fireTimer(_ ud: UnsafeMutableRawPointer?) {
    guard let ud else { return }
    Unmanaged<PluginTimer>.fromOpaque(ud).takeUnretainedValue().fire()
}
