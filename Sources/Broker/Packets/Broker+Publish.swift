// SPDX-License-Identifier: Apache-2.0
// PUBLISH from a client: limits, topic alias, authorisation, publish hooks, retained store, routing, acknowledgement.

import MQTT
import PluginAPI

extension Broker {
    /// Returns false if a plugin's answer is awaited: the packet comes again then.
    @inline(__always)
    func publish(
        _ connection: ConnectionPointer,
        _ header: FixedHeader,
        _ body: ByteView
    ) throws(MalformedPacket) -> Bool {
        let packet = try PublishPacket.decode(body, flags: header.flags, version: connection.pointee.version)
        if settings.refusesDiscouragedText { try packet.refuseDiscouragedText() }
        var publication = Publication(
            topic: packet.topic,
            payload: packet.payload,
            qos: packet.qos.rawValue,
            retain: packet.retain,
            origin: .client
        )
        publication.connection = connection
        if !packet.properties.isEmpty {
            try applyProperties(of: packet, connection, &publication)
            if settings.validatesPayloadFormat, try refusesFormat(of: packet, connection) { return true }
        }
        guard publication.qos <= settings.maximumQoS else {
            throw MalformedPacket(.qosNotSupported, "the PUBLISH QoS is above mqtt.max_qos_allowed")  // [MQTT-3.2.2-11]
        }
        guard !publication.retain || settings.isRetainAvailable else {
            // [MQTT-3.2.2-14]
            throw MalformedPacket(
                .retainNotSupported,
                "the PUBLISH is retained, but mqtt.retain_available is false"
            )
        }
        guard hasFewLevels(publication.topic) else {
            throw MalformedPacket(
                .topicNameInvalid,
                "the PUBLISH topic name has more levels than mqtt.max_topic_levels"
            )
        }
        let isDollar = publication.topic[0] == UInt8(ascii: "$")
        let delay = isDollar ? takeDelay(&publication) : .none
        if packet.qos != .atMostOnce, try isAnswered(packet, connection) { return true }
        if !hooks.authorize.isEmpty || isDollar {
            switch authorizePublish(connection, publication.topic, publication.qos, publication.retain) {
            case .allow: break
            case .deny:
                denyPublish(connection, packet)
                return true
            case .later: return false
            }
        }
        if let mountpoint = connection.pointee.mountpoint, !mount(&publication, mountpoint) {
            throw MalformedPacket(
                .topicNameInvalid,
                "the PUBLISH topic name is too long behind the listener's mountpoint"
            )
        }
        if publication.expiresAt == 0, let interval = settings.messageExpiryInterval {
            publication.expiresAt = expiry(after: interval, delay)
        }
        counters.publishReceived &+= 1
        counters.payloadBytesReceived &+= UInt64(publication.payload.count)
        if isTooLargeForMemory(publication.payload.count) {
            refuseForMemory(packet, connection, &publication)
            return true
        }
        var reason = ReasonCode.success
        let start = connection.pointee.output.bytes.count
        let sent = counters.bytesSent
        if isDollar, delay != .none {
            if keep(&publication, delay, connection, &reason) { answer(packet, connection, reason) }
        } else if route(fromClient: &publication, connection, &reason) {
            answer(packet, connection, reason, deliveredFrom: start, sent)
        }
        publication.release()
        return true
    }

    /// Hooks, retained store and routing. Returns false if a plugin had the client disconnected.
    @inline(__always)
    private func route(
        fromClient publication: inout Publication,
        _ connection: ConnectionPointer,
        _ reason: inout ReasonCode
    ) -> Bool {
        if !hooks.publish.isEmpty, !hooks.seesOnlyDollarTopics || publication.topic[0] == UInt8(ascii: "$") {
            return routeThroughHooks(&publication, connection, &reason)
        }
        if publication.retain, !retain(&publication) { return true }  // [MQTT-3.3.1-8]
        if !route(&publication) { reason = .noMatchingSubscribers }
        return true
    }

    @inline(never)
    private func routeThroughHooks(
        _ publication: inout Publication,
        _ connection: ConnectionPointer,
        _ reason: inout ReasonCode
    ) -> Bool {
        switch passHooks(&publication, connection, &reason) {
        case .goOn:
            if publication.retain, !retain(&publication) { return true }
            if !route(&publication) { reason = .noMatchingSubscribers }
        case .answered: break
        case .closed: return false
        }
        return true
    }

    enum HookPassage {
        case goOn
        /// The publication goes nowhere; its publisher gets the reason code.
        case answered
        /// Nor is there a publisher any more.
        case closed
    }

    func passHooks(
        _ publication: inout Publication,
        _ connection: ConnectionPointer,
        _ reason: inout ReasonCode
    ) -> HookPassage {
        let outer = activePublisher
        activePublisher = connection
        defer { activePublisher = outer }
        switch runPublishHooks(&publication, connection) {
        case .route: return .goOn
        case .answer(let code):
            reason = code.fitting(.puback)  // [MQTT-3.4.2-1] [MQTT-3.5.2-1]
            return .answered
        case .disconnect(let code):
            tell(.notice, .kicked, connection, "a plugin disconnects it for a PUBLISH, reason code \(code.hexadecimal)")
            close(connection, code)
            return .closed
        }
    }

