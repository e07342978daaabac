// SPDX-License-Identifier: Apache-2.0
// Retained messages live on loop 0, which the other loops ask.

import MQTT
import PluginAPI

extension Broker {
    static var retainedOwner: Int { 0 }

    /// Keeps, replaces or clears what is retained for the publication's topic. [MQTT-3.3.1-5]
    @inline(never)
    func retain(_ publication: inout Publication) {
        guard publication.payload.count <= settings.maximumRetainedPayload else {
            if logLevel <= .info {
                log(
                    .info,
                    """
                    the retained message on \(publication.topic.string) has \(publication.payload.count) bytes and \
                    is not kept; retainer.max_payload_size allows \(settings.maximumRetainedPayload)
                    """
                )
            }
            return
        }
        if loop == Self.retainedOwner {
            store(publication.copied(at: wallNow))
        } else {
            outboxes[Self.retainedOwner].messages.append(.retain(publication.copied(at: wallNow)))
        }
    }

    /// Takes over the reference.
    func store(_ message: Message) {
        if message.payload.isEmpty {  // [MQTT-3.3.1-6] [MQTT-3.3.1-7]
            retained.remove(message.topic)
            message.release()
            return
        }
        guard retained.count < settings.maximumRetainedMessages || retained[message.topic] != nil else {
            log(
                .warning,
                """
                the retained message on \(message.topic.string) is not kept: there are \(retained.count) already; \
                raise retainer.max_retained_messages
                """
            )
            message.release()
            return
        }
        retained.set(message)
    }

    /// Has the retained messages of `filter` sent to the subscriber.
    func queryRetained(_ filter: [UInt8], _ subscriber: Subscriber) {
        let query = RetainedQuery(
            filter: filter,
            subscriber: subscriber,
            sessionGeneration: sessions[subscriber.target].pointee.generation
        )
        if loop == Self.retainedOwner {
            let messages = collectRetained(query) { $0.retained() }
            receiveRetained(query, messages)
        } else {
            sessions[subscriber.target].pointee.retainedQueries += 1
            outboxes[Self.retainedOwner].messages.append(.retainedQuery(query))
        }
    }

    private func collectRetained(_ query: RetainedQuery, _ take: (Message) -> Message) -> [Message] {
        guard retained.count > 0 else { return [] }
        var messages: [Message] = []
        var expired: [Message] = []
        query.filter.withUnsafeBytes { filter in
            retained.eachMessage(matching: ByteView(filter)) { message in
                if message.isExpired(at: now) { expired.append(message) } else { messages.append(take(message)) }
            }
        }
        for message in expired {
            let topic = OwnedBytes(copying: message.topic)
            retained.remove(topic.view)
            topic.deallocate()
        }
        return messages
    }

    func answerRetained(_ query: RetainedQuery, to other: Int) {
        let messages = collectRetained(query) { $0.copied() }
        // Also when there are none: a session does not move to another loop before it has its answers.
        outboxes[other].messages.append(.retainedAnswer(query, messages))
    }

    /// The owner of the store answered. Takes over the references.
    func retainedAnswered(_ query: RetainedQuery, _ messages: [Message]) {
        guard query.destination == 0 else {
            let destination = destinations.indices.first { destinations[$0].pointee.identifier == query.destination }
            return hand(messages, to: destination)
        }
        receiveRetained(query, messages)
        guard let session = session(query.subscriber.target, query.sessionGeneration) else { return }
        session.pointee.retainedQueries -= 1
        sendIfReady(query.subscriber.target)
    }

    /// Takes over the references.
    private func receiveRetained(_ query: RetainedQuery, _ messages: [Message]) {
        defer { for message in messages { message.release() } }
        guard let session = session(query.subscriber.target, query.sessionGeneration) else { return }
        // A client that asks again and again gets no more than fits its queue.
        let isWithinQueue = session.pointee.queue.count < settings.maximumQueueLength
        for message in messages {
            let options = query.subscriber.options.withQoS(min(query.subscriber.options.qos, message.qos))
            if options.qos == 0 {
                guard let connection = session.pointee.connection else { continue }
                if !connection.pointee.isBlocked
                    || connection.pointee.output.pending <= connection.pointee.highWatermark
                {
                    _ = write(message, connection, options, 0, retain: true, dup: false)  // [MQTT3-3.3.1-8]
                } else {
                    messageDropped(message, connection, .quotaExceeded)
                }
            } else {
                // All of one subscription, however many: what waits here is held by the store already.
                enqueue(message.retained(), session, options, DeliveryRoute(retain: true), mayGrow: isWithinQueue)
            }
        }
        drainQueue(session)
    }

    /// Has the retained messages of `filter` handed to a plugin's own subscription.
    public func handRetained(_ filter: ByteView, to destination: Int32) {
        let query = RetainedQuery(
            filter: Array(filter.buffer),
            subscriber: Subscriber(destination: destination),
            sessionGeneration: 0,
            destination: destinations[destination].pointee.identifier
        )
        if loop == Self.retainedOwner {
            hand(collectRetained(query) { $0.retained() }, to: destination)
        } else {
            outboxes[Self.retainedOwner].messages.append(.retainedQuery(query))
        }
    }

    /// Takes over the references. The destination may be gone.
    private func hand(_ messages: [Message], to destination: Int32?) {
        for message in messages {
            if let destination {
                var publication = Publication(message)
                _ = hand(&publication, to: destination)
                publication.release()
            }
            message.release()
        }
    }
}
