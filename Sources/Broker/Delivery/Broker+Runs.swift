// SPDX-License-Identifier: Apache-2.0
// QoS 0 messages of one topic that came behind each other go on behind each other: their packets are copied as they are
// to every receiver that is to get them unchanged, all with one look-up and one copy. Whatever asks for more than that,
// of the topic, the publisher or a receiver, takes the way of single messages.

import MQTT

/// Where a run comes from: a connection of this loop, or another loop.
private struct RunSource {
    var connection: ConnectionPointer?
    var template: Message?
    var loop: Int8 = -1

    func publication(_ run: PublishRun, _ payload: ByteView) -> Publication {
        guard let template else {
            var publication = Publication(topic: run.topic, payload: payload, qos: 0, retain: false, origin: .client)
            publication.connection = connection
            return publication
        }
        var publication = Publication(borrowing: template)
        publication.payload = payload
        publication.sourceLoop = loop
        return publication
    }
}

extension Broker {
    /// Delivers the run of plain packets at the start of `bytes`, or the first of them if its messages have to go one by
    /// one, and returns how many bytes that were: 0 if there is none.
    func publishRun(_ connection: ConnectionPointer, _ bytes: ByteView) -> Int {
        let (limit, border) = (settings.maximumPacketSize, Output.referenceBorder)
        guard mayRun, hooks.publish.isEmpty || hooks.seesOnlyDollarTopics, connection.pointee.mountpoint == nil,
            var run = PublishRun(
                first: bytes,
                version: connection.pointee.version,
                maximumPacketSize: limit,
                payloadBorder: border
            ),
            // [MQTT-3.3.2-1] [MQTT-3.3.2-2]
            isAcceptable(run.topic), run.topic[0] != UInt8(ascii: "$"), hasFewLevels(run.topic),
            isAuthorized(connection, run.topic, flags: 0)
        else { return 0 }
        let source = RunSource(connection: connection)
        let mark = matches.count
        match(run.topic)  // [MQTT-3.3.2-3] [MQTT-4.7.3-4]
        let onlySessions = matchOnlySessions(from: mark)
        if onlySessions { run = run.extended(in: bytes, maximumPacketSize: limit, payloadBorder: border) }
        if !onlySessions || !deliver(run, source, from: mark) { run = routeOneByOne(run, source, from: mark) }
        counters.publishReceived &+= UInt64(run.count)
        counters.payloadBytesReceived &+= UInt64(run.payloadCount)
        matches.drop(to: mark)
        return run.bytes.count
    }

    /// A run that another loop's client published.
    func receive(_ packets: PacketRun, from other: Int) {
        let run = packets.run
        let source = RunSource(template: packets.template, loop: Int8(other))
        let mark = matches.count
        match(run.topic)
        if mayRun, matchOnlySessions(from: mark) {
            if !deliver(run, source, from: mark) { _ = routeOneByOne(run, source, from: mark) }
        } else {
            run.eachPayload { payload in
                var publication = source.publication(run, payload)
                _ = route(&publication)
                publication.release()
                return true
            }
        }
        matches.drop(to: mark)
    }

    /// To whom what matches from `mark` on leads: sessions, and nobody else. Returns false, with nothing done, if the
    /// messages have to go one by one.
    @inline(__always)
    private func deliver(_ run: PublishRun, _ source: RunSource, from mark: Int) -> Bool {
        if matches.count == mark { return true }
        guard matches.count == mark + 1 else { return deliverToSeveral(run, source, from: mark) }
        let entry = index[matches[mark]]
        guard source.loop >= 0 || send(run, source, toLoops: entry.pointee.sessionLoops) else { return false }
        let subscribers = entry.pointee.subscribers
        for i in 0..<subscribers.count { deliver(run, source, to: subscribers[i]) }
        if subscribers.count > Work.smallFanOut { charge(subscribers.count &* run.bytes.count) }
        return true
    }

    /// Several filters match: who is behind more than one of them gets the run once.
    @inline(never)
    private func deliverToSeveral(_ run: PublishRun, _ source: RunSource, from mark: Int) -> Bool {
        mergeStamp &+= 1
        let (first, firstIdentifier) = (receivers.count, furtherIdentifiers.count)
        defer {
            receivers.drop(to: first)
            furtherIdentifiers.drop(to: firstIdentifier)
        }
        let publication = source.publication(run, .empty)
        var loops: UInt64 = 0
        var merged = 0
        for i in mark..<matches.count {
            let entry = index[matches[i]]
            merged &+= entry.pointee.subscribers.count
            if source.loop < 0 { loops |= entry.pointee.sessionLoops }
            let subscribers = entry.pointee.subscribers
            for j in 0..<subscribers.count { merge(subscribers[j], publication) }
        }
        // Several subscription identifiers are told by a message of its own.
        guard furtherIdentifiers.count == firstIdentifier, send(run, source, toLoops: loops) else { return false }
        for i in first..<receivers.count { deliver(run, source, to: receivers[i]) }
        if merged > Work.smallFanOut { charge(merged &* Work.merge &+ (receivers.count - first) &* run.bytes.count) }
        return true
    }

