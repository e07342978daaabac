// SPDX-License-Identifier: Apache-2.0
// What becomes a retained message, and its way into the store, which lives on loop 0. How subscribers get them is in
// Broker+RetainedDelivery.swift.

import MQTT
import PluginAPI

extension Broker {
    static var retainedOwner: Int { 0 }

    /// Keeps, replaces or clears what is retained for the publication's topic [MQTT-3.3.1-5]. Returns whether it goes
    /// on to the subscribers.
    @inline(never)
    func retain(_ publication: inout Publication) -> Bool {
        guard settings.keepsRetained || publication.origin == .system else { return true }
        let isCleared = publication.payload.isEmpty
        guard publication.payload.count <= settings.maximumRetainedPayload else {
            let (topic, size) = (publication.topic, publication.payload.count)
            complainOfRetained(
                """
                that on \(topic.clipped) has \(size) bytes; retainer.max_payload_size allows \
                \(settings.maximumRetainedPayload)
                """
            )
            return true
        }
        let message = publication.copied(at: wallNow)
        message.header.pointee.expiresAt = retainedExpiry(publication.expiresAt)
        if loop == Self.retainedOwner {
            store(message)
        } else {
            outboxes[Self.retainedOwner].append(.retain(message))
        }
        return !isCleared || !settings.stopsClearingMessages
    }

    /// When a message that expires at `own` (0 = never) is forgotten as a retained one.
    private func retainedExpiry(_ own: UInt64) -> UInt64 {
        let standard = settings.retainedExpiryInterval
        let expiresAt = own == 0 && standard > 0 ? now + standard : own
        guard let override = settings.retainedExpiryOverride else { return expiresAt }
        if expiresAt == 0 { return settings.retainedMayLiveForever ? 0 : now + override }
        return min(expiresAt, now + override)
    }

    /// Takes over the reference.
    func store(_ message: Message) {
        // [MQTT-3.3.1-6] [MQTT-3.3.1-7]
        if message.payload.isEmpty || message.isExpired(at: now) {
            retained.remove(message.topic)
            message.release()
            return
        }
        guard message.isSystem || mayStore(message) else {
            counters.retainedDropped &+= 1
            message.release()
            return
        }
        let node = retained.set(message)
        if message.expiresAt != 0 { sweepRetained(node, message.expiresAt) }
    }

    private func mayStore(_ message: Message) -> Bool {
        let isEasy =
            retained.count < settings.maximumRetainedMessages && memoryPressure == .none
            && retained.bytes + RetainedStore.largestCost(of: message) <= settings.maximumRetainedBytes
        guard isEasy || hasRoom(for: message) else { return false }
        if let rate = settings.retainedPublishRate, !retainedRate.take(rate, at: now) {
            complainOfRetained("they come faster than retainer.max_publish_rate allows")
            return false
        }
        return true
    }

    @inline(never)
    private func hasRoom(for message: Message) -> Bool {
        let count = retained.count - retained.systemCount
        let former = retained[message.topic]
        if count >= settings.maximumRetainedMessages, former == nil {
            complainOfRetained("there are \(count) already; raise retainer.max_retained_messages")
            return false
        }
        // A smaller one in place of a larger one is always welcome.
        let growth = former.map { message.size - $0.size } ?? RetainedStore.cost(of: message)
        if growth > 0, retained.bytes + growth > settings.maximumRetainedBytes {
            complainOfRetained("\(retained.bytes) bytes are kept already; raise retainer.max_retained_bytes")
            return false
        }
        if growth > 0, memoryPressure != .none {
            complainOfRetained("memory is short (node.max_memory)")
            return false
        }
        return true
    }

    private func complainOfRetained(_ why: @autoclosure () -> String) {
        complain(of: .retained, "a retained message is not kept: \(why())")
    }

    // MARK: Plugins

    /// Has the retained messages of `filter` handed to a plugin's own subscription.
    public func handRetained(_ filter: ByteView, to destination: Int32) {
        let identifier = destinations[destination].pointee.identifier
        if loop == Self.retainedOwner {
            retainedAnswered(destination: identifier, collectRetained(filter) { $0.retained() })
        } else {
            let filter = Array(filter.buffer)
            outboxes[Self.retainedOwner].append(.retainedQueryOfPlugin(filter: filter, identifier))
        }
    }

    func answerRetained(destination: UInt64, _ filter: [UInt8], to other: Int) {
        let messages = filter.withUnsafeBytes { collectRetained(ByteView($0)) { $0.copied() } }
        if !messages.isEmpty { outboxes[other].append(.retainedAnswerToPlugin(destination, messages)) }
    }

    private func collectRetained(_ filter: ByteView, _ take: (Message) -> Message) -> [Message] {
        var messages: [Message] = []
        retained.eachMessage(matching: filter) { if !$0.isExpired(at: now) { messages.append(take($0)) } }
        return messages
    }

    /// Takes over the references. The destination may be gone.
    func retainedAnswered(destination identifier: UInt64, _ messages: [Message]) {
        for message in messages {
            if let destination = destinations.indices.first(where: { destinations[$0].pointee.identifier == identifier }
            ) {
                var publication = Publication(message)
                _ = hand(&publication, to: destination)
                publication.release()
            }
            message.release()
        }
    }
}

/// So many a second, and a second's worth at once.
struct RateAllowance {
    private var left = 0.0
    private var filledAt: UInt64 = 0

    mutating func take(_ perSecond: Double, at now: UInt64) -> Bool {
        left = min(max(perSecond, 1), left + perSecond * Double(now - min(now, filledAt)) / 1000)
        filledAt = now
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}
