// SPDX-License-Identifier: Apache-2.0
// A QoS 1 or 2 message that was acknowledged must not be lost because its receiver is slower than its publisher. When
// the queue of a connected session is full, the publisher is not read until half of the queue is gone. A receiver that
// does not get so far in time is overdue: it loses its oldest messages, and nobody waits for it until it caught up.

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

extension Broker {
    /// Beyond the queue's length, for what was under way when a publisher was held back: other loops' batches mostly.
    private static var slack: Int { 1 << 16 }

    /// Holds the publisher back, as the session's queue is full. Returns whether the message may still be queued.
    func holdBack(_ publication: borrowing Publication, for session: SessionPointer) -> Bool {
        if session.pointee.isMoving {
            // Its client is about to take it all.
            return session.pointee.queue.count < settings.maximumQueueLength + Self.slack
        }
        guard let receiver = session.pointee.connection, !session.pointee.isOverdue,
            session.pointee.queue.count < settings.maximumQueueLength + Self.slack
        else { return false }
        // It cannot acknowledge while it waits itself: those it waits for have to get on first.
        if receiver.pointee.holds.contains(.receiver) { return true }
        if let publisher = publication.connection ?? activePublisher {
            if publisher == receiver { return true }
            if hold(publisher) { session.pointee.held.append(publisher.pointee.identifier) }
        } else if publication.isFromLoop {
            if !session.pointee.holdsLoops {
                session.pointee.holdsLoops = true
                loopHolds += 1
                if loopHolds == 1 { tellLoops(.holdBack(true)) }
            }
        } else {
            return false
        }
        if session.pointee.timer == 0 {
            session.pointee.sentWhenHeld = session.pointee.inflight.nextSequence
            waitFor(session, settings.standstillTime)
        }
        return true
    }

    private func waitFor(_ session: SessionPointer, _ time: UInt64) {
        let token = TimerToken(.session, slot: session.pointee.slot, generation: session.pointee.generation)
        session.pointee.timer = timers.schedule(token.rawValue, after: time)
    }

    /// The time of a receiver that others wait for is up: all of it, or what it has for the first acknowledgement.
    func holdBackTimeIsUp(for session: SessionPointer) {
        if let sent = session.pointee.sentWhenHeld, sent != session.pointee.inflight.nextSequence {
            session.pointee.sentWhenHeld = nil
            waitFor(session, settings.holdBackTime - settings.standstillTime)
        } else {
            giveUpWaiting(for: session)
        }
    }

    /// Returns whether it was not held already. A client that others wait for is never held, or all might wait for ever.
    private func hold(_ publisher: ConnectionPointer) -> Bool {
        guard !publisher.pointee.holds.contains(.receiver), publisher.isOpen else { return false }
        let session = sessions[publisher.pointee.session]
        guard session.pointee.held.isEmpty, !session.pointee.holdsLoops else { return false }
        hold(publisher, .receiver)
        return true
    }

    /// The session's queue has room again, or nobody is to wait for it any more.
    func releaseHeld(_ session: SessionPointer) {
        cancelTimer(session)
        guard !session.pointee.held.isEmpty || session.pointee.holdsLoops else { return }
        released += session.pointee.held.map { ReleasedClient($0, .receiver) }
        session.pointee.held = []
        if session.pointee.holdsLoops {
            session.pointee.holdsLoops = false
            loopHolds -= 1
            if loopHolds == 0 { tellLoops(.holdBack(false)) }
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
                takes its messages too slowly; the oldest of more than \(settings.maximumQueueLength) waiting ones are dropped \
                (mqtt.max_mqueue_len)
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

    /// Another loop cannot take more for one of its sessions: publishers that send to it are held back.
    func applyHoldBack(by other: Int, _ holds: Bool) {
        let bit = UInt64(1) << UInt64(other)
        if holds {
            holdingLoops |= bit
        } else {
            holdingLoops &= ~bit
            released += heldForLoops.map { ReleasedClient($0, .receiver) }
            heldForLoops = []
        }
    }

    /// A publication goes to a loop that asked for a pause.
    @inline(never)
    func holdForLoops(_ publication: borrowing Publication) {
        guard let publisher = publication.connection ?? activePublisher, hold(publisher) else { return }
        heldForLoops.append(publisher.pointee.identifier)
    }
}
