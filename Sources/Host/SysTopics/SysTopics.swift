// SPDX-License-Identifier: Apache-2.0
// `$SYS/…`: the broker's own figures and those of the plugins, published retained at an interval, under EMQX's names and
// mosquitto's. They are counted where things happen, each loop for itself, and added up only when they are told.

import Broker
import Glibc
import Reactor

/// Used on loop 0, which publishes.
final class SysTopics: @unchecked Sendable {
    private let runtime: Runtime
    private let node: String
    private let memory: MemoryWatch?
    private let started: UInt64
    private var lastTold: UInt64
    private var emqx = EMQXTopics()
    private var mosquitto = MosquittoTopics()

    init(_ runtime: Runtime, node: String, memory: MemoryWatch?) {
        self.runtime = runtime
        self.memory = memory
        self.node = node
        started = runtime.loops[0].loop.nowMilliseconds
        lastTold = started
    }

    /// Intervals in milliseconds; 0 for never.
    func start(figuresEvery figures: UInt32, heartbeatEvery heartbeat: UInt32) {
        let loop = runtime.loops[0].loop
        if heartbeat > 0 {
            tellTime()
            _ = loop.schedule(after: UInt64(heartbeat), repeating: heartbeat) { [self] in tellTime() }
        }
        if figures > 0 {
            // In a turn of their own: whoever changes one may be in the middle of something.
            runtime.metrics.whenTextsChange { [self] in loop.post { self.tellChangedTexts() } }
            tellFigures()
            _ = loop.schedule(after: UInt64(figures), repeating: figures) { [self] in tellFigures() }
        }
    }

    private var uptime: UInt64 { runtime.loops[0].loop.nowMilliseconds - started }

    private func say(_ topic: String, _ value: String) {
        runtime.loops[0].current.publishSystem(topic: topic, payload: value)
    }

    private func sayOfNode(_ topic: String, _ value: String) { say("$SYS/brokers/\(node)/\(topic)", value) }

    private func tellTime() {
        sayOfNode("uptime", "\(uptime)")
        if let text = WallClock.text { sayOfNode("datetime", text) }
    }

    /// What changes now and then, such as the state of a link, is told at once.
    private func tellChangedTexts() {
        for (topic, text) in runtime.metrics.takeChangedTexts() { sayOfNode(topic, text) }
    }

    private func tellFigures() {
        collect(from: 0, SysFigures()) { [self] figures in
            say("$SYS/brokers", node)
            sayOfNode("version", Version.text)
            sayOfNode("sysdescr", "Isthmus")
            if let memory {
                sayOfNode("memory/limit", "\(memory.budget.limit ?? 0)")
                sayOfNode("memory/pressure", "\(memory.pressure)")
            }
            emqx.tell(figures, sayOfNode)
            sayOfNode("metrics/log/lines/left_out", "\(runtime.log.throttle.leftOut)")
            let uptime = uptime
            mosquitto.tell(figures, uptime: uptime, after: Double(started + uptime - lastTold) / 1000, say)
            lastTold = started + uptime
            for hook in figures.hooks where hook.calls > 0 {
                sayOfNode("plugins/\(hook.plugin)/hooks/\(hook.hook)/calls", "\(hook.calls)")
                sayOfNode("plugins/\(hook.plugin)/hooks/\(hook.hook)/average_ns", "\(hook.averageNanoseconds)")
            }
            for metric in runtime.metrics.snapshot() where !metric.sysTopic.isEmpty {
                sayOfNode(metric.sysTopic, metric.value.description)
            }
        }
    }

    /// Each loop adds its own figures; the last one hands the sum to loop 0.
    private func collect(from index: Int, _ figures: SysFigures, _ done: @escaping @Sendable (SysFigures) -> Void) {
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

/// The time of day as RFC 3339 has it.
private enum WallClock {
    static var text: String? {
        var now = time(nil)
        var parts = tm()
        guard gmtime_r(&now, &parts) != nil else { return nil }
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return "\(date)T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))+00:00"
    }
}
