// SPDX-License-Identifier: Apache-2.0
// CONNECT: from the first packet to the CONNACK, in stages. A stage that waits for a plugin or another loop suspends
// the connection, and the CONNECT is processed again from that stage when the answer is there.

import MQTT
import PluginAPI

extension Broker {
    /// Takes a new connection in; the transport stays alive until the broker called its `close`.
    public func accept(_ transport: any Transport, _ origin: ConnectionOrigin) -> ConnectionIdentifier {
        connectionGeneration = TimerToken.next(connectionGeneration)
        let generation = connectionGeneration
        let slot = connections.insert(
            Connection(
                identifier: ConnectionIdentifier(slot: connections.nextIndex, generation: generation),
                transport: transport,
                address: OwnedBytes(copying: origin.address),
                commonName: OwnedBytes(copying: origin.commonName),
                listener: listenerNames.index(of: origin.listener),
                port: origin.port,
                transportKind: origin.transport,
                isLoopback: origin.isLoopback,
                admission: origin.admission,
                hasCertificate: origin.hasCertificate,
                isVouchedFor: origin.isVouchedFor,
                highWatermark: origin.highWatermark ?? UInt32(clamping: settings.highWatermark),
                names: origin.names
            )
        )
        while liveConnections.count <= Int(slot) { liveConnections.append(0) }
        liveConnections[Int(slot)] = generation
        let connection = connections[slot]
        connection.pointee.lastReceived = now
        if !origin.rates.isUnlimited {
            let limiter = UnsafeMutablePointer<ClientLimiter>.allocate(capacity: 1)
            limiter.initialize(to: ClientLimiter(origin.rates, at: now))
            connection.pointee.limiter = limiter
        }
        if let template = origin.mountpoint {
            let mountpoint = UnsafeMutablePointer<Mountpoint>.allocate(capacity: 1)
            mountpoint.initialize(to: Mountpoint(template))
            connection.pointee.mountpoint = mountpoint
        }
        setTimer(connection, settings.idleTimeout)
        return connection.pointee.identifier
    }

    /// Returns false if the CONNECT has to be processed again. [MQTT-3.1.4-1]
    func connect(_ connection: ConnectionPointer, _ body: ByteView) throws(MalformedPacket) -> Bool {
        if let version = ConnectPacket.answerVersion(of: body) { connection.pointee.version = version }
        let packet = try ConnectPacket.decode(body)
        if settings.refusesDiscouragedText { try packet.refuseDiscouragedText() }
        if connection.pointee.pending == nil {
            guard adopt(packet, connection), !refuseFlapping(connection) else { return true }
            if let plugin = runConnectHooks(connection) {
                tell(.warning, .admission, connection, "not admitted: \(plugin) refuses it")
                refuse(connection, .notAuthorized, said: "a plugin refuses this client")
                return true
            }
        }
        if connection.pointee.pending?.stage ?? .authenticate == .authenticate {
            let isExchange = packet.properties.contains(.authenticationMethod)
            let admission =
                isExchange
                ? beginExchange(connection, packet.properties, body)
                : authenticate(connection, packet.password)
            switch admission {  // [MQTT-3.1.4-2]
            case .allow: break
            case .deny(let reason, let details):
                refuse(connection, reason, details)
                return true
            case .later: return false
            case .goOn: return true
            }
        }
        return try admit(connection, packet.will)
    }

    /// The client is who it says it is. Returns false if the packet has to be processed again.
    func admit(_ connection: ConnectionPointer, _ will: ConnectPacket.Will?) throws(MalformedPacket) -> Bool {
        guard adoptMountpoint(connection) else { return true }
        if let will, try keepWill(will, connection) == false { return false }
        // Refused for its will, or ended by a plugin.
        guard connection.isOpen else { return true }
        connection.pointee.pending = nil
        guard acceptsConnack(connection) else {
            refuse(connection, .packetTooLarge, "the CONNACK is larger than the client's Maximum Packet Size")
            return true
        }
        guard mayHaveSession(connection) else { return true }
        join(connection)
        return true
    }

