// SPDX-License-Identifier: Apache-2.0
// `$SYS/broker/…`, with mosquitto's names, for what watches brokers by them. `messages` count PUBLISH packets here.

import Broker
import Glibc

struct MosquittoTopics {
    private var clients = Peak()
    private var memory = Peak()
    private var loads: [(name: String, count: (BrokerCounters) -> UInt64, average: LoadAverage)] = [
        ("messages/received", \.publishReceived, LoadAverage()),
        ("messages/sent", \.publishSent, LoadAverage()),
        ("publish/received", \.publishReceived, LoadAverage()),
        ("publish/sent", \.publishSent, LoadAverage()),
        ("publish/dropped", \.publishDropped, LoadAverage()),
        ("bytes/received", \.bytesReceived, LoadAverage()),
        ("bytes/sent", \.bytesSent, LoadAverage()),
        ("connections", \.connects, LoadAverage()),
    ].map { ($0.0, $0.1, $0.2) }

    /// `seconds`: since the last time.
    mutating func tell(
        _ figures: SysFigures,
        uptime: UInt64,
        after seconds: Double,
        _ say: (String, String) -> Void
    ) {
        let counters = figures.counters
        clients.set(figures.connections)
        memory.set(ProcessMemory.now?.resident ?? 0)
        func tell(_ name: String, _ value: some CustomStringConvertible) { say("$SYS/broker/" + name, "\(value)") }
        tell("version", "isthmus version \(Version.text)")
        tell("uptime", "\(uptime / 1000) seconds")
        tell("clients/total", figures.sessions)
        tell("clients/connected", figures.connections)
        tell("clients/active", figures.connections)
        tell("clients/disconnected", max(0, figures.sessions - figures.connections))
        tell("clients/inactive", max(0, figures.sessions - figures.connections))
        tell("clients/maximum", clients.most)
        tell("clients/expired", counters.sessionsExpired)
        tell("messages/received", counters.publishReceived)
        tell("messages/sent", counters.publishSent)
        tell("publish/messages/received", counters.publishReceived)
        tell("publish/messages/sent", counters.publishSent)
        tell("publish/messages/dropped", counters.publishDropped)
        tell("publish/bytes/received", counters.payloadBytesReceived)
        tell("publish/bytes/sent", counters.payloadBytesSent)
        tell("bytes/received", counters.bytesReceived)
        tell("bytes/sent", counters.bytesSent)
        tell("subscriptions/count", figures.subscriptions)
        tell("shared_subscriptions/count", figures.sharedSubscriptions)
        tell("retained messages/count", figures.retained)
        tell("heap/current", memory.now)
        tell("heap/maximum", memory.most)
        for i in loads.indices {
            loads[i].average.advance(to: loads[i].count(counters), after: seconds)
            for (span, value) in zip(LoadAverage.names, loads[i].average.values) {
                tell("load/\(loads[i].name)/\(span)", LoadAverage.text(value))
            }
        }
    }
}
