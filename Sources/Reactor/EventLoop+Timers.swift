// SPDX-License-Identifier: Apache-2.0
// The loop's timers: the wheel, moved by the turn's clock. Deadlines count from the turn's time, not from the instant
// of the call; resolution is a millisecond.

/// Who is called when a timer fires. Cheaper than a closure: a connection passes itself and a number.
public protocol TimerTarget: AnyObject {
    func timerFired(_ token: UInt64)
}

enum TimerAction {
    case target(any TimerTarget, UInt64)
    case closure(() -> Void)

    func fire() {
        switch self {
        case .target(let target, let token): target.timerFired(token)
        case .closure(let body): body()
        }
    }
}

extension EventLoop {
    /// Calls `target.timerFired(token)` after `milliseconds`, then every `repeating` milliseconds unless that is 0.
    /// The loop holds `target` until the timer has fired or is cancelled. On the loop only.
    public func schedule(
        after milliseconds: UInt64,
        repeating interval: UInt32 = 0,
        _ target: any TimerTarget,
        token: UInt64 = 0
    ) -> TimerID {
        wheel.insert(deadline: deadline(milliseconds), interval: interval, payload: .target(target, token))
    }

    /// The same with a closure, for timers that are few.
    public func schedule(
        after milliseconds: UInt64,
        repeating interval: UInt32 = 0,
        _ body: @escaping () -> Void
    ) -> TimerID {
        wheel.insert(deadline: deadline(milliseconds), interval: interval, payload: .closure(body))
    }

    /// The timer will not fire any more, even if it is due in this very turn. A dead id is ignored: false.
    @discardableResult
    public func cancel(_ id: TimerID) -> Bool { wheel.cancel(id) }

    /// Timers that wait to fire.
    public var timerCount: Int { wheel.count }

    private func deadline(_ milliseconds: UInt64) -> UInt64 {
        let (sum, overflow) = nowMilliseconds.addingReportingOverflow(milliseconds)
        return overflow ? .max : sum
    }
}
