// SPDX-License-Identifier: Apache-2.0
// SUBSCRIBE. The verdicts on all filters are found first, since a plugin may let us wait for one; then
// all are applied. Either may take several turns of a client that has very many filters in one packet.

import MQTT
import PluginAPI

/// One filter of a SUBSCRIBE with the verdict on it.
struct ResolvedSubscription {
    /// Without its prefix, as a hook may have changed it.
    var filter: [UInt8]
    var group: [UInt8]
    /// Nobody else may have this filter at the same time.
    var isExclusive = false
    var options: SubscriptionOptions
    /// The SUBACK code: the granted QoS or an error.
    var reason: ReasonCode
}

/// How far a SUBSCRIBE has come. An object: it is filled over many calls and not copied.
final class SubscribeProgress {
    /// Filters in the packet.
    let count: Int
    /// Where the first one without a verdict stands.
    var position = 0
    var resolved: [ResolvedSubscription] = []
    /// The filter in question, as the subscribe hooks left it.
    var asked: ResolvedSubscription?
    var isApplying = false
    /// Of those that are applied.
    var applied = 0
    var retained: [RetainedWish] = []

    init(count: Int) { self.count = count }
}

/// A SUBACK that waits until every other loop knows the filters.
struct PendingSubscribe {
    var connection: ConnectionIdentifier
    var suback: [UInt8]
    var missing: Int
    let session: Int32
    let sessionGeneration: UInt32
    /// Asked for once the SUBACK is written; until then the session does not move to another loop.
    var retained: [RetainedWish]
}

/// A granted filter whose retained messages are wanted.
struct RetainedWish {
    var filter: [UInt8]
    var options: DeliveryOptions
}

extension Broker {
    /// Returns false if a plugin's answer, or the client's next turn, is awaited.
    func subscribe(_ connection: ConnectionPointer, _ body: ByteView) throws(MalformedPacket) -> Bool {
        let known = connection.pointee.pending?.subscribing
        let packet = try SubscribePacket.decode(body, version: connection.pointee.version, known: known?.count)
        if known == nil, settings.refusesDiscouragedText { try packet.refuseDiscouragedText() }
        let progress = known ?? SubscribeProgress(count: packet.subscriptions.count)
        let identifier = packet.properties.subscriptionIdentifier ?? 0
        var rest = packet.subscriptions.makeIterator(from: progress.position)
        while let subscription = rest.next() {  // [MQTT-3.8.4-5]
            guard let verdict = try resolve(connection, subscription, identifier, progress) else {
                connection.pointee.pending?.subscribing = progress
                return false
            }
            progress.resolved.append(verdict)
            progress.position = rest.position
            charge(Work.filter)
            if waitsForTurn(connection) {
                pending(connection).subscribing = progress
                return false
            }
        }
        guard apply(connection, packet, progress) else {
            pending(connection).subscribing = progress
            return false
        }
        connection.pointee.pending = nil
        return true
    }

    func waitsForTurn(_ connection: ConnectionPointer) -> Bool { connection.pointee.holds.contains(.turn) }

    /// What is kept of a packet that will be processed again.
    func pending(_ connection: ConnectionPointer) -> PendingCheck {
        let pending = connection.pointee.pending ?? PendingCheck(stage: .authorizeSubscribe, ticket: 0, link: 0)
        connection.pointee.pending = pending
        return pending
    }

