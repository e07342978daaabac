// SPDX-License-Identifier: Apache-2.0
// Retained messages on their way to a new subscription, however many they are: in portions, as fast as the subscriber
// takes them, and with other work of the loops in between.
//
// The subscriber's loop asks for one portion (`retainedQuery`); the store's loop answers it and keeps its place in the
// store if there is more. The next portion is asked for when the subscriber has taken most of the one before. A session
// has one such read at a time; what it subscribes to meanwhile waits in `retainedWaiting`, each filter once, and a client
// that asks for too much is not read until less of it waits.

import MQTT

/// A subscription that wants the retained messages of its filter, or more of them.
struct RetainedQuery {
    var filter: [UInt8]
    var subscriber: Subscriber
    /// Tells whether the session is still the same when the answer comes.
    var sessionGeneration: UInt32
    /// Names the read within its loop.
    var read: UInt32
    /// How many messages are wanted at most.
    var portion: Int
    /// A portion has come already.
    var isUnderWay = false
}

extension Broker {
    private static var portion: Int { 2048 }
    private static var portionBytes: Int { 1 << 18 }
    private static var acknowledgedPortion: Int { 256 }
    /// How many nodes of the store are looked at in a turn, for all who read it.
    private static var nodesPerTurn: Int { 8192 }

    // MARK: The subscriber's loop

    /// Has the retained messages of `filter` sent to the subscriber.
    func queryRetained(_ filter: [UInt8], _ subscriber: Subscriber) {
        guard settings.isRetainAvailable, loop != Self.retainedOwner || retained.count > 0 else { return }
        let session = sessions[subscriber.target]
        lastRetainedRead &+= 1
        let query = RetainedQuery(
            filter: filter,
            subscriber: subscriber,
            sessionGeneration: session.pointee.generation,
            read: lastRetainedRead,
            portion: 0
        )
        let isFirst = !session.pointee.readsRetained && retainedWaiting[query.sessionGeneration] == nil
        if isFirst, canTake(session, query) {
            session.pointee.retainedQueries += 1
            ask(query, session, atOnce: true)
        } else if retainedWaiting[query.sessionGeneration, default: RetainedBacklog()].append(query) {
            session.pointee.retainedQueries += 1
            holdIfBacklogGrows(session)
        }
    }

    private func holdIfBacklogGrows(_ session: SessionPointer) {
        let count = retainedWaiting[session.pointee.generation]?.count ?? 0
        guard count > settings.maximumRetainedReads, let connection = session.pointee.connection, connection.isOpen,
            !connection.pointee.holds.contains(.retained)
        else { return }
        hold(connection, .retained)
        counters.retainedReadsHeld &+= 1
        tell(
            .warning,
            .retainedReads,
            connection,
            """
            waits for the retained messages of more than \(settings.maximumRetainedReads) subscriptions and is not read until \
            half of them have come (retainer.max_waiting_reads)
            """
        )
    }

    private func releaseIfBacklogFell(_ session: SessionPointer) {
        guard let connection = session.pointee.connection, connection.pointee.holds.contains(.retained),
            retainedWaiting[session.pointee.generation]?.count ?? 0 <= settings.maximumRetainedReads / 2
        else { return }
        released.append(ReleasedClient(connection.pointee.identifier, .retained))
    }

    private func ask(_ query: RetainedQuery, _ session: SessionPointer, atOnce: Bool) {
        session.pointee.readsRetained = true
        var query = query
        query.portion = query.subscriber.options.qos == 0 ? Self.portion : Self.acknowledgedPortion
        if loop != Self.retainedOwner {
            outboxes[Self.retainedOwner].append(.retainedQuery(query))
        } else if atOnce {
            answerRetained(query, to: loop)
        } else {
            requestRetained(query, from: loop)
        }
    }

