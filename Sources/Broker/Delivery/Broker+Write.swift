// SPDX-License-Identifier: Apache-2.0
// A PUBLISH into a connection's output: copied from the form that a fan-out shares, or encoded for this client alone.

import MQTT

extension Broker {
    /// Appends the PUBLISH to the connection's output. Returns false if it is larger than the client accepts.
    @inline(__always)
    @discardableResult
    func write(
        _ publication: inout Publication,
        _ connection: ConnectionPointer,
        _ options: DeliveryOptions,
        _ identifier: UInt16,
        retain: Bool,
        fanOut: UInt32
    ) -> Bool {
        let isPlain =
            connection.pointee.maximumPacketSize == .max && connection.pointee.mountpoint == nil
            && publication.payload.count < Output.referenceBorder
            && (connection.pointee.version != .v5
                || (publication.properties.isEmpty && options.subscriptionIdentifier == 0 && publication.expiresAt == 0
                    && connection.pointee.outgoingAliasLimit == 0))
        guard isPlain else { return writeFull(&publication, connection, options, identifier, retain: retain) }
        counters.publishSent &+= 1
        counters.payloadBytesSent &+= UInt64(publication.payload.count)
        let qos = QoS(rawValue: options.qos) ?? .atMostOnce
        let sentQoS = identifier == 0 ? QoS.atMostOnce : qos
        if fanOut != 0, !retain {
            forms.append(
                publication,
                sentQoS,
                identifier,
                connection.pointee.version,
                fanOut: fanOut,
                to: &connection.pointee.output.bytes
            )
        } else if !publication.packet.isEmpty, sentQoS.rawValue == publication.qos, !retain,
            (publication.connection?.pointee.version == .v5) == (connection.pointee.version == .v5)
        {
            append(publication.packet, behind: publication.topic, identifier, &connection.pointee.output.bytes)
        } else {
            PublishEncoder.encode(
                into: &connection.pointee.output.bytes,
                topic: publication.topic,
                payload: publication.payload,
                qos: sentQoS,
                retain: retain,
                packetIdentifier: identifier,
                version: connection.pointee.version
            )
        }
        flushIfLarge(connection)
        return true
    }

    /// The packet as it came, but for its Packet Identifier, which stands behind the topic name.
    @inline(__always)
    private func append(
        _ packet: ByteView,
        behind topic: ByteView,
        _ identifier: UInt16,
        _ output: inout ByteBuffer
    ) {
        let target = output.reserve(packet.count)
        target.update(from: packet.base, count: packet.count)
        let place = target + (topic.base - packet.base) + topic.count
        place[0] = UInt8(truncatingIfNeeded: identifier &>> 8)
        place[1] = UInt8(truncatingIfNeeded: identifier)
        output.commit(packet.count)
    }

    /// A turn that produces much for one receiver sends in between: the socket works while the rest is prepared.
    @inline(__always)
    func flushIfLarge(_ connection: ConnectionPointer) {
        if connection.pointee.output.bytes.count >= 1 << 17, !connection.pointee.isBlocked { send(connection) }
    }

    /// With properties, a size limit, a mountpoint or a payload that is referenced rather than copied.
    @inline(never)
    private func writeFull(
        _ publication: inout Publication,
        _ connection: ConnectionPointer,
        _ options: DeliveryOptions,
        _ identifier: UInt16,
        retain: Bool
    ) -> Bool {
        let qos = identifier == 0 ? QoS.atMostOnce : QoS(rawValue: options.qos) ?? .atMostOnce
        let isLarge = publication.payload.count >= Output.referenceBorder
        if isLarge { _ = publication.kept(at: wallNow) }
        let written = write(
            PublishParts(
                topic: publication.topic,
                payload: publication.payload,
                properties: publication.properties,
                expiresAt: publication.expiresAt
            ),
            referencing: isLarge ? publication.message : nil,
            connection,
            qos,
            identifier,
            subscriptionIdentifier: options.subscriptionIdentifier,
            retain: retain,
            dup: false  // [MQTT-3.3.1-3]
        )
        if written {
            counters.publishSent &+= 1
            counters.payloadBytesSent &+= UInt64(publication.payload.count)
        } else {
            drop(&publication, connection, .packetTooLarge)
        }
        return written
    }

    struct PublishParts {
        var topic: ByteView
        var payload: ByteView
        var properties: ByteView
        var expiresAt: UInt64