    /// `nil` if a plugin's answer is awaited.
    private func resolve(
        _ connection: ConnectionPointer,
        _ subscription: MQTT.Subscription,
        _ identifier: UInt32,
        _ progress: SubscribeProgress
    ) throws(MalformedPacket) -> ResolvedSubscription? {
        if let asked = progress.asked {
            // The packet is processed again: the hooks have seen this filter, and what they made of it holds.
            progress.asked = nil
            return authorizeSubscription(connection, asked, progress)
        }
        let requested = RequestedFilter(subscription.filter)
        let filter = requested.filter
        let group = requested.group
        var options = subscription.options
        func verdict(_ reason: ReasonCode) -> ResolvedSubscription {
            ResolvedSubscription(
                filter: Array(filter.buffer),
                group: Array(group.buffer),
                isExclusive: requested.kind == .exclusive,
                options: options,
                reason: reason
            )
        }
        guard !requested.isNested else { return verdict(.topicFilterInvalid) }
        switch requested.kind {
        case .plain:
            if settings.ignoresOwnMessages, connection.pointee.version != .v5 { options.noLocal = true }
        case .shared:
            guard settings.isSharedSubscriptionAvailable else { return verdict(.sharedSubscriptionsNotSupported) }
            guard !requested.isMalformed else {  // [MQTT-4.8.2-1] [MQTT-4.8.2-2]
                throw MalformedPacket(.topicFilterInvalid, "the SUBSCRIBE has a malformed $share filter")
            }
            guard !options.noLocal else {  // [MQTT-3.8.3-4]
                throw MalformedPacket(.protocolError, "the SUBSCRIBE asks for no-local on a shared subscription")
            }
        case .queue:
            guard settings.isSharedSubscriptionAvailable else { return verdict(.sharedSubscriptionsNotSupported) }
            guard !requested.isMalformed else { return verdict(.topicFilterInvalid) }
            // MQTT 5 does not know this prefix and allows the option, which must not lose the group a message.
            options.noLocal = false
        case .exclusive:
            guard settings.isExclusiveSubscriptionAvailable, !requested.isMalformed else {
                return verdict(.topicFilterInvalid)
            }
        }
        if connection.pointee.isBridge { options.suitBridge(isShared: !group.isEmpty) }
        if TopicFilter.isWildcard(filter), !settings.isWildcardSubscriptionAvailable {
            return verdict(.wildcardSubscriptionsNotSupported)  // [MQTT3-3.8.3-2]
        }
        guard hasFewLevels(filter) else { return verdict(.topicFilterInvalid) }
        var asked = verdict(.success)
        if !hooks.subscribe.isEmpty {
            var edit = Edit()
            guard runSubscribeHooks(connection, filter, group, subscription.options, identifier, &edit) else {
                return verdict(.notAuthorized)
            }
            if let qos = edit.qos.flatMap(QoS.init(rawValue:)) { asked.options.qos = qos }
            if let filter = edit.filter { asked.filter = filter }
        }
        return authorizeSubscription(connection, asked, progress)
    }

    private func authorizeSubscription(
        _ connection: ConnectionPointer,
        _ asked: ResolvedSubscription,
        _ progress: SubscribeProgress
    ) -> ResolvedSubscription? {
        let verdict = asked.filter.withUnsafeBytes { filter in
            let access = ISTH_ACCESS_SUBSCRIBE
            let qos = asked.options.qos.rawValue
            return authorize(connection, .authorizeSubscribe, access, ByteView(filter), qos, false)
        }
        var resolved = asked
        switch verdict {
        case .allow:
            // [MQTT-3.2.2-10] [MQTT-3.8.4-7]
            resolved.options.qos = min(asked.options.qos, QoS(rawValue: settings.maximumQoS) ?? .exactlyOnce)
            resolved.reason = ReasonCode(rawValue: resolved.options.qos.rawValue)
        case .deny: resolved.reason = .notAuthorized
        case .later:
            progress.asked = asked
            return nil
        }
        return resolved
    }

    /// Returns false if the client's next turn is awaited.
    private func apply(
        _ connection: ConnectionPointer,
        _ packet: SubscribePacket,
        _ progress: SubscribeProgress
    ) -> Bool {
        if !progress.isApplying {
            guard mayApply(connection, progress) else { return true }
            progress.isApplying = true
        }
        let slot = connection.pointee.session
        let identifier = packet.properties.subscriptionIdentifier ?? 0
        while progress.applied < progress.resolved.count {
            if waitsForTurn(connection) { return false }
            apply(&progress.resolved[progress.applied], connection, identifier, progress)
            progress.applied += 1
            charge(Work.filter)
        }
        // [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6]
        let suback = encodeSuback(packet.packetIdentifier, progress.resolved, connection)
        let token = nextToken
        if loopCount > 1, announcesWithToken(token) {
            pendingConfirmations[token] = PendingSubscribe(
                connection: connection.pointee.identifier,
                suback: suback,
                missing: loopCount - 1,
                session: slot,
                sessionGeneration: sessions[slot].pointee.generation,
                retained: progress.retained
            )
            if !progress.retained.isEmpty { sessions[slot].pointee.retainedQueries += 1 }
        } else {
            write(suback: suback, connection)
            queryRetained(progress.retained, slot)
        }
        return true
    }

    /// Returns false if nothing is to be applied: the client is closed.
    private func mayApply(_ connection: ConnectionPointer, _ progress: SubscribeProgress) -> Bool {
        if settings.disconnectsWhenDenied, progress.resolved.contains(where: { $0.reason == .notAuthorized }) {
            close(connection, .notAuthorized, "the client is not authorised to subscribe to one of these filters")
            return false
        }
        mount(&progress.resolved, connection)
        guard acceptsAnswer(connection, codes: progress.resolved.count) else {
            close(connection, .packetTooLarge, "the answer is larger than the client's Maximum Packet Size")
            return false
        }
        return true
    }

