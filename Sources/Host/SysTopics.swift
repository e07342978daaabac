// SPDX-License-Identifier: Apache-2.0
// `$SYS/brokers/NODE/…`: the broker's own figures and those of the plugins, published retained at an interval.

import Broker
import Reactor

final class SysTopics: @unchecked Sendable {
    private let runtime: Runtime
    private let prefix: String
    private let started: UInt64

    /// On loop 0, which publishes.
    init(_ runtime: Runtime, node: String) {
        self.runtime = runtime
        prefix = "$SYS/brokers/\(node)/"
        started = runtime.loops[0].loop.nowMilliseconds
    }

    func start(every interval: UInt32) {
        publish()
        _ = runtime.loops[0].loop.schedule(after: UInt64(interval), repeating: interval) { [self] in publish() }
    }

    private func publish() {
        let home = runtime.loops[0]
        collect(from: 0, Figures()) { [self] figures in
            let broker = home.current
            func say(_ topic: String, _ value: some CustomStringConvertible) {
                broker.publishSystem(topic: prefix + topic, payload: value.description)
            }
            say("version", Version.text)
            say("uptime", (home.loop.nowMilliseconds - started) / 1000)
            say("stats/connections/count", figures.connections)
            say("stats/sessions/count", figures.sessions)
            say("stats/topics/count", figures.filters)
            say("stats/retained/count", broker.retainedCount)
            say("stats/delayed/count", figures.delayed)
            say("metrics/bytes/received", figures.counters.bytesReceived)
            say("metrics/bytes/sent", figures.counters.bytesSent)
            say("metrics/messages/received", figures.counters.publishReceived)
            say("metrics/messages/sent", figures.counters.publishSent)
            say("metrics/messages/dropped", figures.counters.publishDropped)
            say("metrics/messages/retained/dropped", figures.counters.retainedDropped)
            say("metrics/packets/malformed", figures.counters.malformedPackets)
            for hook in figures.hooks where hook.calls > 0 {
                say("plugins/\(hook.plugin)/hooks/\(hook.hook)/calls", hook.calls)
                say("plugins/\(hook.plugin)/hooks/\(hook.hook)/average_ns", hook.averageNanoseconds)
            }
            for metric in runtime.metrics.snapshot() where !metric.sysTopic.isEmpty {
                say(metric.sysTopic, metric.value.description)
            }
        }
    }

    private struct Figures: Sendable {
        var connections = 0
        var sessions = 0
        var filters = 0
        var delayed = 0
        var counters = BrokerCounters()
        /// The same hooks in the same order on every loop.
        var hooks: [HookFigure] = []

        mutating func add(_ broker: Broker) {
            connections += broker.connectedCount
            sessions += broker.sessionCount
            delayed += broker.delayedCount
            filters = max(filters, broker.filterCount)
            counters.add(broker.counters)
            let more = broker.hooks.figures
            if hooks.isEmpty {
                hooks = more
            } else {
                for i in hooks.indices { hooks[i].add(more[i]) }
            }
        }
    }

    /// Each loop adds its own figures; the last one hands the sum to loop 0.
    private func collect(from index: Int, _ figures: Figures, _ done: @escaping @Sendable (Figures) -> Void) {
        guard index < runtime.loops.count else {
            runtime.run(on: runtime.loops[0]) { done(figures) }
            return
        }
        let home = runtime.loops[index]
        runtime.run(on: home) { [self] in
            var figures = figures
            figures.add(home.broker)
            collect(from: index + 1, figures, done)
        }
    }
}