        init(topic: ByteView, payload: ByteView, properties: ByteView, expiresAt: UInt64) {
            self.topic = topic
            self.payload = payload
            self.properties = properties
            self.expiresAt = expiresAt
        }

        init(_ message: Message) {
            self.init(
                topic: message.topic,
                payload: message.payload,
                properties: message.properties,
                expiresAt: message.expiresAt
            )
        }
    }

    /// Writes any PUBLISH; returns false if it is larger than the client accepts. [MQTT-3.1.2-24]
    func write(
        _ parts: PublishParts,
        referencing message: Message?,
        _ connection: ConnectionPointer,
        _ qos: QoS,
        _ identifier: UInt16,
        subscriptionIdentifier: UInt32,
        retain: Bool,
        dup: Bool
    ) -> Bool {
        let version = connection.pointee.version
        var alias = OutgoingAliases.Choice.none
        let name = unmounted(parts.topic, for: connection)
        properties.removeAll()
        if version == .v5 {
            if parts.expiresAt != 0 {
                // Rounded, since the loop that took the message may have read the clock a little later.
                let left = parts.expiresAt > now ? max((parts.expiresAt - now + 500) / 1000, 1) : 0
                properties.append(.messageExpiryInterval, UInt32(clamping: left))  // [MQTT-3.3.2-6]
            }
            if subscriptionIdentifier != 0 {
                properties.append(.subscriptionIdentifier, subscriptionIdentifier)  // [MQTT-3.3.4-3]
            }
            properties.append(encoded: parts.properties)
            if connection.pointee.outgoingAliasLimit != 0 { alias = chooseAlias(name, connection) }
        }
        var raw = properties.raw
        var topic = name
        if case .use = alias { topic = .empty }
        // What is added here, such as the subscription identifier, may be too much for any packet, too.
        let largest = min(Int(connection.pointee.maximumPacketSize), VariableByteInteger.maximum + 5)
        func isTooLarge() -> Bool {
            let size = PublishEncoder.size(
                topicCount: topic.count,
                payloadCount: parts.payload.count,
                qos: qos,
                propertiesCount: raw.count,
                version: version
            )
            return size > largest
        }
        if isTooLarge() {
            guard case .define = alias else { return false }
            // Without the alias, which came last, it may still fit.
            alias = .none
            raw = raw.slice(0, raw.count - 3)
            if isTooLarge() { return false }
        }
        PublishEncoder.encode(
            into: &connection.pointee.output.bytes,
            topic: topic,
            payload: message == nil ? parts.payload : .empty,
            followedBy: message == nil ? 0 : parts.payload.count,
            qos: qos,
            retain: retain,
            dup: dup,
            packetIdentifier: identifier,
            propertiesRaw: raw,
            version: version
        )
        if let message { connection.pointee.output.append(payloadOf: message) }
        if case .define(let alias) = alias { connection.pointee.outgoingAliases?.commit(alias, name) }
        return true
    }

    /// Appends the property of the alias that the topic has, or gets, towards this client. [MQTT-3.3.2-9]
    @inline(never)
    private func chooseAlias(_ topic: ByteView, _ connection: ConnectionPointer) -> OutgoingAliases.Choice {
        guard topic.count >= OutgoingAliases.shortestTopic else { return .none }
        let limit = connection.pointee.outgoingAliasLimit
        let aliases = connection.pointee.outgoingAliases ?? OutgoingAliases(limit: limit)
        connection.pointee.outgoingAliases = aliases
        let choice = aliases.choose(topic, limit: limit)
        switch choice {
        case .none: break
        case .define(let alias), .use(let alias): properties.append(.topicAlias, UInt32(alias))
        }
        return choice
    }

    /// Writes a kept message: from the queue, the retained store, or again after a reconnect.
    func write(
        _ message: Message,
        _ connection: ConnectionPointer,
        _ options: DeliveryOptions,
        _ identifier: UInt16,
        retain: Bool,
        dup: Bool
    ) -> Bool {
        touch(connection)
        let qos = identifier == 0 ? QoS.atMostOnce : QoS(rawValue: options.qos) ?? .atMostOnce
        let isWritten = write(
            PublishParts(message),
            referencing: message.payload.count >= Output.referenceBorder ? message : nil,
            connection,
            qos,
            identifier,
            subscriptionIdentifier: options.subscriptionIdentifier,
            retain: retain,
            dup: dup
        )
        if isWritten {
            counters.publishSent &+= 1
            counters.payloadBytesSent &+= UInt64(message.payload.count)
            flushIfLarge(connection)
        }
        return isWritten
    }
}
