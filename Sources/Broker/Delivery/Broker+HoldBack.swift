// SPDX-License-Identifier: Apache-2.0
// A QoS 1 or 2 message that was acknowledged must not be lost because its receiver is slower than its publisher. When
// the queue of a connected session is full, the publisher is not read until half of the queue is gone. A receiver that
// does not take its messages at the rate which that needs is overdue: it loses its oldest messages, and nobody waits for
// it until it caught up. Its rate is known by the time its queue is full, unless the queue filled up at once.

import MQTT

/// A client that was not read, and why.
struct ReleasedClient {
    let identifier: ConnectionIdentifier
    let reason: Connection.Holds

    init(_ identifier: ConnectionIdentifier, _ reason: Connection.Holds) {
        self.identifier = identifier
        self.reason = reason
    }
}

/// A publisher that waits for a session's queue.
enum HeldPublisher {
    case here(ConnectionIdentifier)
    /// On another loop, by its client identifier.
    case elsewhere([UInt8])
}

extension Broker {
    /// Beyond the queue's length, for what was under way when a publisher was held back: other loops' batches mostly.
    private static var slack: Int { 1 << 16 }

    /// Holds the publisher back, as the session's queue is full. Returns whether the message may still be queued.
    func holdBack(_ publication: borrowing Publication, for session: SessionPointer) -> Bool {
        if session.pointee.isMoving {
            // Its client is about to take it all.
            return hasSlack(session)
        }
        guard let receiver = session.pointee.connection, !session.pointee.isOverdue, hasSlack(session) else {
            return false
        }
        // It cannot acknowledge while it waits itself: those it waits for have to get on first.
        if receiver.pointee.holds.contains(.receiver) { return true }
        let isKnown = now - session.pointee.queueBegan >= settings.standstillTime
        if !isHeldBack(session), isKnown, !keepsPace(session) {
            giveUpWaiting(for: session)
            return false
        }
        if let publisher = publication.connection ?? activePublisher {
            if publisher == receiver { return true }
            if hold(publisher) {
                session.pointee.held.append(.here(publisher.pointee.identifier))
            }
        } else if publication.isFromLoop {
            // What links and plugins publish names a client that need not be here: whoever brings it is held.
            holdElsewhere(publication.origin == .client ? publication.clientIdentifier : .empty, for: session)
        } else {
            return false
        }
        if session.pointee.timer == 0, isHeldBack(session) {
            session.pointee.heldSince = now
            if isKnown { beginPace(session) }
            judgeLater(session)
        }
        return true
    }

    private func hasSlack(_ session: SessionPointer) -> Bool {
        session.pointee.queue.count < settings.maximumQueueLength + Self.slack
            && session.pointee.queue.bytes < 2 * settings.maximumQueueBytes
            && !isQueueSpaceGone(for: -settings.maximumQueueBytesInAll / 4)
    }

    private func isHeldBack(_ session: SessionPointer) -> Bool { !session.pointee.held.isEmpty }

    // MARK: The receiver's rate

    /// What the session takes is counted from now on: its queue has begun, or its client is back.
    func beginPace(_ session: SessionPointer) {
        session.pointee.queueBegan = now
        session.pointee.sentBefore = session.pointee.inflight.nextSequence
    }

    /// Whether the session takes its messages at the rate that takes half of a full queue within the hold-back time.
    private func keepsPace(_ session: SessionPointer) -> Bool {
        let taken = UInt64(session.pointee.inflight.nextSequence &- session.pointee.sentBefore)
        let wanted = UInt64(min(session.pointee.queue.count, settings.maximumQueueLength) / 2)
        return taken * settings.holdBackTime >= wanted * (now - session.pointee.queueBegan)
    }

    private func judgeLater(_ session: SessionPointer) {
        let age = now - session.pointee.queueBegan
        let left = session.pointee.heldSince + settings.holdBackTime - now
        let wait = age < settings.standstillTime ? settings.standstillTime - age : settings.standstillTime
        let token = TimerToken(.session, slot: session.pointee.slot, generation: session.pointee.generation)
        session.pointee.timer = timers.schedule(token.rawValue, after: min(wait, left))
    }