    /// Whether the subscriber is ready for another portion.
    private func canTake(_ session: SessionPointer, _ query: RetainedQuery) -> Bool {
        let isAcknowledged = query.subscriber.options.qos > 0
        let waiting = session.pointee.queue.count
        guard let connection = session.pointee.connection else {
            return isAcknowledged && waiting < settings.maximumQueueLength
                && session.pointee.queue.bytes < settings.maximumQueueBytes
        }
        if connection.pointee.isBlocked, connection.pointee.output.pending > connection.pointee.highWatermark / 4 {
            return false
        }
        return !isAcknowledged || waiting < min(Self.acknowledgedPortion / 4, settings.maximumQueueLength)
    }

    /// The session has taken something, or has no connection any more.
    @inline(never)
    func continueRetained(_ session: SessionPointer) {
        let generation = session.pointee.generation
        while !session.pointee.readsRetained, let query = retainedWaiting[generation]?.first {
            let isTaken = canTake(session, query)
            if !isTaken, session.pointee.connection != nil { return }
            retainedWaiting[generation]?.removeFirst()
            if retainedWaiting[generation]?.isEmpty == true { retainedWaiting[generation] = nil }
            releaseIfBacklogFell(session)
            if isTaken {
                ask(query, session, atOnce: false)
            } else {
                // Nobody is there to take it.
                stop(query)
                session.pointee.retainedQueries -= 1
            }
        }
    }

    /// The session ends.
    func stopRetained(_ session: SessionPointer) {
        if let query = retainedWaiting.removeValue(forKey: session.pointee.generation)?.underWay { stop(query) }
    }

    private func stop(_ query: RetainedQuery) {
        guard query.isUnderWay else { return }
        if loop == Self.retainedOwner {
            stopReading(query.read, of: loop)
        } else {
            outboxes[Self.retainedOwner].append(.retainedStop(read: query.read))
        }
    }

    private func finish(_ query: RetainedQuery, _ session: SessionPointer) {
        session.pointee.retainedQueries -= 1
        if session.pointee.retainedQueries > 0 { continueRetained(session) }
        sendIfReady(query.subscriber.target)
    }

    /// A portion came. Takes over the references.
    func retainedAnswered(_ query: RetainedQuery, _ messages: [Message], isLast: Bool) {
        defer { for message in messages { message.release() } }
        var query = query
        query.isUnderWay = !isLast
        guard let session = session(query.subscriber.target, query.sessionGeneration) else {
            stop(query)
            return
        }
        let isWanted = messages.isEmpty || isSubscribed(session, query.filter)  // [MQTT-3.10.4-2]
        if isWanted { deliverRetained(messages, session, query.subscriber.options) }
        session.pointee.readsRetained = false
        if isLast || !isWanted {
            stop(query)
            finish(query, session)
        } else {
            retainedWaiting[query.sessionGeneration, default: RetainedBacklog()].underWay = query
            continueRetained(session)
            sendIfReady(query.subscriber.target)
        }
    }

    private func isSubscribed(_ session: SessionPointer, _ filter: [UInt8]) -> Bool {
        let entry = filter.withUnsafeBytes { index.find(ByteView($0)) }
        return entry >= 0 && session.pointee.subscriptions.place(entry).isThere
    }

    private func deliverRetained(_ messages: [Message], _ session: SessionPointer, _ wanted: DeliveryOptions) {
        for message in messages {
            if wanted.noLocal, isPublisher(session, of: Publication(borrowing: message)) { continue }  // [MQTT-3.8.3-3]
            let options = wanted.withQoS(deliveredQoS(wanted.qos, message.qos))
            if options.qos == 0 {
                guard let connection = session.pointee.connection else { continue }
                // [MQTT-3.3.1-8]
                if !write(message, connection, options, 0, retain: true, dup: false) {  // [MQTT3-3.3.1-8]
                    messageDropped(message, connection, .packetTooLarge)
                }
                flushIfLarge(connection)
            } else {
                enqueue(message.retained(), session, options, DeliveryRoute(retain: true), mayGrow: true)
            }
        }
        drainQueue(session)
    }

