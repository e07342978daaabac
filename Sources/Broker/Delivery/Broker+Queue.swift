// SPDX-License-Identifier: Apache-2.0
// Messages that wait for a session: because its client is away, or its in-flight window is full.

import MQTT

extension Broker {
    func enqueue(  // [MQTT-4.5.0-1] [MQTT3-3.1.2-5]
        _ publication: inout Publication,
        _ session: SessionPointer,
        _ options: DeliveryOptions,
        _ route: DeliveryRoute,
        mayGrow: Bool
    ) {
        let message = publication.kept(at: wallNow).retained()
        let isFull = !mayGrow && isFull(session, for: message, priority(of: message))
        let mayGrow = mayGrow || (isFull && options.qos > 0 && holdBack(publication, for: session))
        enqueue(message, session, options, route, mayGrow: mayGrow)
    }

    func priority(of message: Message) -> UInt16 {
        settings.queuePriorities.isEmpty ? 0 : settings.queuePriorities.priority(of: message.topic)
    }

    /// Whether the message is one too many for its session, or takes too much memory.
    @inline(__always)
    private func isFull(_ session: SessionPointer, for message: Message, _ priority: UInt16) -> Bool {
        let cost = MessageQueue.cost(of: message)
        return session.pointee.queue.count(of: priority) >= settings.maximumQueueLength
            || session.pointee.queue.bytes &+ cost > settings.maximumQueueBytes || isQueueSpaceGone(for: cost)
    }

    /// Whether so many bytes more are too many for the queues of all sessions.
    @inline(__always)
    func isQueueSpaceGone(for cost: Int) -> Bool {
        // A loop that keeps to its own part need not ask the others.
        queuedBytes.pointee.total &+ cost > settings.maximumQueueBytesInAll / loopCount && isQueueSpaceGone(inAll: cost)
            || memoryPressure == .severe
    }

    @inline(never)
    private func isQueueSpaceGone(inAll cost: Int) -> Bool {
        let others = registry.queuedBytes.sum(without: loop, of: loopCount)
        return queuedBytes.pointee.total + others + cost > settings.maximumQueueBytesInAll
    }

    /// A full queue loses its oldest messages, if there are priorities the oldest of the same one. For want of room in
    /// all queues it loses as much as the new message takes. Returns false if it has nothing to lose.
    @inline(never)
    private func makeRoom(for message: Message, _ session: SessionPointer, _ priority: UInt16) -> Bool {
        let cost = MessageQueue.cost(of: message)
        var freed = 0
        while true {
            let isTooLong = session.pointee.queue.count(of: priority) >= settings.maximumQueueLength
            let isTooLarge = session.pointee.queue.bytes + cost > settings.maximumQueueBytes
            let isSpaceGone = freed < cost && isQueueSpaceGone(for: cost)
            guard isTooLong || isTooLarge || isSpaceGone else { return true }
            if !isTooLong { complainOfBytes(session, isTooLarge: isTooLarge) }
            guard let oldest = session.pointee.queue.popFirst(of: priority) else { return false }
            freed += MessageQueue.cost(of: oldest.message)
            queueLost(oldest.message, session)
        }
    }

    /// Takes over the reference.
    private func queueLost(_ message: Message, _ session: SessionPointer) {
        counters.queueFullDropped &+= 1
        messageDropped(message, session.pointee.connection, .quotaExceeded)
        message.release()
    }

    private func complainOfBytes(_ session: SessionPointer, isTooLarge: Bool) {
        if isTooLarge {
            complain(
                of: .sessionQueue,
                source: UInt64(session.pointee.generation),
                """
                messages for \(session.pointee.clientIdentifier.view.string.clipped(to: 100)) are dropped: \(session.pointee.queue.bytes) \
                bytes wait for it (mqtt.max_mqueue_bytes)
                """
            )
        } else {
            complain(
                of: .allQueues,
                """
                messages for \(session.pointee.clientIdentifier.view.string.clipped(to: 100)) are dropped: \(queuedBytes.pointee.total) bytes \
                wait for the sessions of loop \(loop) (mqtt.max_all_mqueue_bytes)
                """
            )
        }
    }

    /// Takes over the reference of `message`. A full queue that must not grow loses others for it, or the message is lost.
    func enqueue(
        _ message: Message,
        _ session: SessionPointer,
        _ options: DeliveryOptions,
        _ route: DeliveryRoute,
        mayGrow: Bool = false
    ) {
        let priority = priority(of: message)
        if !mayGrow, isFull(session, for: message, priority), !makeRoom(for: message, session, priority) {
            return queueLost(message, session)
        }
        if session.pointee.queue.isEmpty { beginPace(session) }
        let item = MessageQueue.Item(message: message, options: options, route: route)
        session.pointee.queue.append(item, priority: priority)
    }

    /// The client is back: what waits with QoS 0 is sent at once, as it would have been had the client been there, and
    /// does not wait for the in-flight window, where newer messages of QoS 0 would overtake it. [MQTT-4.6.0-6]
    func sendQueuedQoS0(_ session: SessionPointer) {
        guard let connection = session.pointee.connection, !session.pointee.queue.isEmpty else { return }
        var waiting: [MessageQueue.Item] = []
        session.pointee.queue.takeQoS0 { waiting.append($0) }
        for item in waiting {
            send(item, session, connection)
            flushIfLarge(connection)
        }
    }

    /// Sends what waits for the session, as far as its in-flight window allows. [MQTT-4.6.0-5]
    func drainQueue(_ session: SessionPointer) {
        guard let connection = session.pointee.connection else { return }
        while session.pointee.inflight.count < session.pointee.inflightLimit,
            let item = session.pointee.queue.popFirst()
        {
            send(item, session, connection)
        }
        if session.pointee.queue.count <= settings.maximumQueueLength / 2,
            session.pointee.queue.bytes <= settings.maximumQueueBytes / 2
        {
            releaseHeld(session)
        }
        if session.pointee.queue.isEmpty { session.pointee.isOverdue = false }
        if session.pointee.retainedQueries > 0 { continueRetained(session) }
    }

    /// Takes over the item's reference.
    private func send(_ item: MessageQueue.Item, _ session: SessionPointer, _ connection: ConnectionPointer) {
        guard !item.message.isExpired(at: now) else {  // [MQTT-3.3.2-5]
            if item.options.qos > 0 { session.pointee.inflight.passOver() }
            item.message.release()
            return
        }
        if item.options.qos == 0 {
            if !write(item.message, connection, item.options, 0, retain: item.retain, dup: false) {
                messageDropped(item.message, connection, .packetTooLarge)
            }
            item.message.release()
            return
        }
        let identifier = session.pointee.inflight.add(
            item.message,
            item.options,
            item.route,
            state: item.options.qos == 1 ? .awaitingPUBACK : .awaitingPUBREC
        )
        if !write(item.message, connection, item.options, identifier, retain: item.retain, dup: false) {
            messageDropped(item.message, connection, .packetTooLarge)
            if let slot = session.pointee.inflight.find(identifier) { session.pointee.inflight.finish(slot) }
        }
    }
}
