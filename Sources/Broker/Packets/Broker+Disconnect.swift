// SPDX-License-Identifier: Apache-2.0
// The end of a connection, whoever wants it: the will, the session's further life, and the last hook.

import MQTT
import PluginAPI

extension Broker {
    /// DISCONNECT from the client. [MQTT-3.14.4-3]
    func disconnect(_ connection: ConnectionPointer, _ body: ByteView) throws(MalformedPacket) {
        let packet = try DisconnectPacket.decode(body, version: connection.pointee.version)
        if settings.refusesDiscouragedText { try packet.properties.refuseDiscouragedText() }
        if let interval = packet.properties.sessionExpiryInterval {
            guard connection.pointee.sessionExpiryInterval != 0 || interval == 0 else {
                throw MalformedPacket(.protocolError, "the DISCONNECT prolongs a session that ends with its connection")
            }
            connection.pointee.sessionExpiryInterval = min(interval, settings.maximumSessionExpiryInterval)
        }
        if packet.reason == .normalDisconnection { dropWill(connection) }  // [MQTT-3.1.2-10]
        end(connection, packet.reason)
    }

    /// The peer closed the transport, or it failed. `text` says how, for the log.
    public func transportEnded(_ identifier: ConnectionIdentifier, _ text: String) {
        guard let connection = self.connection(identifier), connection.isOpen else { return }
        tell(.info, .connections, connection, "connection ended: \(text)")
        connection.pointee.output.discard()
        connection.pointee.isBlocked = true
        end(connection, .unspecifiedError)
    }

    /// Every open connection is closed, as the broker stops.
    public func shutDown() {
        isStopping = true
        for slot in liveConnections.indices where liveConnections[slot] != 0 {
            let connection = connections[Int32(slot)]
            if connection.isOpen { close(connection, .serverShuttingDown) }
        }
    }

    /// Takes everything back that the connection holds in the broker. Its last bytes leave at the end of the turn.
    func end(_ connection: ConnectionPointer, _ reason: ReasonCode) {
        guard connection.isOpen else { return }
        leave(connection)
        let slot = connection.pointee.session
        if slot >= 0 {
            let session = sessions[slot]
            session.pointee.connection = nil
            membersConnected(slot, false)
            releaseHeld(session)
            if session.pointee.retainedQueries > 0 { continueRetained(session) }
            session.pointee.expiryInterval = connection.pointee.sessionExpiryInterval
            handWill(connection, to: session)
            if session.pointee.expiryInterval == 0 {
                terminate(slot, reason)
            } else {
                if loopCount == 1 { session.pointee.identity = identity(of: connection) }
                scheduleExpiry(slot)
            }
        }
        notifyClosed(connection, reason)
    }

    /// The connection loses its session to another one.
    func displace(_ connection: ConnectionPointer, keepsSession: Bool) {
        tell(.notice, .takenOver, connection, "another connection with this client identifier takes over")
        sayGoodbye(connection, .sessionTakenOver)  // [MQTT-3.1.4-3]
        leave(connection)
        if connection.pointee.session >= 0 {
            let session = sessions[connection.pointee.session]
            session.pointee.connection = nil
            membersConnected(connection.pointee.session, false)
            releaseHeld(session)
            if session.pointee.retainedQueries > 0 { continueRetained(session) }
        }
        connection.pointee.session = -1
        // A session that goes on in time cancels a will that is not due yet. [MQTT-3.1.3-9]
        if keepsSession, connection.pointee.willDelay > 0 { dropWill(connection) } else { publishWill(of: connection) }
        notifyClosed(connection, .sessionTakenOver)
    }

    private func leave(_ connection: ConnectionPointer) {
        if connection.isEstablished {
            connectedCount -= 1
            counters.disconnects &+= 1
            countEnd(connection)
        }
        if let pending = connection.pointee.pending {
            if pending.ticket != 0 { tickets.close(pending.ticket) }
            connection.pointee.pending = nil
        }
        touch(connection)
        connection.pointee.state = .closing  // [MQTT-3.14.4-1]
        cancelTimer(connection)
        cancelRateTimer(connection)
        connection.pointee.input.deallocate()
    }

    private func notifyClosed(_ connection: ConnectionPointer, _ reason: ReasonCode) {
        if connection.pointee.isAnnounced {
            tell(.info, .connections, connection, "disconnected, reason code \(reason.hexadecimal)")
        }
        notifyHooksClosed(connection, reason)
        if !settings.clientEvents.isEmpty, connection.pointee.isAnnounced { announceDisconnected(connection, reason) }
    }

    /// Called when the last output was offered to the transport.
    func finish(_ connection: ConnectionPointer) {
        connection.pointee.transport.close()
        finished.append(connection.pointee.identifier)
    }

    func forgetFinished() {
        for identifier in finished {
            let connection = connections[identifier.slot]
            release(connection)
            liveConnections[Int(identifier.slot)] = 0
            connections.remove(identifier.slot)
        }
        finished.removeAll(keepingCapacity: true)
    }

    // MARK: Will

    private func dropWill(_ connection: ConnectionPointer) {
        connection.pointee.will?.release()
        connection.pointee.will = nil
    }

    private func publishWill(of connection: ConnectionPointer) {
        guard let will = connection.pointee.will else { return }
        connection.pointee.will = nil
        publishWill(will)
    }

    /// Publishes the will now, or leaves it to the session for later. [MQTT-3.1.2-8] [MQTT3-3.1.2-12]
    private func handWill(_ connection: ConnectionPointer, to session: SessionPointer) {
        guard let will = connection.pointee.will else { return }
        if connection.pointee.willDelay == 0 || session.pointee.expiryInterval == 0 {
            publishWill(of: connection)
            return
        }
        connection.pointee.will = nil
        session.pointee.delayedWill = will
        session.pointee.willDueAt = now + UInt64(connection.pointee.willDelay) * 1000
    }

    /// Takes over the reference. [MQTT-3.1.2-10]
    func publishWill(_ will: Message) {
        if will.expiresAt != 0 { will.header.pointee.expiresAt += now - 1 }
        var publication = Publication(will)
        publishKept(&publication, dueTime(ofDelayedWill: will))
        publication.release()
        will.release()
    }
}