    /// Returns what was routed: all of it, unless the publisher has to wait.
    @inline(never)
    private func routeOneByOne(_ run: PublishRun, _ source: RunSource, from mark: Int) -> PublishRun {
        run.eachPayload { payload in
            var publication = source.publication(run, payload)
            _ = routeMatched(from: mark, &publication)
            publication.release()
            return source.connection.map { !$0.isHeld } ?? true
        }
    }

    /// Whether a PUBLISH may name this topic; why not is found out for a single message.
    @inline(__always)
    func isAcceptable(_ topic: ByteView) -> Bool {
        TopicName.validate(topic) && (!settings.refusesDiscouragedText || !UTF8Bytes.isDiscouraged(topic))
    }

    /// Whether nothing is to be done to each single message.
    @inline(__always)
    var mayRun: Bool {
        !hooks.interruptsDelivery && settings.messageExpiryInterval == nil && !settings.upgradesQoS
    }

    /// Whether no shared group and no plugin is behind what matches: what plugins are called for may change the index.
    @inline(__always)
    func matchOnlySessions(from mark: Int) -> Bool {
        for i in mark..<matches.count {
            let entry = index[matches[i]]
            if entry.pointee.hasExtras { return false }
            let subscribers = entry.pointee.subscribers
            for j in 0..<subscribers.count where subscribers[j].isDestination { return false }
        }
        return true
    }

    /// Whether the publisher is known to be allowed to: a question that is open is asked for a single message.
    @inline(__always)
    func isAuthorized(_ connection: ConnectionPointer, _ topic: ByteView, flags: UInt8) -> Bool {
        if hooks.authorize.isEmpty || connection.pointee.isSuperuser { return true }
        let question = AuthorizationMemory.Question(topic: topic, flags: flags, rules: rules, now: now)
        return connection.pointee.authorized.answer(question) == true
    }

    /// Returns false if the messages have to go one by one.
    @inline(__always)
    private func send(_ run: PublishRun, _ source: RunSource, toLoops loops: UInt64) -> Bool {
        if loops == 0 { return true }
        // A single message is cheaper among others of its kind.
        guard run.count > 1 else { return false }
        let publication = source.publication(run, .empty)
        var rest = loops
        charge(loops.nonzeroBitCount &* run.bytes.count)
        while rest != 0 {
            outboxes[rest.trailingZeroBitCount].append(.publishPackets(PacketRun(run, publication, at: wallNow)))
            rest &= rest - 1
        }
        return true
    }

    @inline(__always)
    private func deliver(_ run: PublishRun, _ source: RunSource, to subscriber: Subscriber) {
        let session = sessions[subscriber.target]
        guard let receiver = session.pointee.connection, session.pointee.deafTo == 0,
            takesUnchanged(receiver, subscriber.options, isV5: run.isV5)
        else { return deliverOneByOne(run, source, to: subscriber) }
        // [MQTT-3.3.4-10] [MQTT-4.9.0-3]
        if dropsQoS0(receiver) {
            counters.publishDropped &+= UInt64(run.count)
            return
        }
        touch(receiver)
        receiver.pointee.output.bytes.append(run.bytes)
        counters.publishSent &+= UInt64(run.count)
        counters.payloadBytesSent &+= UInt64(run.payloadCount)
        flushIfLarge(receiver)
    }

    /// Whether a plain packet of the publisher is the very packet that the receiver would be sent.
    @inline(__always)
    func takesUnchanged(_ receiver: ConnectionPointer, _ options: DeliveryOptions, isV5: Bool) -> Bool {
        guard (receiver.pointee.version == .v5) == isV5, receiver.pointee.maximumPacketSize == .max,
            receiver.pointee.mountpoint == nil, !options.noLocal
        else { return false }
        return !isV5 || options.subscriptionIdentifier == 0 && receiver.pointee.outgoingAliasLimit == 0
    }

    @inline(never)
    private func deliverOneByOne(_ run: PublishRun, _ source: RunSource, to subscriber: Subscriber) {
        run.eachPayload { payload in
            var publication = source.publication(run, payload)
            deliver(&publication, to: subscriber, fanOut: 0)
            publication.release()
            return true
        }
    }
}