    /// Takes over what the CONNECT says; refuses what cannot be served.
    private func adopt(_ packet: ConnectPacket, _ connection: ConnectionPointer) -> Bool {
        connection.pointee.cleanStart = packet.cleanStart
        connection.pointee.isBridge = packet.isBridge
        connection.pointee.hasUserName = packet.hasUserName
        connection.pointee.hasPassword = packet.hasPassword
        connection.pointee.userName = OwnedBytes(copying: packet.userName)
        adoptKeepAlive(packet, connection)
        // First, since they say how much a refusal may say.
        connection.pointee.maximumPacketSize = packet.properties.maximumPacketSize ?? .max
        if let isWanted = packet.properties.requestProblemInformation {
            connection.pointee.problemInformation = isWanted ? .wanted : .unwanted
        }
        let isNamed = adoptCertificateNames(connection)
        if adoptUserNameAsIdentifier(packet, connection) || isNamed {
            guard connection.pointee.clientIdentifier.count <= settings.maximumClientIdentifierLength else {
                refuse(
                    connection,
                    .clientIdentifierNotValid,
                    "the client identifier, which is not the CONNECT's, is longer than mqtt.max_clientid_len"
                )
                return false
            }
        } else if packet.clientIdentifier.isEmpty {
            // [MQTT-3.1.3-6] [MQTT-3.1.3-8] [MQTT3-3.1.3-8] [MQTT3-3.1.3-9]
            guard packet.version == .v5 || (packet.version == .v311 && packet.cleanStart) else {
                refuse(connection, .clientIdentifierNotValid, "the client identifier is empty")
                return false
            }
            connection.pointee.clientIdentifier = Self.assignedIdentifier()
            connection.pointee.hasAssignedIdentifier = true
        } else {
            // [MQTT-3.1.3-5] [MQTT-3.1.3-8]
            guard packet.clientIdentifier.count <= settings.maximumClientIdentifierLength else {
                refuse(
                    connection,
                    .clientIdentifierNotValid,
                    "the client identifier is longer than mqtt.max_clientid_len"
                )
                return false
            }
            connection.pointee.clientIdentifier = OwnedBytes(copying: packet.clientIdentifier)
        }
        if packet.version == .v5 {
            let properties = packet.properties
            let interval = properties.sessionExpiryInterval ?? 0
            connection.pointee.sessionExpiryInterval = min(interval, settings.maximumSessionExpiryInterval)
            connection.pointee.hasServerSessionExpiry = interval > settings.maximumSessionExpiryInterval
            connection.pointee.receiveMaximum = properties.receiveMaximum ?? .max
            // [MQTT-3.1.2-26] [MQTT-3.1.2-27]
            connection.pointee.outgoingAliasLimit = min(
                properties.topicAliasMaximum ?? 0,
                settings.maximumOutgoingTopicAlias
            )
            connection.pointee.wantsResponseInformation = properties.requestResponseInformation ?? false
        } else {
            connection.pointee.sessionExpiryInterval =
                packet.cleanStart ? 0 : min(settings.sessionExpiryInterval, settings.maximumSessionExpiryInterval)
        }
        return true
    }

    /// With `mqtt.use_username_as_clientid`, which goes before certificates. Whether the client has its identifier now.
    private func adoptUserNameAsIdentifier(_ packet: ConnectPacket, _ connection: ConnectionPointer) -> Bool {
        guard settings.usesUserNameAsIdentifier, connection.pointee.hasUserName,
            !connection.pointee.userName.isEmpty
        else { return false }
        if packet.clientIdentifier.isEmpty {
            // Refused, whatever it could be called. [MQTT3-3.1.3-8]
            guard packet.version == .v5 || (packet.version == .v311 && packet.cleanStart) else { return false }
            connection.pointee.hasAssignedIdentifier = true
        }
        connection.pointee.clientIdentifier.deallocate()
        connection.pointee.clientIdentifier = OwnedBytes(copying: connection.pointee.userName.view)
        return true
    }