    // MARK: The store's loop

    /// Answers now if it is the first portion, and that is small: there may be many readers.
    func answerRetained(_ query: RetainedQuery, to other: Int) {
        if query.isUnderWay || retainedRequests.lookedAtOnce >= Self.nodesPerTurn {
            requestRetained(query, from: other)
        } else {
            let looked = 1 + read(query, for: other, limit: Self.nodesPerTurn / 8)
            retainedRequests.lookedAtOnce += looked
            charge(looked * Work.node)
        }
    }

    /// One portion, for a turn to come.
    private func requestRetained(_ query: RetainedQuery, from other: Int) {
        let rests = query.isUnderWay || settings.retainedDeliveryRate != nil
        retainedRequests.append(RetainedRequest(query: query, loop: other, due: rests ? now + pause : now))
        scheduleReading(after: pause)
    }

    /// Between two portions: what `retainer.delivery_rate` makes of it.
    private var pause: UInt64 {
        guard let rate = settings.retainedDeliveryRate else { return 1 }
        return UInt64(max(50, 1000 / max(rate, 0.001)))
    }

    private func portion(_ query: RetainedQuery) -> Int {
        guard let rate = settings.retainedDeliveryRate else { return query.portion }
        return min(query.portion, max(1, Int(rate * Double(pause) / 1000)))
    }

    private func scheduleReading(after delay: UInt64) {
        guard !retainedRequests.isScheduled else { return }
        retainedRequests.isScheduled = true
        _ = timers.schedule(TimerToken(.retainedReading, slot: 0, generation: 1).rawValue, after: delay)
    }

    /// Serves those who wait for a portion, for as long as a turn may take; each gets on a little.
    func readRetained() {
        retainedRequests.isScheduled = false
        var left = Self.nodesPerTurn
        while left > 0, let request = retainedRequests.next(at: now) {
            left -= 1 + read(request.query, for: request.loop, limit: left)
        }
        if let due = retainedRequests.nextDue { scheduleReading(after: max(due, now + 1) - now) }
    }

    /// Reads a portion and replies; if not even that is found at the first go, goes on in another turn. Returns how many
    /// nodes were looked at.
    @discardableResult
    private func read(_ query: RetainedQuery, for other: Int, limit: Int) -> Int {
        // Also an answer when there are none: a session does not move to another loop before it has its answers.
        guard retained.count > 0, settings.keepsRetained else {
            stopReading(query.read, of: other)
            reply(query, [], isLast: true, to: other)
            return 0
        }
        var cursor =
            retained.unpark(RetainedRequest.key(query.read, other)) ?? RetainedCursor(query.filter, in: retained)
        let portion = portion(query)
        var messages: [Message] = []
        var bytes = 0
        let looked = cursor.advance(in: retained, limit: limit) { message in
            if !message.isExpired(at: now) {
                messages.append(other == loop ? message.retained() : message.copied())
                bytes += message.payload.count
            }
            return messages.count < portion && bytes < Self.portionBytes
        }
        let isLast = cursor.isDone
        if !isLast { retained.park(cursor, as: RetainedRequest.key(query.read, other)) }
        if messages.isEmpty, !isLast {
            requestRetained(query, from: other)
        } else {
            reply(query, messages, isLast: isLast, to: other)
        }
        return looked + messages.count
    }

    private func reply(_ query: RetainedQuery, _ messages: [Message], isLast: Bool, to other: Int) {
        if other == loop {
            retainedAnswered(query, messages, isLast: isLast)
        } else {
            outboxes[other].append(.retainedAnswer(query, messages, isLast: isLast))
        }
    }

    func stopReading(_ read: UInt32, of other: Int) {
        let key = RetainedRequest.key(read, other)
        _ = retained.unpark(key)
        retainedRequests.remove(key)
    }
}
