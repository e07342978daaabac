// SPDX-License-Identifier: Apache-2.0
// How a connection comes to its session: a new one, the one it left, or one that another connection holds, on this
// loop or another.

import MQTT
import PluginAPI

/// A connection that waits for its session to come over from another loop.
struct Joining {
    var connection: ConnectionIdentifier
    /// This loop's claim to the client.
    let claim: UInt64
    /// A loop that asked for the session while it was on its way here.
    var successor: Int?
}

extension Broker {
    func session(named name: ByteView) -> Int32 {
        sessionTable.find(name.hash64) { sessions[$0].pointee.clientIdentifier.view == name }
    }

    /// The session that was in `slot` with this generation, unless it ended.
    func session(_ slot: Int32, _ generation: UInt32) -> SessionPointer? {
        guard slot >= 0, slot < liveSessions.count, liveSessions[Int(slot)] == generation else { return nil }
        return sessions[slot]
    }

    /// The client is authenticated: find its session.
    func join(_ connection: ConnectionPointer) {
        let name = connection.pointee.clientIdentifier.view
        guard loopCount > 1 else {
            joinHere(connection, claim: 0)
            return
        }
        let key = Array(name.buffer)
        if let earlier = joining[key] {
            // A newer connection of the same client: it gets the session instead.
            joining[key]?.connection = connection.pointee.identifier
            suspend(connection, .session)
            if let old = self.connection(earlier.connection) { close(old, .sessionTakenOver) }
            return
        }
        let (claim, previous) = registry.claim(key, loop)
        guard let previous, previous.loop != loop else {
            joinHere(connection, claim: claim)
            return
        }
        joining[key] = Joining(connection: connection.pointee.identifier, claim: claim, successor: nil)
        suspend(connection, .session)
        outboxes[previous.loop].messages.append(
            .takeOver(clientIdentifier: key, claim: previous.number, cleanStart: connection.pointee.cleanStart)
        )
    }

    private func suspend(_ connection: ConnectionPointer, _ stage: PendingCheck.Stage) {
        connection.pointee.state = .suspended
        connection.pointee.pending = PendingCheck(stage: stage, ticket: 0, link: 0)
        connection.pointee.transport.pauseReading()
        cancelTimer(connection)
    }

    private func joinHere(_ connection: ConnectionPointer, claim: UInt64) {
        let existing = session(named: connection.pointee.clientIdentifier.view)
        guard existing >= 0 else {
            start(connection, claim)
            return
        }
        if let other = sessions[existing].pointee.connection {
            let endsWithConnection = other.pointee.sessionExpiryInterval == 0
            displace(other, keepsSession: !connection.pointee.cleanStart && !endsWithConnection)
            if endsWithConnection {
                // That session would have ended with its connection. [MQTT-3.1.2-23]
                terminate(existing, .sessionTakenOver)
                start(connection, claim)
                return
            }
        }
        if connection.pointee.cleanStart {  // [MQTT-3.1.2-4]
            terminate(existing, .sessionTakenOver)
            start(connection, claim)
        } else {  // [MQTT-3.1.2-5]
            sessions[existing].pointee.claim = claim
            resume(connection, existing)
        }
    }

    private func start(_ connection: ConnectionPointer, _ claim: UInt64) {
        let slot = makeSession(connection.pointee.clientIdentifier.view, claim)
        connection.pointee.session = slot
        welcome(connection, sessions[slot], sessionPresent: false)  // [MQTT-3.2.2-2]
    }

    private func resume(_ connection: ConnectionPointer, _ slot: Int32) {
        let session = sessions[slot]
        cancelTimer(session)
        if let will = session.pointee.delayedWill {
            // Back in time: the will is not published. [MQTT-3.1.3-9]
            will.release()
            session.pointee.delayedWill = nil
        }
        connection.pointee.session = slot
        welcome(connection, session, sessionPresent: true)  // [MQTT-3.2.2-3]
    }

    private func makeSession(_ name: ByteView, _ claim: UInt64) -> Int32 {
        sessionGeneration = TimerToken.next(sessionGeneration)
        let slot = sessions.insert(Session(clientIdentifier: name, generation: sessionGeneration, claim: claim))
        while liveSessions.count <= Int(slot) { liveSessions.append(0) }
        liveSessions[Int(slot)] = sessionGeneration
        sessions[slot].pointee.slot = slot
        sessionTable.insert(name.hash64, slot, rehash: sessionHash(of:))
        return slot
    }

    private func sessionHash(of slot: Int32) -> UInt64 { sessions[slot].pointee.clientIdentifier.view.hash64 }

    /// What was sent before and not acknowledged is sent again, in its order. [MQTT-4.4.0-1] [MQTT-4.6.0-1]
    func resend(_ session: SessionPointer, _ connection: ConnectionPointer) {
        session.pointee.unsent = session.pointee.inflight.inOrder.reversed().map { $0.pointee.packetIdentifier }
        sendUnsent(session, connection)
    }

