// SPDX-License-Identifier: Apache-2.0
// How a connection comes to its session: a new one, the one it left, or one that another connection holds, on this
// loop or another.

import MQTT
import PluginAPI
import Synchronization

/// A connection that waits for its session to come over from another loop.
struct Joining {
    var connection: ConnectionIdentifier
    /// This loop's claim to the client, the latest one if the client came here again.
    var claim: UInt64
    /// The claim that it supersedes, which the session was made for.
    let superseded: UInt64
    /// A loop that asked for the session while it was on its way here.
    var successor: Int?
    /// Where its subscriptions stand already and its newer messages wait, -1 = nowhere.
    var slot: Int32 = -1
    /// A plugin wanted the session to be dropped.
    var endsSession = false
    /// The rest of it, while other loops have not switched over yet.
    var state: SessionState?
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

    /// The client is authenticated: find its session. [MQTT-3.1.3-2] [MQTT-3.1.4-4]
    func join(_ connection: ConnectionPointer) {
        let name = connection.pointee.clientIdentifier.view
        let overrides = settings.overridesIdentity
        guard loopCount > 1 else {
            let existing = session(named: name)
            if existing >= 0, !overrides, owner(of: sessions[existing]) != identity(of: connection) {
                refuseStranger(connection)
            } else {
                joinHere(connection, claim: 0)
            }
            return
        }
        let key = Array(name.buffer)
        guard let (claim, previous) = registry.claim(key, loop, identity(of: connection), overrides: overrides) else {
            refuseStranger(connection)
            return
        }
        let earlier = joining[key]?.last
        if let earlier, let old = self.connection(earlier.connection) { close(old, .sessionTakenOver) }
        if let earlier, earlier.claim == previous?.number, let last = joining[key]?.indices.last {
            // No other loop has asked since: the newer connection gets the session instead.
            joining[key]?[last].connection = connection.pointee.identifier
            joining[key]?[last].claim = claim
            suspend(connection, .session)
            return
        }
        guard let previous, previous.loop != loop else {
            joinHere(connection, claim: claim)
            return
        }
        joining[key, default: []].append(
            Joining(connection: connection.pointee.identifier, claim: claim, superseded: previous.number)
        )
        suspend(connection, .session)
        outboxes[previous.loop].append(
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

    func start(_ connection: ConnectionPointer, _ claim: UInt64) {  // [MQTT-3.1.2-6]
        let slot = makeSession(connection.pointee.clientIdentifier.view, claim)
        connection.pointee.session = slot
        sessions[slot].pointee.rules = rules
        welcome(connection, sessions[slot], sessionPresent: false)  // [MQTT-3.2.2-2]
    }

    func resume(_ connection: ConnectionPointer, _ slot: Int32) {
        let session = sessions[slot]
        cancelTimer(session)
        if let will = session.pointee.delayedWill {
            // Back in time: the will is not published. [MQTT-3.1.3-9]
            will.release()
            session.pointee.delayedWill = nil
        }
        connection.pointee.session = slot
        beginPace(session)
        if connection.pointee.isBridge { suitBridge(session) }
        let denied = deniedSubscriptions(of: session, connection)
        session.pointee.rules = rules
        if !denied.isEmpty { endSubscriptions(denied, of: session) }
        welcome(connection, session, sessionPresent: true)  // [MQTT-3.2.2-3]
        if !denied.isEmpty { tellOfEnded(denied, connection) }
    }

    func makeSession(_ name: ByteView, _ claim: UInt64) -> Int32 {
        sessionGeneration = TimerToken.next(sessionGeneration)
        let slot = sessions.insert(
            Session(clientIdentifier: name, generation: sessionGeneration, claim: claim, queuedBytes: queuedBytes)
        )
        registry.sessions.wrappingAdd(1, ordering: .relaxed)
        while liveSessions.count <= Int(slot) { liveSessions.append(0) }
        liveSessions[Int(slot)] = sessionGeneration
        sessions[slot].pointee.slot = slot
        sessionTable.insert(name.hash64, slot)
        return slot
    }

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
                dup: true  // [MQTT-3.3.1-1] [MQTT-4.3.3-7]
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
        releaseAll(of: slot)
        if session.pointee.subscriptions.count > Self.subscriptionsEndedPerTurn {
            notifyTerminated(session, reason)
            detach(slot)
            endLater(slot)
            return
        }
        let orphans = takeOrphans(slot)
        removeAllSubscriptions(slot)
        notifyTerminated(session, reason)
        forget(slot)
        publishAgain(orphans)
    }

    private func notifyTerminated(_ session: SessionPointer, _ reason: ReasonCode) {
        for link in hooks.sessionTerminated {
            link.call {
                link.function(link.state, isth_str(session.pointee.clientIdentifier.view), reason.rawValue)
            }
        }
    }

    func forget(_ slot: Int32) {
        detach(slot)
        remove(slot)
    }

    /// From here on the client, should it come back, has no session.
    private func detach(_ slot: Int32) {
        let session = sessions[slot]
        if session.pointee.retainedQueries > 0 { stopRetained(session) }
        let name = session.pointee.clientIdentifier.view
        if loopCount > 1 { registry.release(Array(name.buffer), session.pointee.claim) }
        sessionTable.remove(name.hash64, slot)
        liveSessions[Int(slot)] = 0
    }

    private func remove(_ slot: Int32) {
        if !formerGroups.isEmpty { formerGroups[slot] = nil }
        sessions[slot].pointee.deallocate()
        registry.sessions.wrappingSubtract(1, ordering: .relaxed)
        sessions.remove(slot)
    }

    // MARK: With very many subscriptions

    private static var subscriptionsEndedPerTurn: Int { 2048 }

    /// The session has ended for its client; its subscriptions are taken out in portions. Until then it gets nothing for
    /// itself, and what a shared group without a better member sends it goes to the others with the next portion.
    private func endLater(_ slot: Int32) {
        sessions[slot].pointee.deafTo = .max
        sessions[slot].pointee.movingTo = -1
        if endingSessions.isEmpty { scheduleEnding() }
        endingSessions.append(slot)
    }

    private func scheduleEnding() {
        _ = timers.schedule(TimerToken(.ending, slot: 0, generation: 1).rawValue, after: 1)
    }

    /// One portion, for all of them together.
    func endSessions() {
        var left = Self.subscriptionsEndedPerTurn
        while left > 0, let slot = endingSessions.first {
            let session = sessions[slot]
            let orphans = takeOrphans(slot)
            let portion = min(left, session.pointee.subscriptions.count)
            for _ in 0..<portion {
                let last = session.pointee.subscriptions.count - 1
                removeSubscription(slot, session.pointee.subscriptions[last])
            }
            left -= portion
            if session.pointee.subscriptions.isEmpty {
                _ = endingSessions.popFirst()
                remove(slot)
            }
            publishAgain(orphans)
        }
        if !endingSessions.isEmpty { scheduleEnding() }
    }
}
