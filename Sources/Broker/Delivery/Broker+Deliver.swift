// SPDX-License-Identifier: Apache-2.0
// One message to one session: now, later or not at all.

import MQTT
import PluginAPI

extension Broker {
    /// Delivers, queues or drops, as session and subscription say. In a fan-out (0 = none) the encoded packet is
    /// shared. The message of a shared group (-1 = none) has one receiver, which takes it even while it moves.
    @inline(__always)
    func deliver(
        _ publication: inout Publication,
        to subscriber: Subscriber,
        fanOut: UInt32,
        group: Int32 = -1,
        mayGrow: Bool = false
    ) {
        let session = sessions[subscriber.target]
        if group < 0, session.pointee.deafTo != 0, isDeaf(session, to: publication) { return }
        let options = subscriber.options
        if options.noLocal, isPublisher(session, of: publication) { return }  // [MQTT-3.8.3-3]
        if !hooks.deliver.isEmpty, !mayDeliver(&publication, to: session) { return }
        let qos = deliveredQoS(options.qos, publication.qos)
        let retain = publication.retain && options.retainAsPublished  // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
        let route = DeliveryRoute(retain: retain, group: group)
        if qos == 0 {
            guard let connection = session.pointee.connection else {
                if settings.queuesQoS0 { enqueue(&publication, session, options.withQoS(0), route, mayGrow: mayGrow) }
                return
            }
            // [MQTT-3.3.4-10] [MQTT-4.9.0-3]
            deliverQoS0(&publication, connection, options, retain: retain, fanOut: fanOut)
        } else {
            deliverAcknowledged(&publication, session, options.withQoS(qos), route, fanOut: fanOut, mayGrow: mayGrow)
        }
    }

    /// [MQTT-3.8.4-8] [MQTT-4.8.2-3]
    @inline(__always)
    func deliveredQoS(_ granted: UInt8, _ published: UInt8) -> UInt8 {
        settings.upgradesQoS ? max(granted, published) : min(granted, published)
    }

    func isPublisher(_ session: SessionPointer, of publication: borrowing Publication) -> Bool {
        if let publisher = publication.connection { return publisher == session.pointee.connection }
        // The client's will, or what it published on another loop before it came here.
        switch publication.origin {
        case .client, .will: break
        case .plugin, .link, .system: return false
        }
        guard let message = publication.message else { return false }
        return message.publisher.clientIdentifier == session.pointee.clientIdentifier.view
    }

    @inline(__always)
    private func deliverQoS0(
        _ publication: inout Publication,
        _ connection: ConnectionPointer,
        _ options: DeliveryOptions,
        retain: Bool,
        fanOut: UInt32
    ) {
        if connection.pointee.isBlocked, connection.pointee.output.pending > connection.pointee.highWatermark {
            drop(&publication, connection, .quotaExceeded)
            return
        }
        touch(connection)
        write(&publication, connection, options, 0, retain: retain, fanOut: fanOut)
    }

    @inline(__always)
    private func deliverAcknowledged(
        _ publication: inout Publication,
        _ session: SessionPointer,
        _ options: DeliveryOptions,
        _ route: DeliveryRoute,
        fanOut: UInt32,
        mayGrow: Bool
    ) {
        guard let connection = session.pointee.connection, session.pointee.queue.isEmpty,
            session.pointee.inflight.count < session.pointee.inflightLimit  // [MQTT-4.9.0-2]
        else {
            enqueue(&publication, session, options, route, mayGrow: mayGrow)
            return
        }
        let message = publication.kept(at: wallNow).retained()
        let identifier = session.pointee.inflight.add(
            message,
            options,
            route,
            state: options.qos == 1 ? .awaitingPUBACK : .awaitingPUBREC
        )
        touch(connection)
        if !write(&publication, connection, options, identifier, retain: route.retain, fanOut: fanOut) {
            // Too large for this receiver: as if it had been delivered. [MQTT-3.1.2-25]
            if let slot = session.pointee.inflight.find(identifier) { session.pointee.inflight.finish(slot) }
        }
    }