    private func apply(
        _ item: inout ResolvedSubscription,
        _ connection: ConnectionPointer,
        _ identifier: UInt32,
        _ progress: SubscribeProgress
    ) {
        if item.reason.isError { return }
        let slot = connection.pointee.session
        if let limit = settings.maximumSubscriptions, !hasRoom(slot, item, limit) {
            item.reason = .quotaExceeded
            refuseSubscription(connection, limit)
        } else if item.isExclusive, !acquire(item.filter, slot) {
            item.reason = .quotaExceeded
        }
        if item.reason.isError { return }
        let options = DeliveryOptions(
            qos: item.options.qos.rawValue,
            noLocal: item.options.noLocal,
            retainAsPublished: item.options.retainAsPublished,
            subscriptionIdentifier: identifier
        )
        let isNew = addSubscription(slot, item.filter, item.group, options, token: nextToken)
        notifySubscribed(connection, item, identifier)
        if !settings.clientEvents.isEmpty { announceSubscribed(connection, item) }
        if let wish = retainedWish(item, isNew: isNew, identifier) { progress.retained.append(wish) }
    }

    private func refuseSubscription(_ connection: ConnectionPointer, _ limit: Int) {
        counters.subscriptionsRefused &+= 1
        tell(
            .warning,
            .subscriptions,
            connection,
            "has \(limit) subscriptions, and more are refused; mqtt.max_subscriptions says how many it may have"
        )
    }

    private func write(suback: [UInt8], _ connection: ConnectionPointer) {
        guard connection.isOpen else { return }
        touch(connection)
        suback.withUnsafeBytes { connection.pointee.output.bytes.append(ByteView($0)) }
    }

    private func queryRetained(_ wishes: [RetainedWish], _ slot: Int32) {
        for wish in wishes { queryRetained(wish.filter, Subscriber(session: slot, options: wish.options)) }
    }

    /// Every other loop knows the filters. What is retained goes behind the SUBACK: many clients look at no message of
    /// a filter before it is granted.
    func finish(_ pending: PendingSubscribe) {
        if let connection = self.connection(pending.connection) { write(suback: pending.suback, connection) }
        guard !pending.retained.isEmpty, let session = session(pending.session, pending.sessionGeneration) else {
            return
        }
        // Counted until all is asked: a session that moves is gone from here with its last answer.
        queryRetained(pending.retained, pending.session)
        if session.pointee.connection == nil { continueRetained(session) }
        session.pointee.retainedQueries -= 1
        sendIfReady(pending.session)
    }

    private func encodeSuback(
        _ identifier: UInt16,
        _ resolved: [ResolvedSubscription],
        _ connection: ConnectionPointer
    ) -> [UInt8] {
        let version = connection.pointee.version
        // Before MQTT 5 there is one code for every failure [MQTT3-3.9.3-2], and in 3.1 none: there the client is told
        // the QoS that it wanted, and gets nothing.
        // [MQTT-3.8.4-6] [MQTT-3.9.3-1]
        let codes = resolved.map {  // [MQTT-3.8.4-6] [MQTT-3.9.3-1]
            switch version {
            case .v5: $0.reason.rawValue
            case .v311: min($0.reason.rawValue, 0x80)
            case .v31: $0.reason.isError ? $0.options.qos.rawValue : $0.reason.rawValue
            }
        }
        var buffer = ByteBuffer()
        defer { buffer.deallocate() }
        let words = subackWords(codes, connection)
        codes.withUnsafeBytes {
            SubackPacket(packetIdentifier: identifier, properties: words, reasonCodes: ByteView($0)).encode(
                into: &buffer,
                version: version
            )
        }
        return Array(buffer.view.buffer)
    }

    /// A new subscription is told the retained messages of its filter. [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.8.4-4]
    private func retainedWish(
        _ item: ResolvedSubscription,
        isNew: Bool,
        _ identifier: UInt32
    ) -> RetainedWish? {
        guard item.group.isEmpty else { return nil }
        switch item.options.retainHandling {
        case .sendAtSubscribe: break
        case .sendIfNew: if !isNew { return nil }
        case .doNotSend: return nil  // [MQTT-3.3.1-11]
        }
        let options = DeliveryOptions(
            qos: item.options.qos.rawValue,
            noLocal: item.options.noLocal,
            retainAsPublished: true,
            subscriptionIdentifier: identifier
        )
        return RetainedWish(filter: item.filter, options: options)
    }

    /// Whether the client takes a SUBACK or UNSUBACK with so many codes: who asks for more than it wants to be told
    /// is not served. [MQTT-3.1.2-24]
    func acceptsAnswer(_ connection: ConnectionPointer, codes count: Int) -> Bool {
        let length = 3 + count
        return 1 + VariableByteInteger.size(length) + length <= connection.pointee.maximumPacketSize
    }

    /// Whether the session may have one more subscription, or has this one already.
    private func hasRoom(_ slot: Int32, _ item: ResolvedSubscription, _ limit: Int) -> Bool {
        sessions[slot].pointee.subscriptions.count < limit
            || item.filter.withUnsafeBytes { filter in
                item.group.withUnsafeBytes { isSubscribed(slot, ByteView(filter), ByteView($0)) }
            }
    }
}