    /// Whether a topic name or filter keeps to the maximum of levels; a short one does without a look at its bytes.
    @inline(__always)
    func hasFewLevels(_ topic: ByteView) -> Bool {
        topic.count < settings.maximumTopicLevels || topic.separatorCount < settings.maximumTopicLevels
    }

    /// When a message that does not say so expires; a delayed one lives from when it is due.
    @inline(never)
    private func expiry(after interval: UInt64, _ delay: Delay) -> UInt64 {
        if case .until(let due) = delay { return due + interval }
        return now + interval
    }

    @inline(never)
    private func refuseForMemory(
        _ packet: PublishPacket,
        _ connection: ConnectionPointer,
        _ publication: inout Publication
    ) {
        refusedForMemory(connection, "a large message")
        drop(&publication, connection, .quotaExceeded)
        answer(packet, connection, .quotaExceeded, "the broker is short of memory")
        publication.release()
    }

    // MARK: MQTT 5

    @inline(never)
    private func applyProperties(
        of packet: PublishPacket,
        _ connection: ConnectionPointer,
        _ publication: inout Publication
    ) throws(MalformedPacket) {
        try packet.validateSentByClient()
        if let alias = packet.properties.topicAlias { try applyAlias(alias, connection, &publication) }
        if let interval = packet.properties.messageExpiryInterval {
            publication.expiresAt = now + UInt64(interval) * 1000
        }
        properties.removeAll()
        properties.appendForwarded(packet.properties, messageExpiryInterval: nil)
        if properties.raw.isEmpty { return }
        // The writer's buffer is reused while the message is delivered: what travels on needs a place of its own.
        publication.properties = ownedProperties(properties.raw)
    }

    /// A copy that lives until the next publish with properties: nested publishes come from plugins, whose messages
    /// are kept ones and do not pass here.
    private func ownedProperties(_ raw: ByteView) -> ByteView {
        forwardedProperties.removeAll()
        forwardedProperties.append(raw)
        return forwardedProperties.view
    }

    private func applyAlias(
        _ alias: UInt16,
        _ connection: ConnectionPointer,
        _ publication: inout Publication
    ) throws(MalformedPacket) {
        guard alias <= settings.maximumTopicAlias else {  // [MQTT-3.3.2-9] [MQTT-3.2.2-17] [MQTT-3.2.2-18]
            throw MalformedPacket(.topicAliasInvalid, "the PUBLISH topic alias is above mqtt.max_topic_alias")
        }
        if publication.topic.isEmpty {
            guard let name = connection.pointee.aliases?.pointee.name(alias), !name.isEmpty else {
                throw MalformedPacket(.protocolError, "the PUBLISH uses a topic alias that was not set")
            }
            publication.topic = name
            return
        }
        let aliases = connection.pointee.aliases ?? .allocate(capacity: 1)
        if connection.pointee.aliases == nil {
            aliases.initialize(to: TopicAliases())
            connection.pointee.aliases = aliases
        }
        guard aliases.pointee.set(alias, publication.topic) else {  // [MQTT-3.3.2-12]
            throw MalformedPacket(.quotaExceeded, "the topic names the client has set by alias are too long in all")
        }
    }

    /// A payload that is said to be UTF-8 and is not goes nowhere. [MQTT-3.3.2-4]
    @inline(never)
    private func refusesFormat(
        of packet: PublishPacket,
        _ connection: ConnectionPointer
    ) throws(MalformedPacket) -> Bool {
        guard packet.properties.payloadFormatIndicator == 1, !UTF8Bytes.isWellFormedText(packet.payload) else {
            return false
        }
        guard packet.qos != .atMostOnce else {
            throw MalformedPacket(.payloadFormatInvalid, "the PUBLISH payload is not the UTF-8 it is said to be")
        }
        tell(.info, .protocolError, connection, "a PUBLISH payload is not the UTF-8 it is said to be; refused")
        answer(packet, connection, .payloadFormatInvalid)
        return true
    }

    // MARK: Acknowledgement

    /// Whether the Packet Identifier says all about the message, so that it is answered and goes nowhere.
    @inline(__always)
    private func isAnswered(
        _ packet: PublishPacket,
        _ connection: ConnectionPointer
    ) throws(MalformedPacket) -> Bool {
        if packet.qos == .exactlyOnce { return try isRepeated(packet, connection) }  // [MQTT-4.3.2-5]
        return !mayAcknowledge(packet.packetIdentifier, connection) && isInUse(packet, connection)
    }

