// SPDX-License-Identifier: Apache-2.0
// The running broker as its parts see it: loops, pool, config, log and figures, and the services that plugins offer
// each other.

import Broker
import Config
import Reactor

/// Immutable once the loops run, but for what has a lock of its own.
final class Runtime: @unchecked Sendable {
    let log: Log
    let loops: [BrokerLoop]
    /// Which loop has which client.
    let sessions: SessionRegistry
    let pool: BlockingPool
    let metrics = MetricsRegistry()
    /// The plugins' outbound connections, by loop.
    let clients: [OutboundConnections]  // [MQTT3-7.0.0-1]
    /// The checked configuration. Plugins read it from any thread, a reload replaces it.
    var config: Value {
        get { lock.withLock { checkedConfig } }
        set { lock.withLock { checkedConfig = newValue } }
    }
    private var checkedConfig: Value
    private let lock = Lock()
    private var provided: [String: UnsafeRawPointer] = [:]
    private var lastIdentifier: UInt64 = 0

    init(log: Log, loops: [BrokerLoop], sessions: SessionRegistry, pool: BlockingPool, config: Value) {
        self.log = log
        self.loops = loops
        self.sessions = sessions
        clients = loops.map { OutboundConnections(loop: $0.loop) }
        self.pool = pool
        checkedConfig = config
    }

    /// The loop whose thread this is, if it is one of ours.
    var currentLoop: BrokerLoop? { loops.first { $0.loop.isCurrent } }

    func loop(_ index: UInt32) -> BrokerLoop? {
        if index == .max { return currentLoop ?? loops[0] }
        return Int(index) < loops.count ? loops[Int(index)] : nil
    }

    /// Runs `work` on `home`'s loop: now if this is its thread, else in its next turn.
    func run(on home: BrokerLoop, _ work: @escaping @Sendable () -> Void) {
        if home.loop.isCurrent { work() } else { home.loop.post(work) }
    }

    /// A handle that was never given out before.
    func makeIdentifier() -> UInt64 {
        lock.withLock {
            lastIdentifier += 1
            return lastIdentifier
        }
    }

    func provide(_ name: String, _ table: UnsafeRawPointer) -> Bool {
        lock.withLock { provided.updateValue(table, forKey: name) == nil }
    }

    func providedService(_ name: String) -> UnsafeRawPointer? { lock.withLock { provided[name] } }
}

/// A plugin's pointer on its way to another thread: what it points to is the plugin's business.
struct Opaque: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
}