    /// Appends the PUBLISH to the connection's output. Returns false if it is larger than the client accepts.
    @inline(__always)
    @discardableResult
    private func write(
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
    private func write(
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

    // MARK: Queue

    private func enqueue(  // [MQTT-4.5.0-1] [MQTT3-3.1.2-5]
        _ publication: inout Publication,
        _ session: SessionPointer,
        _ options: DeliveryOptions,
        _ route: DeliveryRoute,
        mayGrow: Bool
    ) {
        let message = publication.kept(at: wallNow).retained()
        let isFull =
            !mayGrow && session.pointee.queue.count(of: priority(of: message)) >= settings.maximumQueueLength
        let mayGrow = mayGrow || (isFull && options.qos > 0 && holdBack(publication, for: session))
        enqueue(message, session, options, route, mayGrow: mayGrow)
    }

    func priority(of message: Message) -> UInt16 {
        settings.queuePriorities.isEmpty ? 0 : settings.queuePriorities.priority(of: message.topic)
    }

    /// Takes over the reference of `message`. A full queue that must not grow loses its oldest message, if there are
    /// priorities the oldest of the same one.
    func enqueue(
        _ message: Message,
        _ session: SessionPointer,
        _ options: DeliveryOptions,
        _ route: DeliveryRoute,
        mayGrow: Bool = false
    ) {
        let priority = priority(of: message)
        if !mayGrow, session.pointee.queue.count(of: priority) >= settings.maximumQueueLength {
            if let oldest = session.pointee.queue.popFirst(of: priority) {
                messageDropped(oldest.message, session.pointee.connection, .quotaExceeded)
                oldest.message.release()
            }
        }
        let item = MessageQueue.Item(message: message, options: options, route: route)
        session.pointee.queue.append(item, priority: priority)
    }

    /// The client is back: what waits with QoS 0 is sent at once, as it would have been had the client been there, and
    /// does not wait for the in-flight window, where newer messages of QoS 0 would overtake it. [MQTT-4.6.0-6]
    func sendQueuedQoS0(_ session: SessionPointer) {
        guard let connection = session.pointee.connection, !session.pointee.queue.isEmpty else { return }
        var waiting: [MessageQueue.Item] = []
        session.pointee.queue.takeQoS0 { waiting.append($0) }
        for item in waiting {
            send(item, session, connection)
            flushIfLarge(connection)
        }
    }

    /// Sends what waits for the session, as far as its in-flight window allows. [MQTT-4.6.0-5]
    func drainQueue(_ session: SessionPointer) {
        guard let connection = session.pointee.connection else { return }
        while session.pointee.inflight.count < session.pointee.inflightLimit,
            let item = session.pointee.queue.popFirst()
        {
            send(item, session, connection)
        }
        if session.pointee.queue.count <= settings.maximumQueueLength / 2 { releaseHeld(session) }
        if session.pointee.queue.isEmpty { session.pointee.isOverdue = false }
        if session.pointee.retainedQueries > 0 { continueRetained(session) }
    }

    /// Takes over the item's reference.
    private func send(_ item: MessageQueue.Item, _ session: SessionPointer, _ connection: ConnectionPointer) {
        guard !item.message.isExpired(at: now) else {  // [MQTT-3.3.2-5]
            if item.options.qos > 0 { session.pointee.inflight.passOver() }
            item.message.release()
            return
        }
        if item.options.qos == 0 {
            if !write(item.message, connection, item.options, 0, retain: item.retain, dup: false) {
                messageDropped(item.message, connection, .packetTooLarge)
            }
            item.message.release()
            return
        }
        let identifier = session.pointee.inflight.add(
            item.message,
            item.options,
            item.route,
            state: item.options.qos == 1 ? .awaitingPUBACK : .awaitingPUBREC
        )
        if !write(item.message, connection, item.options, identifier, retain: item.retain, dup: false) {
            messageDropped(item.message, connection, .packetTooLarge)
            if let slot = session.pointee.inflight.find(identifier) { session.pointee.inflight.finish(slot) }
        }
    }

    // MARK: Loss

    @inline(never)
    private func drop(_ publication: inout Publication, _ connection: ConnectionPointer, _ reason: ReasonCode) {
        counters.publishDropped &+= 1
        if !hooks.dropped.isEmpty { publicationDropped(&publication, connection, reason) }
    }
}

extension DeliveryOptions {
    @inline(__always)
    func withQoS(_ qos: UInt8) -> DeliveryOptions { DeliveryOptions(bits: bits & ~3 | UInt32(qos)) }
}
