// SPDX-License-Identifier: Apache-2.0
// PUBACK, PUBREC, PUBREL and PUBCOMP from a client.

import MQTT

extension Broker {
    /// The acknowledgement of success that the message it names waits for; returns false for any other.
    @inline(__always)
    func acknowledgeQuickly(_ connection: ConnectionPointer, _ bytes: ByteView) -> Bool {
        let identifier = AckPacket.plainIdentifier(bytes)
        let session = sessions[connection.pointee.session]
        if bytes[0] == 0x62 {
            session.pointee.received.forget(after: settings.awaitReleaseTimeout, now: now)
            guard session.pointee.received.remove(identifier) else { return false }  // [MQTT-4.3.3-12]
            touch(connection)
            AckPacket.appendSuccess(.pubcomp, packetIdentifier: identifier, to: &connection.pointee.output.bytes)
            return true
        }
        guard let slot = session.pointee.inflight.find(identifier) else { return false }
        switch (bytes[0], slot.pointee.state) {
        case (0x40, .awaitingPUBACK), (0x70, .awaitingPUBCOMP): finish(slot, session, connection, .success)
        case (0x50, .awaitingPUBREC):
            received(connection, session, AckPacket(.pubrec, packetIdentifier: identifier), slot)
        default: return false
        }
        return true
    }

    @inline(__always)
    func acknowledge(
        _ connection: ConnectionPointer,
        _ type: PacketType,
        _ body: ByteView
    ) throws(MalformedPacket) {
        let packet = try AckPacket.decode(body, type: type, version: connection.pointee.version)
        if settings.refusesDiscouragedText { try packet.properties.refuseDiscouragedText() }
        let session = sessions[connection.pointee.session]
        if type == .pubrel {
            release(connection, session, packet)
            return
        }
        let slot = session.pointee.inflight.find(packet.packetIdentifier)
        // An identifier that is not in flight was answered before the session was resumed.
        guard let slot else {
            // One that refuses the message ends the exchange: there is nothing to release. [MQTT-4.3.3-4]
            if type == .pubrec, !packet.reason.isError {
                requestRelease(connection, packet, .packetIdentifierNotFound)
            }
            return
        }
        switch (type, slot.pointee.state) {
        case (.puback, .awaitingPUBACK), (.pubcomp, .awaitingPUBCOMP):  // [MQTT-4.3.2-3]
            finish(slot, session, connection, packet.reason)
        case (.pubrec, .awaitingPUBREC): received(connection, session, packet, slot)
        case (.pubrec, .awaitingPUBCOMP):
            // The receiver has the identifier free after an error, whatever it said before. [MQTT-4.4.0-2]
            if packet.reason.isError {
                finish(slot, session, connection, packet.reason)
            } else {
                requestRelease(connection, packet, .success)
            }
        default:
            // It contradicts the message in flight, so one side is mistaken about what it has. [MQTT-4.13.1-1]
            throw MalformedPacket(.protocolError, "the acknowledgement is not the one that its message waits for")
        }
    }

    @inline(__always)
    func finish(
        _ slot: UnsafeMutablePointer<InflightWindow.Slot>,
        _ session: SessionPointer,
        _ connection: ConnectionPointer,
        _ reason: ReasonCode
    ) {
        let message = slot.pointee.message
        let identifier = slot.pointee.packetIdentifier
        slot.pointee.message = nil
        session.pointee.inflight.finish(slot)
        if let message { tellAcked(message, connection, reason) }
        if !session.pointee.unsent.isEmpty {
            session.pointee.unsent.removeAll { $0 == identifier }
            sendUnsent(session, connection)
        }
        if !session.pointee.queue.isEmpty { drainQueue(session) }
    }

    /// Takes over the reference. A hook may publish to this very session, which moves its slots: by now none is in use.
    @inline(__always)
    private func tellAcked(_ message: Message, _ connection: ConnectionPointer, _ reason: ReasonCode) {
        if !hooks.acked.isEmpty { messageAcked(message, connection, reason) }
        message.release()
    }

    @inline(__always)
    private func received(  // [MQTT-4.6.0-4]
        _ connection: ConnectionPointer,
        _ session: SessionPointer,
        _ packet: AckPacket,
        _ slot: UnsafeMutablePointer<InflightWindow.Slot>
    ) {
        if packet.reason.isError {
            finish(slot, session, connection, packet.reason)  // [MQTT-4.3.3-4] [MQTT-4.4.0-2] [MQTT-4.8.2-6]
            return
        }
        let message = slot.pointee.message
        slot.pointee.message = nil
        slot.pointee.state = .awaitingPUBCOMP  // [MQTT-4.3.3-6]
        if let message { tellAcked(message, connection, packet.reason) }
        requestRelease(connection, packet, .success)
    }

    private func requestRelease(_ connection: ConnectionPointer, _ packet: AckPacket, _ reason: ReasonCode) {
        touch(connection)
        AckPacket(.pubrel, packetIdentifier: packet.packetIdentifier, reason: reason)  // [MQTT-4.3.3-4] [MQTT-2.2.1-5]
            .encode(into: &connection.pointee.output.bytes, version: connection.pointee.version)
    }

    /// [MQTT-4.3.3-11]
    private func release(_ connection: ConnectionPointer, _ session: SessionPointer, _ packet: AckPacket) {
        session.pointee.received.forget(after: settings.awaitReleaseTimeout, now: now)
        let isKnown = session.pointee.received.remove(packet.packetIdentifier)  // [MQTT-4.3.3-12]
        touch(connection)
        AckPacket(
            .pubcomp,
            packetIdentifier: packet.packetIdentifier,
            reason: isKnown ? .success : .packetIdentifierNotFound
        ).encode(into: &connection.pointee.output.bytes, version: connection.pointee.version)
    }
}
