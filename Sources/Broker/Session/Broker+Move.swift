// SPDX-License-Identifier: Apache-2.0
// A session follows its client from one loop to another; no message for it is lost, doubled or overtaken by a later one
// of its source on the way.
//
// 1. The new loop asks (`takeOver`). The old one ends the connection and sends the subscriptions ahead (`moving`), but
//    goes on queueing for the session.
// 2. The new loop takes the subscriptions up, which announces them to all loops, and behind that says `moved`.
// 3. Each loop, when it hears that, says `switched` to both. What it sent before is for the old loop, what it sends
//    after is for the new one, and both can tell: mail between two loops keeps its order. So for each source the old
//    loop queues until the mark, and the new one from it on.
// 4. Once all have switched, the old loop sends the session with its queue (`session`), and forgets it. The new one
//    puts what it queued behind that. Only then the client gets its CONNACK: nobody acknowledges, subscribes or
//    unsubscribes on a session that is in two places.

import MQTT

extension Broker {
    /// Whether the session gets this message through its other self.
    @inline(never)
    func isDeaf(_ session: SessionPointer, to publication: borrowing Publication) -> Bool {
        let source = publication.isFromLoop ? Int(publication.sourceLoop) : loop
        return session.pointee.deafTo & Self.bit(source) != 0
    }

    private static func bit(_ loop: Int) -> UInt64 { UInt64(1) << UInt64(loop) }

    private var allLoops: UInt64 { .max >> UInt64(64 - loopCount) }

    /// The session that was made for this claim of the client, or -1.
    private func session(_ key: [UInt8], of claim: UInt64) -> Int32 {
        let slot = key.withUnsafeBytes { session(named: ByteView($0)) }
        return slot >= 0 && sessions[slot].pointee.claim == claim ? slot : -1
    }

    // MARK: The old loop

    /// Another loop has the client now: give the session of `claim` away. It may be one that is still awaited here, while
    /// an earlier one, which others asked for, is still there.
    func giveAway(_ key: [UInt8], _ claim: UInt64, to loop: Int, cleanStart: Bool) {
        if let i = joining[key]?.firstIndex(where: { $0.claim == claim }) {
            joining[key]?[i].successor = loop
            return
        }
        let slot = session(key, of: claim)
        guard slot >= 0 else {
            outboxes[loop].append(.session(clientIdentifier: key, claim: claim, nil))
            return
        }
        let session = sessions[slot]
        var keeps = !cleanStart
        if let connection = session.pointee.connection {
            if connection.pointee.sessionExpiryInterval == 0 { keeps = false }
            session.pointee.expiryInterval = connection.pointee.sessionExpiryInterval
            displace(connection, keepsSession: keeps)
        }
        guard keeps else {
            terminate(slot, .sessionTakenOver)
            outboxes[loop].append(.session(clientIdentifier: key, claim: claim, nil))
            return
        }
        cancelTimer(session)
        session.pointee.delayedWill?.release()
        session.pointee.delayedWill = nil
        session.pointee.movingTo = Int8(loop)
        guard !session.pointee.subscriptions.isEmpty else {
            // Nobody sends it anything.
            session.pointee.deafTo = allLoops
            sendIfReady(slot)
            return
        }
        let subscriptions = (0..<session.pointee.subscriptions.count).map { i in
            named(session.pointee.subscriptions[i])
        }
        outboxes[loop].append(.moving(clientIdentifier: key, claim: claim, subscriptions))
    }

    func named(_ subscription: SessionSubscription) -> NamedSubscription {
        let position = Int(subscription.position)
        guard subscription.isShared else {
            return NamedSubscription(
                filter: Array(index.filter(of: subscription.entry).buffer),
                group: [],
                options: index[subscription.entry].pointee.subscribers[position].options
            )
        }
        let group = groups[subscription.group]
        return NamedSubscription(
            filter: Array(index.filter(of: group.pointee.entry).buffer),
            group: Array(group.pointee.name.view.buffer),
            options: group.pointee.members[position].options
        )
    }

    /// Sends a session that moves, once it has everything that is to come to it here.
    func sendIfReady(_ slot: Int32) {
        let session = sessions[slot]
        guard session.pointee.isMoving, session.pointee.deafTo == allLoops, session.pointee.retainedQueries == 0
        else { return }
        let loop = Int(session.pointee.movingTo)
        let key = Array(session.pointee.clientIdentifier.view.buffer)
        let claim = session.pointee.claim
        session.pointee.inflight.unshareMessages()
        session.pointee.queue.leave()
        nameGroups(slot)
        let state = SessionState(
            expiryInterval: session.pointee.expiryInterval,
            rules: session.pointee.rules,
            inflight: session.pointee.inflight,
            queue: session.pointee.queue,
            received: session.pointee.received,
            formerGroups: formerGroups[slot] ?? []
        )
        session.pointee.inflight = InflightWindow()
        session.pointee.queue = MessageQueue(countedIn: queuedBytes)
        removeAllSubscriptions(slot)
        forget(slot)
        outboxes[loop].append(.session(clientIdentifier: key, claim: claim, state))
    }

    // MARK: All loops

