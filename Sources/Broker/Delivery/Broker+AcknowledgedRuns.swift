// SPDX-License-Identifier: Apache-2.0
// QoS 1 or 2 messages of one topic that came behind each other: whatever is the same for all of them is found out once.
// They go on together, or each its usual way.

import MQTT

extension Broker {
    /// Routes the plain messages of one topic and QoS, 1 or 2, at the start of `bytes` and returns how many bytes they
    /// took: 0 if there are none, or if more has to be looked at than this does.
    func publishAcknowledgedRun(_ connection: ConnectionPointer, _ bytes: ByteView) -> Int {
        let isV5 = connection.pointee.version == .v5
        guard mayRun, memoryPressure == .none, hooks.publish.isEmpty || hooks.seesOnlyDollarTopics,
            connection.pointee.mountpoint == nil,
            let first = PlainPublish(bytes, isV5: isV5), first.qos != .atMostOnce,
            first.qos.rawValue <= settings.maximumQoS, isNew(first, connection),
            isAcceptable(first.topic), first.topic[0] != UInt8(ascii: "$"), hasFewLevels(first.topic),
            isAuthorized(connection, first.topic, flags: first.qos.rawValue)
        else { return 0 }
        let mark = matches.count
        match(first.topic)
        defer { matches.drop(to: mark) }
        let onlySessions = matchOnlySessions(from: mark)
        if onlySessions {
            let used = publishTogether(first, bytes, connection, from: mark)
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
            guard let following = next, following.qos == first.qos, following.topic == first.topic,
                isNew(following, connection)
            else { break }
        }
        return used
    }

    /// Whether nothing but the message is to be looked at: one of QoS 2 is neither a repeated one nor one too many, and one
    /// of QoS 1 has not the identifier of such a one.
    @inline(__always)
    func isNew(_ packet: PlainPublish, _ connection: ConnectionPointer) -> Bool {
        if packet.qos == .atLeastOnce { return mayAcknowledge(packet.packetIdentifier, connection) }
        let session = sessions[connection.pointee.session]
        session.pointee.received.forget(after: settings.awaitReleaseTimeout, now: now)
        return session.pointee.received.count < maximumAwaitingRelease(connection)
            && !session.pointee.received.contains(packet.packetIdentifier)
    }

    @inline(__always)
    private func publish(
        _ packet: PlainPublish,
        _ bytes: ByteView,
        _ connection: ConnectionPointer,
        from mark: Int
    ) {
        let payload = packet.payload(in: bytes)
        var publication = Publication(
            topic: packet.topic,
            payload: payload,
            qos: packet.qos.rawValue,
            retain: false,
            origin: .client
        )
        publication.connection = connection
        publication.packet = bytes
        counters.publishReceived &+= 1
        counters.payloadBytesReceived &+= UInt64(payload.count)
        let start = connection.pointee.output.bytes.count
        let sent = counters.bytesSent
        let reason = routeMatched(from: mark, &publication) ? ReasonCode.success : .noMatchingSubscribers
        let published = PublishPacket(qos: packet.qos, topic: packet.topic, packetIdentifier: packet.packetIdentifier)
        answer(published, connection, reason, deliveredFrom: start, sent)
        publication.release()
    }
}
