// SPDX-License-Identifier: Apache-2.0
// One broker a loop, with the time and the mailboxes between the loops in the test's hands.

import MQTT
import PluginAPI
import Synchronization
import TestRandom

@testable import Broker

final class World {
    let brokers: [Broker]
    let timers: [ManualTimers]
    let registry: SessionRegistry
    private let plugins: [ScriptedPlugin]
    /// Batches under way, by sender and receiver.
    private var mail: [[[LoopBatch]]]
    private(set) var now: UInt64 = 1000

    var broker: Broker { brokers[0] }

    init(
        loops: Int = 1,
        _ settings: BrokerSettings = BrokerSettings(),
        plugins: [ScriptedPlugin] = [],
        logLevel: LogLevel = .warning
    ) {
        let registry = SessionRegistry()
        let timers = (0..<loops).map { _ in ManualTimers() }
        let complaints = Complaints()
        self.registry = registry
        self.timers = timers
        self.plugins = plugins
        self.complaints = complaints
        mail = Array(repeating: Array(repeating: [], count: loops), count: loops)
        let table = HookTable(
            plugins.enumerated().map { number, plugin in
                HookedPlugin(
                    name: "plugin \(number)",
                    hooks: plugin.table,
                    state: plugin.state,
                    filters: plugin.filters
                )
            }
        )
        let throttle = LogThrottle()
        brokers = (0..<loops).map { loop in
            Broker(
                loop: loop,
                loopCount: loops,
                settings: settings,
                registry: registry,
                timers: timers[loop],
                logLevel: logLevel,
                throttle: throttle,
                log: { level, text in if level >= logLevel { complaints.texts.append(text) } }
            )
        }
        for broker in brokers { broker.hooks = table }
        for plugin in plugins { plugin.world = self }
        setTime(now)
    }

    deinit {
        for plugin in plugins { plugin.forget() }
    }

    private final class Complaints {
        var texts: [String] = []
    }

    private let complaints: Complaints
    /// What the brokers log: warnings and errors, if no other level was asked for.
    var warnings: [String] { complaints.texts }

    // MARK: Turns

    func endTurn(_ loop: Int) {
        brokers[loop].endTurn { other, batch in mail[loop][other].append(batch) }
    }

    /// Ends turns and carries mail, in order, until nothing is under way.
    func settle() {
        repeat {
            for loop in brokers.indices { endTurn(loop) }
            for sender in brokers.indices {
                for receiver in brokers.indices { while deliver(sender, receiver) {} }
            }
            for loop in brokers.indices { endTurn(loop) }
        } while hasMail
    }

    /// The same in any order that keeps each mailbox's own.
    func settle(_ random: inout SeededRandom) {
        repeat {
            for loop in brokers.indices.shuffled(using: &random) { endTurn(loop) }
            for _ in 0..<random.below(6) { step(&random) }
        } while hasMail
        settle()
    }

    /// One thing that can happen: a turn ends or a batch arrives.
    func step(_ random: inout SeededRandom) {
        let sender = random.below(brokers.count)
        let receiver = random.below(brokers.count)
        if !deliver(sender, receiver) { endTurn(sender) }
    }

    var hasMail: Bool { mail.contains { $0.contains { !$0.isEmpty } } }

    @discardableResult
    func deliver(_ sender: Int, _ receiver: Int) -> Bool {
        guard !mail[sender][receiver].isEmpty else { return false }
        brokers[receiver].receive(from: sender, mail[sender][receiver].removeFirst())
        return true
    }

    // MARK: Time

    /// Lets time pass, timer by timer.
    func advance(_ milliseconds: UInt64) {
        let end = now + milliseconds
        while let due = timers.compactMap(\.nextDue).min(), due <= end {
            setTime(max(due, now))
            for (loop, timers) in timers.enumerated() {
                for token in timers.takeDue() { brokers[loop].timerFired(token) }
            }
            settle()
        }
        setTime(end)
    }

    /// A millisecond, with no mail carried.
    func tick() {
        setTime(now + 1)
        for (loop, timers) in timers.enumerated() {
            for token in timers.takeDue() { brokers[loop].timerFired(token) }
        }
    }

    func advance(seconds: UInt64) { advance(seconds * 1000) }

    private func setTime(_ time: UInt64) {
        now = time
        for broker in brokers { broker.now = time }
        for timer in timers { timer.now = time }
    }

    // MARK: Leaks

    /// What is left in the broker; all zero once every connection and session has ended.
    var leftovers: [String: Int] {
        var left: [String: Int] = [:]
        for broker in brokers {
            left["connections", default: 0] += broker.connections.count
            left["sessions", default: 0] += broker.sessions.count
            left["filters", default: 0] += broker.filterCount
            left["groups", default: 0] += broker.groups.count
            left["destinations", default: 0] += broker.destinations.count
            left["connected", default: 0] += broker.connectedCount
            left["confirmations", default: 0] += broker.pendingConfirmations.count
            left["joining", default: 0] += broker.joining.count
            left["held", default: 0] += broker.heldElsewhere.count
            left["queued bytes", default: 0] += broker.queuedBytes.pointee.total
            left["output bytes", default: 0] += broker.outputBytes
            left["blocked", default: 0] += broker.blockedCount
        }
        left["counted sessions"] = registry.sessions.load(ordering: .relaxed)
        left["timers"] = timers.map(\.count).reduce(0, +)
        return left.filter { $0.value != 0 }
    }
}