    /// From here on, what this loop publishes is for the session's new loop.
    func switchOver(_ key: [UInt8], _ claim: UInt64, from source: Int, to destination: Int) {
        outboxes[destination].append(.switched(clientIdentifier: key, claim: claim))
        if source == loop {
            hasSwitched(destination, key, claim)
            hasSwitched(loop, key, claim)
        } else {
            outboxes[source].append(.switched(clientIdentifier: key, claim: claim))
        }
    }

    /// A loop told one of the two, as which this one is meant.
    func hasSwitched(_ source: Int, _ key: [UInt8], _ claim: UInt64) {
        if let slot = joining[key]?.first(where: { $0.superseded == claim })?.slot {
            guard slot >= 0 else { return }
            sessions[slot].pointee.deafTo &= ~Self.bit(source)
            completeIfReady(key, claim)
            return
        }
        let slot = session(key, of: claim)
        guard slot >= 0 else { return }
        sessions[slot].pointee.deafTo |= Self.bit(source)
        sendIfReady(slot)
    }

    // MARK: The new loop

    /// The session is coming: its subscriptions are taken up, and all loops told.
    func expectSession(_ key: [UInt8], _ claim: UInt64, _ subscriptions: [NamedSubscription], from source: Int) {
        guard let i = joining[key]?.firstIndex(where: { $0.superseded == claim && $0.slot < 0 }) else { return }
        // It has no claim before it is complete, by which others might take it for the whole session.
        let slot = key.withUnsafeBytes { makeSession(ByteView($0), 0) }
        joining[key]?[i].slot = slot
        arrivingSessions += 1
        sessions[slot].pointee.movingTo = Int8(loop)
        sessions[slot].pointee.deafTo = allLoops & ~Self.bit(loop)
        for subscription in subscriptions {
            _ = addSubscription(slot, subscription.filter, subscription.group, subscription.options, token: 0)
        }
        for other in 0..<loopCount where other != loop {
            outboxes[other].append(.moved(clientIdentifier: key, claim: claim, from: source))
        }
    }

    /// The session this loop asked for arrived, or there was none.
    func receiveSession(_ key: [UInt8], _ claim: UInt64, _ state: SessionState?) {
        guard let i = joining[key]?.firstIndex(where: { $0.superseded == claim }) else {
            discard(state)
            return
        }
        if let state {
            joining[key]?[i].state = state
            completeIfReady(key, claim)
        } else {
            complete(key, i)
        }
    }

    /// The session may have arrived before the last loop's mark: then older messages may come here still.
    private func completeIfReady(_ key: [UInt8], _ claim: UInt64) {
        guard let i = joining[key]?.firstIndex(where: { $0.superseded == claim && $0.state != nil }),
            let slot = joining[key]?[i].slot, slot < 0 || sessions[slot].pointee.deafTo == 0
        else { return }
        complete(key, i)
    }

    private func complete(_ key: [UInt8], _ i: Int) {
        guard let waiting = joining[key]?.remove(at: i) else { return }
        if joining[key]?.isEmpty == true { joining[key] = nil }
        let connection = self.connection(waiting.connection).flatMap { $0.isOpen ? $0 : nil }
        var slot = waiting.slot
        if slot >= 0 { arrivingSessions -= 1 }
        if let state = waiting.state {
            if slot < 0 { slot = key.withUnsafeBytes { makeSession(ByteView($0), 0) } }
            unpack(state, sessions[slot])
        }
        if slot >= 0, waiting.endsSession || connection?.pointee.cleanStart == true {  // [MQTT-3.1.2-4]
            // The claim may go on with a new session.
            terminate(slot, .sessionTakenOver)
            slot = -1
        }
        if slot >= 0 {
            sessions[slot].pointee.claim = waiting.claim
            sessions[slot].pointee.movingTo = -1
        }
        if let connection {
            connection.pointee.pending = nil
            if slot >= 0 { resume(connection, slot) } else { start(connection, waiting.claim) }
            if waiting.successor == nil { processInput(connection) }
            if connection.isOpen, connection.pointee.state != .suspended, !connection.isHeld {
                connection.pointee.transport.resumeReading()
            }
        } else if slot >= 0 {
            scheduleExpiry(slot)
        } else {
            registry.release(key, waiting.claim)
        }
        if let successor = waiting.successor { giveAway(key, waiting.claim, to: successor, cleanStart: false) }
    }

    private func unpack(_ state: SessionState, _ session: SessionPointer) {
        session.pointee.expiryInterval = state.expiryInterval
        session.pointee.rules = state.rules
        session.pointee.inflight = state.inflight
        session.pointee.received = state.received
        if !state.formerGroups.isEmpty { formerGroups[session.pointee.slot] = state.formerGroups }
        var newer = session.pointee.queue
        session.pointee.queue = state.queue
        session.pointee.queue.count(in: queuedBytes)
        while let item = newer.popFirst() { session.pointee.queue.append(item, priority: priority(of: item.message)) }
    }

    func discard(_ state: SessionState?) {
        guard var state else { return }
        state.inflight.deallocate()
        state.queue.deallocate()
    }
}
