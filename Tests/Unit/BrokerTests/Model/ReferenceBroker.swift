// SPDX-License-Identifier: Apache-2.0
// What a broker has to do, in the plainest words: no bytes, no loops, no windows, only who is to get what in which
// order. The broker under test is compared with it.

import MQTT

/// A message as a receiver has to see it.
struct ReferenceDelivery: Equatable, CustomStringConvertible {
    var topic: String
    var payload: String
    var qos: UInt8
    var retain: Bool
    var identifiers: [UInt32]

    var description: String {
        "\(topic)=\(payload) QoS \(qos)\(retain ? " retained" : "")\(identifiers.isEmpty ? "" : " \(identifiers)")"
    }
}

struct ReferenceWill {
    var topic: String
    var payload: String
    var qos: UInt8
    var retain: Bool
    /// Seconds. [MQTT-3.1.3-9]
    var delay: Int
}

struct ReferenceBroker {
    struct Subscription {
        var options: SubscriptionOptions
        var identifier: UInt32
    }

    struct Session {
        var subscriptions: [String: Subscription] = [:]
        var isConnected = true
        /// Seconds after the connection; `nil` = never.
        var expiry: Int?
        var will: ReferenceWill?
        /// While the client is away.
        var willDue: Int?
        var endDue: Int?
        /// Everything it is to get, since it began.
        var expected: [ReferenceDelivery] = []
    }

    private(set) var sessions: [String: Session] = [:]
    private(set) var retained: [String: (payload: String, qos: UInt8, publisher: String?)] = [:]
    /// What was published to each shared group, by `GROUP/TOPIC`: one member is to get it.
    private(set) var shared: [String: [String]] = [:]
    private(set) var now = 0

    // MARK: Connections

    /// Returns whether there is a session to go on with.
    mutating func connect(_ client: String, cleanStart: Bool, expiry: Int?, will: ReferenceWill?) -> Bool {
        if sessions[client]?.isConnected == true { drop(client, isTakenOver: !cleanStart) }
        if cleanStart { end(client) }
        let isPresent = sessions[client] != nil
        var session = sessions[client] ?? Session()
        session.isConnected = true
        session.expiry = expiry
        session.will = will
        session.willDue = nil
        session.endDue = nil
        sessions[client] = session
        return isPresent
    }

    /// The connection ends without DISCONNECT, or another one takes its session over.
    mutating func drop(_ client: String, isTakenOver: Bool = false) {
        guard var session = sessions[client], session.isConnected else { return }
        session.isConnected = false
        let will = session.will
        session.endDue = session.expiry.map { now + $0 }
        if let will, will.delay > 0, session.expiry != 0 {
            // A session that is taken over goes on before the delay is over. [MQTT-3.1.3-9]
            session.willDue = isTakenOver ? nil : now + will.delay
            if isTakenOver { session.will = nil }
            sessions[client] = session
        } else {
            session.will = nil
            sessions[client] = session
            if session.expiry == 0 { end(client) }
            if let will { publish(will, of: client) }
        }
    }

    /// DISCONNECT with reason 0: no will. [MQTT-3.14.4-3]
    mutating func disconnect(_ client: String) {
        sessions[client]?.will = nil
        drop(client)
    }

    /// The session ends, and a will that still waits is published with it.
    private mutating func end(_ client: String) {
        guard let session = sessions.removeValue(forKey: client) else { return }
        if let will = session.will { publish(will, of: client) }
    }

    // MARK: Subscriptions

    mutating func subscribe(_ client: String, _ filter: String, _ options: SubscriptionOptions, _ identifier: UInt32) {
        guard var session = sessions[client] else { return }
        let isNew =
            session.subscriptions.updateValue(
                Subscription(options: options, identifier: identifier),
                forKey: filter
            ) == nil
        let isWanted =
            switch options.retainHandling {
            case .sendAtSubscribe: true
            case .sendIfNew: isNew
            case .doNotSend: false
            }
        if isWanted, !filter.hasPrefix("$share/") {
            for (topic, message) in retained where Self.matches(filter, topic) {
                if options.noLocal, message.publisher == client { continue }
                session.expected.append(
                    ReferenceDelivery(
                        topic: topic,
                        payload: message.payload,
                        qos: min(message.qos, options.qos.rawValue),
                        retain: true,
                        identifiers: identifier == 0 ? [] : [identifier]
                    )
                )
            }
        }
        sessions[client] = session
    }

    mutating func unsubscribe(_ client: String, _ filter: String) -> Bool {
        sessions[client]?.subscriptions.removeValue(forKey: filter) != nil
    }

    // MARK: Messages

    private mutating func publish(_ will: ReferenceWill, of client: String) {
        publish(will.topic, will.payload, will.qos, retain: will.retain, from: client)
    }

    mutating func publish(_ topic: String, _ payload: String, _ qos: UInt8, retain: Bool, from publisher: String?) {
        if retain { retained[topic] = payload.isEmpty ? nil : (payload, qos, publisher) }
        var groups: Set<String> = []
        for (client, session) in sessions {
            var matching: [Subscription] = []
            for (filter, subscription) in session.subscriptions {
                if filter.hasPrefix("$share/") {
                    let parts = filter.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
                    if Self.matches(String(parts[2]), topic) { groups.insert("\(parts[1])/\(topic)") }
                } else if Self.matches(filter, topic), !(subscription.options.noLocal && client == publisher) {
                    matching.append(subscription)
                }
            }
            guard let most = matching.map(\.options.qos.rawValue).max() else { continue }
            // All subscriptions of a client have the same identifier here: one copy.
            sessions[client]?.expected.append(
                ReferenceDelivery(
                    topic: topic,
                    payload: payload,
                    qos: min(qos, most),
                    retain: retain && matching.contains(where: \.options.retainAsPublished),
                    identifiers: matching[0].identifier == 0 ? [] : [matching[0].identifier]
                )
            )
        }
        for group in groups { shared[group, default: []].append(payload) }
    }

    // MARK: Time

    mutating func advance(_ seconds: Int) {
        let end = now + seconds
        while true {
            var next: (due: Int, client: String)?
            for (client, session) in sessions where !session.isConnected {
                for due in [session.willDue, session.endDue].compactMap({ $0 }) where due <= end {
                    if next.map({ (due, client) < ($0.due, $0.client) }) ?? true { next = (due, client) }
                }
            }
            guard let next else { break }
            now = next.due
            if let endDue = sessions[next.client]?.endDue, endDue <= now {
                self.end(next.client)
            } else if let will = sessions[next.client]?.will {
                sessions[next.client]?.will = nil
                sessions[next.client]?.willDue = nil
                publish(will, of: next.client)
            }
        }
        now = end
    }

    /// What was expected is forgotten, as it was found to have come.
    mutating func forgetExpected(_ client: String) { sessions[client]?.expected = [] }
    mutating func forgetShared() { shared = [:] }

    // MARK: Topics

    static func matches(_ filter: String, _ topic: String) -> Bool {
        let filters = filter.split(separator: "/", omittingEmptySubsequences: false)
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        if topic.hasPrefix("$"), filters[0] == "#" || filters[0] == "+" { return false }
        for (i, level) in filters.enumerated() {
            if level == "#" { return true }
            guard i < levels.count, level == "+" || level == levels[i] else { return false }
        }
        return filters.count == levels.count
    }
}