    private func adoptKeepAlive(_ packet: ConnectPacket, _ connection: ConnectionPointer) {
        connection.pointee.keepAlive = packet.keepAlive
        // Before MQTT 5 a client cannot be told another one than its own, and goes by that. [MQTT3-3.1.2-24]
        guard packet.version == .v5 else { return }
        if let ordered = settings.serverKeepAlive {
            connection.pointee.keepAlive = ordered  // [MQTT-3.2.2-22]
            connection.pointee.hasServerKeepAlive = true
        } else if let limit = settings.maximumKeepAlive, packet.keepAlive == 0 || packet.keepAlive > limit {
            connection.pointee.keepAlive = limit
            connection.pointee.hasServerKeepAlive = true
        }
    }

    /// A random UUID, so that nobody takes the session over by knowing when it was made. [MQTT-3.1.3-6]
    /// [MQTT-3.2.2-16]
    private static func assignedIdentifier() -> OwnedBytes {
        let digits = ByteView("0123456789abcdef")
        var text = Array("auto-".utf8)
        for position in 0..<32 {
            if position == 8 || position == 12 || position == 16 || position == 20 { text.append(UInt8(ascii: "-")) }
            switch position {
            case 12: text.append(UInt8(ascii: "4"))
            case 16: text.append(digits[Int(UInt8.random(in: 8..<12))])
            default: text.append(digits[Int(UInt8.random(in: 0..<16))])
            }
        }
        return text.withUnsafeBytes { OwnedBytes(copying: ByteView($0)) }
    }

    /// Returns false if authorising the will waits for a plugin.
    private func keepWill(_ will: ConnectPacket.Will, _ connection: ConnectionPointer) throws(MalformedPacket) -> Bool {
        guard will.qos.rawValue <= settings.maximumQoS else {  // [MQTT-3.2.2-12]
            refuse(connection, .qosNotSupported, "the will's QoS is above mqtt.max_qos_allowed")
            return true
        }
        guard !will.retain || settings.isRetainAvailable else {  // [MQTT-3.2.2-13]
            refuse(connection, .retainNotSupported, "the will is retained, but mqtt.retain_available is false")
            return true
        }
        guard hasFewLevels(will.topic) else {
            refuse(connection, .topicNameInvalid, "the will topic has more levels than mqtt.max_topic_levels")
            return true
        }
        if settings.validatesPayloadFormat, will.properties.payloadFormatIndicator == 1,
            !UTF8Bytes.isWellFormedText(will.payload)
        {
            refuse(connection, .payloadFormatInvalid, "the will's payload is not the text that it is said to be")
            return true
        }
        var topic = will.topic
        var delay: UInt32 = 0
        switch requestedTopic(topic) {
        case .plain: break
        case .malformed:
            refuse(connection, .topicNameInvalid, "the will topic is not $delayed/SECONDS/TOPIC, with one delay only")
            return true
        case .delayed(let number, let target): (delay, topic) = (number, target)
        }
        switch authorize(connection, .authorizeWill, ISTH_ACCESS_PUBLISH, topic, will.qos.rawValue, will.retain) {
        case .later: return false
        case .deny: return true
        case .allow: break
        }
        guard let mounted = mounted(topic, connection) else {
            refuse(connection, .topicNameInvalid, "the will topic is too long behind the listener's mountpoint")
            return true
        }
        properties.removeAll()
        properties.appendForwarded(will.properties, messageExpiryInterval: nil)  // [MQTT-3.1.3-10]
        connection.pointee.willDelay = will.properties.willDelayInterval ?? 0
        // Counted from when it is published [MQTT-3.1.3-9]: until then this is the interval, and 1 more, since an
        // interval of 0 is one, too.
        let expiry = will.properties.messageExpiryInterval.map { UInt64($0) * 1000 } ?? settings.messageExpiryInterval
        connection.pointee.will = mounted.withUnsafeBytes { topic in
            Message(  // [MQTT-3.1.2-7]
                topic: ByteView(topic),
                properties: properties.raw,
                payload: will.payload,
                publisher: PublisherView(
                    clientIdentifier: connection.pointee.clientIdentifier.view,
                    userName: connection.pointee.userName.view,
                    hasUserName: connection.pointee.hasUserName,
                    address: connection.pointee.address.view,
                    port: connection.pointee.port,
                    version: connection.pointee.version.rawValue
                ),
                qos: will.qos.rawValue,
                retain: will.retain,  // [MQTT-3.1.2-14] [MQTT-3.1.2-15]
                origin: .will,
                originIdentifier: 0,
                receivedAt: wallNow,
                expiresAt: expiry.map { $0 + 1 } ?? 0
            )
        }
        connection.pointee.will?.header.pointee.delay = delay
        return true
    }

