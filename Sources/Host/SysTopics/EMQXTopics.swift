// SPDX-License-Identifier: Apache-2.0
// `$SYS/brokers/NODE/stats/…` and `…/metrics/…`, with EMQX's names: stats are what there is and the most there was,
// metrics only grow.

import Broker

struct EMQXTopics {
    private var connections = Peak()
    private var sessions = Peak()
    private var topics = Peak()
    private var subscriptions = Peak()
    private var shared = Peak()
    private var retained = Peak()
    private var delayed = Peak()

    /// `say` takes names below `$SYS/brokers/NODE/`.
    mutating func tell(_ figures: SysFigures, _ say: (String, String) -> Void) {
        tellStats(figures, say)
        let counters = figures.counters
        func metric(_ name: String, _ value: UInt64) { say("metrics/" + name, "\(value)") }
        metric("bytes/received", counters.bytesReceived)
        metric("bytes/sent", counters.bytesSent)
        metric("messages/received", counters.publishReceived)
        metric("messages/sent", counters.publishSent)
        metric("messages/publish", counters.publishReceived)
        metric("messages/delivered", counters.publishSent)
        metric("messages/dropped", counters.publishDropped)
        metric("messages/retained/dropped", counters.retainedDropped)
        metric("packets/publish/received", counters.publishReceived)
        metric("packets/publish/sent", counters.publishSent)
        metric("packets/malformed", counters.malformedPackets)
        metric("delivery/dropped", counters.publishDropped)
        metric("delivery/dropped/queue_full", counters.queueFullDropped)
        metric("delivery/dropped/output_full", counters.outputFullDropped)
        metric("messages/delayed/dropped", counters.delayedDropped)
        metric("session/refused", counters.sessionsRefused)
        metric("memory/refused", counters.memoryRefused)
        metric("memory/shed", counters.memoryShed)
        metric("client/connected", counters.connects)
        metric("client/disconnected", counters.disconnects)
        metric("session/terminated", counters.sessionsExpired)
        metric("session/denied", counters.sessionsDenied)
        metric("limits/turn_budget", counters.turnsExceeded)
        metric("limits/costly_match", counters.costlyMatches)
        metric("limits/max_waiting_reads", counters.retainedReadsHeld)
        metric("limits/max_subscriptions", counters.subscriptionsRefused)
    }

    private mutating func tellStats(_ figures: SysFigures, _ say: (String, String) -> Void) {
        connections.set(figures.connections)
        sessions.set(figures.sessions)
        topics.set(figures.filters)
        subscriptions.set(figures.subscriptions)
        shared.set(figures.sharedSubscriptions)
        retained.set(figures.retained)
        delayed.set(figures.delayed)
        func stat(_ name: String, _ peak: Peak) {
            say("stats/\(name)/count", "\(peak.now)")
            say("stats/\(name)/max", "\(peak.most)")
        }
        // A session whose client is away is a connection to EMQX, but not a live one.
        stat("connections", sessions)
        stat("live_connections", connections)
        stat("sessions", sessions)
        stat("topics", topics)
        stat("suboptions", subscriptions)
        stat("subscribers", subscriptions)
        stat("subscriptions", subscriptions)
        stat("subscriptions/shared", shared)
        stat("retained", retained)
        stat("delayed", delayed)
    }
}
