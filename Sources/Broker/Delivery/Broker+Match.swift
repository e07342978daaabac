// SPDX-License-Identifier: Apache-2.0
// The look-up of a topic name, whose cost depends on the filters that others have: with n levels where filters go on behind
// `+` and behind the name, up to 2 to the power of n nodes are looked at. The publisher pays with its turn; whose filters
// they are is logged.

import MQTT

extension Broker {
    /// What a look-up may cost without being counted, in nodes: more than the levels that most topics have.
    private static var usualMatch: Int { 32 }
    private static var samples: Int { 32 }

    /// Appends the entries of all filters that match the topic name to `matches`.
    @inline(__always)
    func match(_ topic: ByteView) {
        let looked = index.match(topic, into: &matches)
        if looked > Self.usualMatch { chargeMatch(topic, looked) }
    }

    @inline(never)
    private func chargeMatch(_ topic: ByteView, _ looked: Int) {
        charge(looked &* Work.node)
        guard looked > settings.costlyMatch else { return }
        counters.costlyMatches &+= 1
        let line = throttle.line(.costlyMatch, 0, .warning) {
            """
            for a message on \(topic.clipped) \(looked) nodes of wildcard filters were looked at, more than \
            mqtt.costly_match (\(settings.costlyMatch)); of \(Self.samples) of them \(whoCosts(topic)). A lower \
            mqtt.max_subscriptions, or rules about who may subscribe to what, prevents it
            """
        }
        if let line, logLevel <= .warning { log(.warning, line) }
    }

    /// Who has most of these filters, by a sample of them.
    private func whoCosts(_ topic: ByteView) -> String {
        var found: [Int32: (count: Int, filter: Int32)] = [:]
        for _ in 0..<Self.samples {
            guard let entry = index.sample(topic, &random) else { continue }
            let subscribers = index[entry].pointee.subscribers
            let slot = subscribers.isEmpty || subscribers[0].isDestination ? -1 : subscribers[0].target
            found[slot, default: (0, entry)].count += 1
        }
        guard let most = found.max(by: { $0.value.count < $1.value.count }) else { return "none is left" }
        let filter = index.filter(of: most.value.filter).clipped
        if most.key < 0 {
            return "\(most.value.count) are of shared groups, plugins or clients of other loops, such as \(filter)"
        }
        let client = sessions[most.key].pointee.clientIdentifier.view.clipped
        return "\(most.value.count) are of client \(client), such as \(filter)"
    }
}
