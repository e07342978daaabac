// SPDX-License-Identifier: Apache-2.0
// What happens when time passes: a silent client, an expired session, a delayed will, an answer that never came.

import MQTT

extension Broker {
    /// A timer of `BrokerTimers` fired.
    public func timerFired(_ rawToken: UInt64) {
        let token = TimerToken(rawValue: rawToken)
        switch token.kind {
        case .connection:
            let identifier = ConnectionIdentifier(slot: token.slot, generation: token.generation)
            if let connection = self.connection(identifier) { connectionTimerFired(connection) }
        case .session:
            guard let session = session(token.slot, token.generation), session.pointee.timer != 0 else { return }
            sessionTimerFired(token.slot)
        case .rate:
            let identifier = ConnectionIdentifier(slot: token.slot, generation: token.generation)
            if let connection = self.connection(identifier) { rateTimerFired(connection) }
        case .retainedSweep: sweepRetained()
        case .retainedReading: readRetained()
        case .delayed: delayedMessageDue(token)
        case .turn: turn.isDue = true
        case .ending: endSessions()
        case nil: return
        }
    }

    func setTimer(_ connection: ConnectionPointer, _ delay: UInt64) {
        cancelTimer(connection)
        let identifier = connection.pointee.identifier
        let token = TimerToken(.connection, slot: identifier.slot, generation: identifier.generation)
        connection.pointee.timer = timers.schedule(token.rawValue, after: delay)
    }

    func cancelTimer(_ connection: ConnectionPointer) {
        if connection.pointee.timer != 0 { timers.cancel(connection.pointee.timer) }
        connection.pointee.timer = 0
    }

    func cancelTimer(_ session: SessionPointer) {
        if session.pointee.timer != 0 { timers.cancel(session.pointee.timer) }
        session.pointee.timer = 0
    }

    // MARK: Connections

    private func silenceLimit(_ connection: ConnectionPointer) -> UInt64 {
        UInt64(Double(connection.pointee.keepAlive) * 1000 * settings.keepAliveMultiplier)
    }

    func startKeepAlive(_ connection: ConnectionPointer) {
        cancelTimer(connection)
        if connection.pointee.keepAlive > 0 { setTimer(connection, silenceLimit(connection)) }
    }

    private func connectionTimerFired(_ connection: ConnectionPointer) {
        connection.pointee.timer = 0
        switch connection.pointee.state {
        case .closing: return
        case .expectingConnect:
            tell(.info, .silence, connection, "no CONNECT came in time; closing the connection")
            end(connection, .keepAliveTimeout)
        case .authenticating:
            refuse(connection, .notAuthorized, "the authentication took longer than mqtt.idle_timeout")
        case .suspended: answerNeverCame(connection)
        case .connected:
            // Traffic since then only moves the deadline: no timer is touched for each packet.
            let limit = silenceLimit(connection)
            // It is not heard because we do not listen; only one that does not take what it is sent may be dead.
            if !connection.pointee.holds.isSubset(of: .output) { return setTimer(connection, limit) }
            let silence = now - min(now, connection.pointee.lastReceived)
            if silence >= limit {
                let what = connection.isHeld ? "nothing was taken from us" : "nothing received"
                tell(.info, .silence, connection, "\(what) for \(silence) ms; closing the connection")
                close(connection, .keepAliveTimeout)  // [MQTT-3.1.2-22]
            } else {
                setTimer(connection, limit - silence)
            }
        }
    }

    // MARK: Sessions

    /// The session's client is away: end it in time, and publish its will before that if it is due earlier.
    func scheduleExpiry(_ slot: Int32) {
        let session = sessions[slot]
        let interval = session.pointee.expiryInterval
        session.pointee.expiresAt = interval == .max ? .max : now + UInt64(interval) * 1000
        schedule(slot)
    }

    private func schedule(_ slot: Int32) {
        let session = sessions[slot]
        cancelTimer(session)
        var due = session.pointee.expiresAt
        if session.pointee.delayedWill != nil { due = min(due, session.pointee.willDueAt) }
        guard due != .max else { return }
        let token = TimerToken(.session, slot: slot, generation: session.pointee.generation)
        session.pointee.timer = timers.schedule(token.rawValue, after: due - min(due, now))
    }

    private func sessionTimerFired(_ slot: Int32) {
        let session = sessions[slot]
        session.pointee.timer = 0
        guard session.pointee.connection == nil else {
            holdBackTimeIsUp(for: session)
            return
        }
        if session.pointee.expiresAt <= now {  // [MQTT-4.1.0-2]
            counters.sessionsExpired &+= 1
            terminate(slot, .normalDisconnection)
            return
        }
        if session.pointee.willDueAt <= now, let will = session.pointee.delayedWill {
            session.pointee.delayedWill = nil
            publishWill(will)
        }
        schedule(slot)
    }
}
