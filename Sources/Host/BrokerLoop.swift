// SPDX-License-Identifier: Apache-2.0
// One event loop and the broker that lives on it: time and bytes in, batches to and from the other loops.

import Broker
import PluginAPI
import Reactor

/// Confined to the thread of `loop` once that runs; set up before by the main thread.
final class BrokerLoop: BrokerTimers, TimerTarget, @unchecked Sendable {
    let loop: EventLoop
    private(set) var broker: Broker!
    /// The broker stops: peers that can be told are told.
    var isStopping = false
    private typealias Inbox = Mailbox<(sender: Int, batch: LoopBatch)>
    /// By loop: where batches for it go. A loop has one inbox for all the others, so that what one loop sends because
    /// of what another one has sent comes after that: a subscriber who knows of a PUBACK finds what was retained.
    private var outgoing: [Inbox?] = []

    init(index: Int, count: Int, settings: BrokerSettings, registry: SessionRegistry, log: Log) throws(ReactorError) {
        loop = try EventLoop(index: index)
        broker = Broker(
            loop: index,
            loopCount: count,
            settings: settings,
            registry: registry,
            timers: self,
            logLevel: log.level,
            throttle: log.throttle,
            log: { log($0, $1) }
        )
        loop.onTurnEnd = { [unowned self] in endTurn() }
    }

    /// Before any of the loops runs.
    static func connect(_ loops: [BrokerLoop]) {
        let inboxes = loops.map { $0.makeInbox() }
        for sender in loops {
            sender.outgoing = inboxes.enumerated().map { $0.offset == sender.loop.index ? nil : $0.element }
        }
    }

    private func makeInbox() -> Inbox {
        Mailbox(loop: loop) { [unowned self] mail in
            broker.now = loop.nowMilliseconds
            for (sender, batch) in mail { broker.receive(from: sender, batch) }
        }
    }

    private func endTurn() {
        broker.now = loop.nowMilliseconds
        broker.endTurn { other, batch in outgoing[other]?.push((loop.index, batch)) }
    }

    /// The broker at the time of this turn, for calls from outside a socket's event.
    var current: Broker {
        broker.now = loop.nowMilliseconds
        return broker
    }

    // MARK: BrokerTimers

    func schedule(_ token: UInt64, after delay: UInt64) -> UInt64 {
        loop.schedule(after: delay, self, token: token).rawValue
    }

    func cancel(_ timer: UInt64) { loop.cancel(TimerID(rawValue: timer)) }

    func timerFired(_ token: UInt64) { current.timerFired(token) }

    // MARK: Plugins

    /// The plugins' destinations and timers of this loop, by the handles they know.
    private var destinations: [UInt64: Int32] = [:]
    private var pluginTimers: [UInt64: TimerID] = [:]

    func openDestination(
        _ identifier: UInt64,
        isSubscription: Bool,
        _ state: Opaque,
        _ deliver: @escaping @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<isth_msg>) -> Void
    ) {
        destinations[identifier] = current.openDestination(
            identifier: identifier,
            isSubscription: isSubscription,
            state: state.pointer,
            deliver: deliver
        )
    }

    /// Returns false if there is no such destination (any more).
    @discardableResult
    func withDestination(_ identifier: UInt64, _ body: (Broker, Int32) -> Void) -> Bool {
        guard let index = destinations[identifier] else { return false }
        body(current, index)
        return true
    }

    @discardableResult
    func closeDestination(_ identifier: UInt64) -> Bool {
        guard let index = destinations.removeValue(forKey: identifier) else { return false }
        current.closeDestination(index)
        return true
    }

    func addTimer(_ identifier: UInt64, first: UInt32, every: UInt32, _ body: @escaping () -> Void) {
        pluginTimers[identifier] = loop.schedule(after: UInt64(first), repeating: every) { [unowned self] in
            if every == 0 { pluginTimers[identifier] = nil }
            body()
        }
    }

    func cancelTimer(_ identifier: UInt64) {
        if let timer = pluginTimers.removeValue(forKey: identifier) { loop.cancel(timer) }
    }
}