    /// The session is there: the client is told so and may talk. [MQTT-3.2.0-1] [MQTT-3.2.0-2]
    func welcome(_ connection: ConnectionPointer, _ session: SessionPointer, sessionPresent: Bool) {
        session.pointee.connection = connection
        membersConnected(session.pointee.slot, true)
        session.pointee.expiryInterval = connection.pointee.sessionExpiryInterval
        // [MQTT-4.9.0-1]
        session.pointee.inflightLimit = Int(min(connection.pointee.receiveMaximum, settings.maximumInflight))
        connection.pointee.state = .connected
        connectedCount += 1
        counters.connects &+= 1
        startKeepAlive(connection)
        touch(connection)
        // [MQTT-3.1.4-5]
        writeConnack(connection, sessionPresent: sessionPresent, into: &connection.pointee.output.bytes)
        connection.pointee.exchange?.pointee.forgetConnect()
        tell(.info, .connections, connection, "connected")
        connection.pointee.isAnnounced = true
        notifyConnected(connection, resumed: sessionPresent)
        if sessionPresent {
            sendQueuedQoS0(session)
            resend(session, connection)
        }
        drainQueue(session)
        if !settings.clientEvents.isEmpty { announceConnected(connection) }
    }

    /// Who accepts nothing as large as its CONNACK is not served. [MQTT-3.1.2-24]
    private func acceptsConnack(_ connection: ConnectionPointer) -> Bool {
        guard connection.pointee.maximumPacketSize != .max else { return true }
        var connack = ByteBuffer()
        defer { connack.deallocate() }
        writeConnack(connection, sessionPresent: false, into: &connack)
        return connack.count <= connection.pointee.maximumPacketSize
    }

    private func writeConnack(_ connection: ConnectionPointer, sessionPresent: Bool, into buffer: inout ByteBuffer) {
        properties.removeAll()
        if connection.pointee.version == .v5 {
            // In mosquitto's order.
            if connection.pointee.hasServerSessionExpiry {
                properties.append(.sessionExpiryInterval, connection.pointee.sessionExpiryInterval)
            }
            if settings.maximumTopicAlias > 0 {
                properties.append(.topicAliasMaximum, UInt32(settings.maximumTopicAlias))
            }
            if connection.pointee.hasAssignedIdentifier {  // [MQTT-3.1.3-7]
                properties.append(.assignedClientIdentifier, connection.pointee.clientIdentifier.view)
            }
            if connection.pointee.hasServerKeepAlive {
                properties.append(.serverKeepAlive, UInt32(connection.pointee.keepAlive))
            }
            if !settings.isRetainAvailable { properties.append(.retainAvailable, false) }
            if settings.maximumPacketSize < BrokerSettings.packetSizeLimit {
                properties.append(.maximumPacketSize, UInt32(settings.maximumPacketSize))
            }
            properties.append(.receiveMaximum, UInt32(settings.maximumAwaitingRelease))
            // [MQTT-3.2.2-9]
            if settings.maximumQoS < 2 { properties.append(.maximumQoS, UInt32(settings.maximumQoS)) }
            if !settings.isWildcardSubscriptionAvailable { properties.append(.wildcardSubscriptionAvailable, false) }
            if !settings.isSharedSubscriptionAvailable { properties.append(.sharedSubscriptionAvailable, false) }
            if connection.pointee.wantsResponseInformation, !settings.responseInformation.isEmpty {
                // [MQTT-3.1.2-28]
                settings.responseInformation.withUnsafeBytes { properties.append(.responseInformation, ByteView($0)) }
            }
            // [MQTT-4.12.0-6]
            if let exchange = connection.pointee.exchange { appendExchange(exchange) }
        }
        ConnackPacket(sessionPresent: sessionPresent, properties: properties.properties)
            .encode(into: &buffer, version: connection.pointee.version)
    }
}