    /// The rate of a receiver that others wait for is judged again, or all of its time is up.
    func holdBackTimeIsUp(for session: SessionPointer) {
        if now < session.pointee.heldSince + settings.holdBackTime, keepsPace(session) {
            judgeLater(session)
        } else {
            giveUpWaiting(for: session)
        }
    }

    // MARK: Holding and letting go

    /// Returns whether it was not held already. A client that others wait for is never held, or all might wait for ever.
    private func hold(_ publisher: ConnectionPointer) -> Bool {
        guard !publisher.pointee.holds.contains(.receiver), publisher.isOpen else { return false }
        let session = sessions[publisher.pointee.session]
        guard session.pointee.held.isEmpty else { return false }
        hold(publisher, .receiver)
        return true
    }

    /// The session's queue has room again, or nobody is to wait for it any more.
    func releaseHeld(_ session: SessionPointer) {
        cancelTimer(session)
        let held = session.pointee.held
        session.pointee.held = []
        for publisher in held {
            switch publisher {
            case .here(let identifier): released.append(ReleasedClient(identifier, .receiver))
            case .elsewhere(let name):
                heldElsewhere.remove(name)
                tellLoops(.holdBack(clientIdentifier: name, false))
            }
        }
    }

    /// The session did not catch up in time.
    private func giveUpWaiting(for session: SessionPointer) {
        session.pointee.isOverdue = true
        if let connection = session.pointee.connection {
            tell(
                .warning,
                .slowReceiver,
                connection,
                """
                takes its messages too slowly; \(session.pointee.queue.count) of \(session.pointee.queue.bytes) bytes wait, and \
                the oldest are dropped (mqtt.max_mqueue_len, mqtt.max_mqueue_bytes)
                """
            )
        }
        releaseHeld(session)
    }

    /// Lets released clients go on. At the turn's end, when nobody up the stack is in the middle of a delivery.
    func resumeReleased() {
        let clients = released
        released = []
        for client in clients {
            if let connection = self.connection(client.identifier) { resume(connection, after: client.reason) }
        }
    }

    // MARK: Other loops

    private func tellLoops(_ message: LoopMessage) {
        for other in 0..<loopCount where other != loop { outboxes[other].append(message) }
    }

    /// Asks whichever loop has the publisher to hold it, once: a message for a shared group may have come by way of a
    /// third loop.
    @inline(never)
    private func holdElsewhere(_ name: ByteView, for session: SessionPointer) {
        let key = Array(name.buffer)
        guard heldElsewhere.insert(key).inserted else { return }
        session.pointee.held.append(.elsewhere(key))
        tellLoops(.holdBack(clientIdentifier: key, true))
    }

    /// A session of another loop cannot take more from this client, or can again; without a name, from clients that bring
    /// what links and plugins publish.
    func applyHoldBack(by other: Int, _ clientIdentifier: [UInt8], _ holds: Bool) {
        if clientIdentifier.isEmpty { return applyHoldBackOfBringers(by: other, holds) }
        let slot = clientIdentifier.withUnsafeBytes { session(named: ByteView($0)) }
        guard slot >= 0, let publisher = sessions[slot].pointee.connection else { return }
        if holds {
            _ = hold(publisher)
        } else {
            released.append(ReleasedClient(publisher.pointee.identifier, .receiver))
        }
    }

    private func applyHoldBackOfBringers(by other: Int, _ holds: Bool) {
        let bit = UInt64(1) << UInt64(other)
        if holds {
            holdingLoops |= bit
        } else {
            holdingLoops &= ~bit
            released += heldForLoops.map { ReleasedClient($0, .receiver) }
            heldForLoops = []
        }
    }

    /// A publication that is no client's own goes to a loop that cannot take more of these.
    @inline(never)
    func holdForLoops(_ publication: borrowing Publication) {
        guard let publisher = publication.connection ?? activePublisher, hold(publisher) else { return }
        heldForLoops.append(publisher.pointee.identifier)
    }
}