    /// Whether no message of QoS 2 has the identifier of a message of QoS 1.
    @inline(__always)
    func mayAcknowledge(_ identifier: UInt16, _ connection: ConnectionPointer) -> Bool {
        let session = sessions[connection.pointee.session]
        return session.pointee.received.count == 0 || !session.pointee.received.contains(identifier)
    }

    /// A message of QoS 1 with the identifier of one of QoS 2 that is not released. A client of MQTT 5 is told so; another
    /// one cannot be, and may have gone on with a session that it knows nothing of. For that one the acknowledgement makes
    /// the identifier free: what comes with it next is new. [MQTT-2.2.1-3] [MQTT3-4.3.2-2]
    @inline(never)
    private func isInUse(_ packet: PublishPacket, _ connection: ConnectionPointer) -> Bool {
        let session = sessions[connection.pointee.session]
        session.pointee.received.forget(after: settings.awaitReleaseTimeout, now: now)
        guard connection.pointee.version == .v5 else {
            _ = session.pointee.received.remove(packet.packetIdentifier)
            return false
        }
        guard session.pointee.received.contains(packet.packetIdentifier) else { return false }
        answer(packet, connection, .packetIdentifierInUse, "a QoS 2 message that is not released has this identifier")
        return true
    }

    /// A QoS 2 message that was received before is not routed again, only answered again. [MQTT-4.3.3-10]
    private func isRepeated(
        _ packet: PublishPacket,
        _ connection: ConnectionPointer
    ) throws(MalformedPacket) -> Bool {
        let session = sessions[connection.pointee.session]
        session.pointee.received.forget(after: settings.awaitReleaseTimeout, now: now)
        if session.pointee.received.contains(packet.packetIdentifier) {
            answer(packet, connection, .success)
            return true
        }
        guard session.pointee.received.count < maximumAwaitingRelease(connection) else {  // [MQTT-3.3.4-7]
            throw MalformedPacket(
                .receiveMaximumExceeded,
                "more QoS 2 messages are between PUBLISH and PUBREL than mqtt.max_awaiting_rel"
            )
        }
        return false
    }

    /// A client before MQTT 5 cannot be told how many, and some send all they have after a reconnect.
    @inline(__always)
    func maximumAwaitingRelease(_ connection: ConnectionPointer) -> Int {
        settings.maximumAwaitingRelease * (connection.pointee.version == .v5 ? 1 : 10)
    }

    /// As `answer`, when what was delivered to the publisher itself stands from `start` on: it comes behind the
    /// acknowledgement, as clients know it from elsewhere. `sent` is `counters.bytesSent` of when it stood there.
    @inline(__always)
    func answer(
        _ packet: PublishPacket,
        _ connection: ConnectionPointer,
        _ reason: ReasonCode,
        deliveredFrom start: Int,
        _ sent: UInt64
    ) {
        let deliveries = connection.pointee.output.bytes.count - start
        answer(packet, connection, reason)
        // Once some of it is sent, `start` is no place any more.
        if deliveries > 0, sent == counters.bytesSent { connection.pointee.output.putLast(deliveries, from: start) }
    }

    @inline(__always)
    // [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.3.3-13]
    private func answer(
        _ packet: PublishPacket,
        _ connection: ConnectionPointer,
        _ reason: ReasonCode,
        _ text: StaticString = ""
    ) {
        guard packet.qos != .atMostOnce, connection.isOpen else { return }
        // [MQTT-3.3.4-1] [MQTT-4.3.2-4] [MQTT-4.3.3-8]
        let type = packet.qos == .atLeastOnce ? PacketType.puback : .pubrec
        if type == .pubrec, !reason.isError {  // [MQTT-4.3.3-9]
            _ = sessions[connection.pointee.session].pointee.received.insert(packet.packetIdentifier, at: now)
        }
        touch(connection)
        // That nobody subscribed may be told; at QoS 2, where the transfer goes on, it is not, as mosquitto has it.
        let isSilent = reason == .success || reason == .noMatchingSubscribers && type == .pubrec
        if reason.isError, connection.pointee.version == .v5 {
            appendRefusal(type, packet.packetIdentifier, reason, connection, text)
        } else if reason == .quotaExceeded {
            // It cannot be told, and would take the message for delivered; so it may try again.
            close(connection, .quotaExceeded, text)
        } else if connection.pointee.version != .v5 || isSilent {
            AckPacket.appendSuccess(
                type,
                packetIdentifier: packet.packetIdentifier,
                to: &connection.pointee.output.bytes
            )
        } else {
            AckPacket(type, packetIdentifier: packet.packetIdentifier, reason: reason)
                .encode(into: &connection.pointee.output.bytes, version: .v5)
        }
    }

    private func denyPublish(_ connection: ConnectionPointer, _ packet: PublishPacket) {  // [MQTT3-3.3.5-2]
        let text: StaticString = "the client is not authorised to publish to this topic"
        if settings.disconnectsWhenDenied {
            close(connection, .notAuthorized, text)
        } else {
            answer(packet, connection, .notAuthorized, text)
        }
    }
}