    /// The client may allow less in flight than it did before: the rest follows its acknowledgements. [MQTT-3.3.4-9]
    func sendUnsent(_ session: SessionPointer, _ connection: ConnectionPointer) {
        while session.pointee.inflight.count - session.pointee.unsent.count < session.pointee.inflightLimit,
            let identifier = session.pointee.unsent.popLast()
        {
            guard let slot = session.pointee.inflight.find(identifier) else { continue }
            touch(connection)
            if slot.pointee.state == .awaitingPUBCOMP {
                AckPacket(.pubrel, packetIdentifier: identifier)
                    .encode(into: &connection.pointee.output.bytes, version: connection.pointee.version)
                continue
            }
            guard let message = slot.pointee.message else { continue }
            let isWritten = write(
                message,
                connection,
                slot.pointee.options,
                identifier,
                retain: slot.pointee.retain,
                dup: true  // [MQTT-3.3.1-1]
            )
            if !isWritten { session.pointee.inflight.finish(slot) }
        }
    }

    // MARK: End

    /// Ends a session: its subscriptions, queues and delayed will.
    func terminate(_ slot: Int32, _ reason: ReasonCode) {
        let session = sessions[slot]
        cancelTimer(session)
        if let will = session.pointee.delayedWill {
            session.pointee.delayedWill = nil
            publishWill(will)
        }
        while let last = session.pointee.subscriptions.last { removeSubscription(slot, last) }
        if !hooks.sessionTerminated.isEmpty {
            for link in hooks.sessionTerminated {
                link.call {
                    link.function(link.state, isth_str(session.pointee.clientIdentifier.view), reason.rawValue)
                }
            }
        }
        forget(slot)
    }

    private func forget(_ slot: Int32) {
        let session = sessions[slot]
        let name = session.pointee.clientIdentifier.view
        if loopCount > 1 { registry.release(Array(name.buffer), session.pointee.claim) }
        sessionTable.remove(name.hash64, slot, rehash: sessionHash(of:))
        session.pointee.deallocate()
        liveSessions[Int(slot)] = 0
        sessions.remove(slot)
    }

    // MARK: Between loops

    /// Another loop has the client now: give the session of `claim` away. It may be one that is still awaited here, while
    /// an earlier one, which others asked for, is still there.
    func giveAway(_ key: [UInt8], _ claim: UInt64, to loop: Int, cleanStart: Bool) {
        if joining[key]?.claim == claim {
            joining[key]?.successor = loop
            return
        }
        let slot = key.withUnsafeBytes { self.session(named: ByteView($0)) }
        guard slot >= 0, sessions[slot].pointee.claim == claim else {
            outboxes[loop].messages.append(.session(clientIdentifier: key, nil))
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
            outboxes[loop].messages.append(.session(clientIdentifier: key, nil))
            return
        }
        outboxes[loop].messages.append(.session(clientIdentifier: key, pack(slot)))
    }

    /// Takes everything out of a session that travels, and forgets the rest.
    private func pack(_ slot: Int32) -> SessionState {
        let session = sessions[slot]
        cancelTimer(session)
        session.pointee.delayedWill?.release()
        session.pointee.delayedWill = nil
        let subscriptions = session.pointee.subscriptions.map { subscription in
            SessionState.Subscription(
                filter: Array(index[subscription.entry].pointee.name.view.buffer),
                group: subscription.group < 0 ? [] : Array(groups[subscription.group].pointee.name.view.buffer),
                options: subscription.options
            )
        }
        session.pointee.inflight.unshareMessages()
        session.pointee.queue.unshareMessages()
        let state = SessionState(
            expiryInterval: session.pointee.expiryInterval,
            subscriptions: subscriptions,
            inflight: session.pointee.inflight,
            queue: session.pointee.queue,
            received: session.pointee.received
        )
        session.pointee.inflight = InflightWindow()
        session.pointee.queue = MessageQueue()
        while let last = session.pointee.subscriptions.last { removeSubscription(slot, last) }
        forget(slot)
        return state
    }

    /// The session this loop asked for arrived, or there was none.
    func receiveSession(_ key: [UInt8], _ state: SessionState?) {
        guard let waiting = joining.removeValue(forKey: key) else {
            discard(state)
            return
        }
        let connection = self.connection(waiting.connection).flatMap { $0.isOpen ? $0 : nil }
        let isWanted = connection.map { !$0.pointee.cleanStart } ?? true
        var slot: Int32 = -1
        if let state, isWanted {
            slot = key.withUnsafeBytes { unpack(state, ByteView($0), waiting.claim) }
        } else {
            discard(state)
        }
        if let connection {
            connection.pointee.pending = nil
            if slot >= 0 { resume(connection, slot) } else { start(connection, waiting.claim) }
            if waiting.successor == nil { processInput(connection) }
            if connection.isOpen, connection.pointee.state != .suspended, !connection.pointee.isHeld {
                connection.pointee.transport.resumeReading()
            }
        } else if slot >= 0 {
            scheduleExpiry(slot)
        } else {
            registry.release(key, waiting.claim)
        }
        if let successor = waiting.successor { giveAway(key, waiting.claim, to: successor, cleanStart: false) }
    }

    private func unpack(_ state: SessionState, _ name: ByteView, _ claim: UInt64) -> Int32 {
        let slot = makeSession(name, claim)
        let session = sessions[slot]
        session.pointee.expiryInterval = state.expiryInterval
        session.pointee.inflight = state.inflight
        session.pointee.queue = state.queue
        session.pointee.received = state.received
        for subscription in state.subscriptions {
            _ = addSubscription(slot, subscription.filter, subscription.group, subscription.options, token: 0)
        }
        return slot
    }

    private func discard(_ state: SessionState?) {
        guard var state else { return }
        state.inflight.deallocate()
        state.queue.deallocate()
    }
}
