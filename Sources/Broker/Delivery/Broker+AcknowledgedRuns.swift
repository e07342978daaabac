// SPDX-License-Identifier: Apache-2.0
// QoS 1 messages of one topic that came behind each other, and their acknowledgements: each message goes the usual way,
// but whatever is the same for all of them is found out once.

import MQTT

extension Broker {
    /// Routes the plain QoS 1 messages of one topic at the start of `bytes` and returns how many bytes they took: 0 if
    /// there are none, or if more has to be looked at than this does.
    func publishAcknowledgedRun(_ connection: ConnectionPointer, _ bytes: ByteView) -> Int {
        let isV5 = connection.pointee.version == .v5
        guard mayRun, hooks.publish.isEmpty || hooks.seesOnlyDollarTopics, connection.pointee.mountpoint == nil,
            settings.maximumQoS > 0, let first = PlainPublish(bytes, isV5: isV5), first.qos == .atLeastOnce,
            TopicName.validate(first.topic), first.topic[0] != UInt8(ascii: "$"), hasFewLevels(first.topic),
            isAuthorized(connection, first.topic, flags: 1)
        else { return 0 }
        let mark = matches.count
        index.match(first.topic, into: &matches)
        defer { matches.drop(to: mark) }
        let onlySessions = matchOnlySessions(from: mark)
        if onlySessions {
            let used = publishTogether(first, bytes, connection, match: mark)
            if used > 0 { return used }
        }
        var used = 0
        var next: PlainPublish? = first
        while let packet = next, packet.length <= settings.maximumPacketSize {
            publish(packet, bytes.slice(used, used &+ packet.length), connection, from: mark)
            used &+= packet.length
            // What plugins are called for may change the index.
            guard onlySessions, !connection.isHeld, connection.isOpen else { break }
            next = PlainPublish(bytes.dropFirst(used), isV5: isV5)
            if next?.qos != .atLeastOnce || next?.topic != first.topic { break }
        }
        return used
    }

    @inline(__always)
    private func publish(
        _ packet: PlainPublish,
        _ bytes: ByteView,
        _ connection: ConnectionPointer,
        from mark: Int
    ) {
        let payload = packet.payload(in: bytes)
        var publication = Publication(topic: packet.topic, payload: payload, qos: 1, retain: false, origin: .client)
        publication.connection = connection
        publication.packet = bytes
        counters.publishReceived &+= 1
        counters.payloadBytesReceived &+= UInt64(payload.count)
        let start = connection.pointee.output.bytes.count
        let sent = counters.bytesSent
        let reason = routeMatched(from: mark, &publication) ? ReasonCode.success : .noMatchingSubscribers
        let published = PublishPacket(qos: .atLeastOnce, topic: packet.topic, packetIdentifier: packet.packetIdentifier)
        answer(published, connection, reason, deliveredFrom: start, sent)
        publication.release()
    }

    /// A PUBACK of success for a message that waits for it; returns false for any other acknowledgement.
    @inline(__always)
    func finishAcknowledged(_ connection: ConnectionPointer, _ bytes: ByteView) -> Bool {
        let session = sessions[connection.pointee.session]
        guard let slot = session.pointee.inflight.find(AckPacket.plainPuback(bytes)),
            slot.pointee.state == .awaitingPUBACK
        else { return false }
        finish(slot, session, connection, .success)
        return true
    }
}
