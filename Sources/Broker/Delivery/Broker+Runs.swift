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
    /// Delivers the run of plain packets at the start of `bytes` and returns how many bytes that were: 0 if there is
    /// none, or if its messages have to go one by one.
    func publishRun(_ connection: ConnectionPointer, _ bytes: ByteView) -> Int {
        guard mayRun, hooks.publish.isEmpty || hooks.seesOnlyDollarTopics, connection.pointee.mountpoint == nil,
            let run = PublishRun.scan(
                bytes,
                version: connection.pointee.version,
                maximumPacketSize: settings.maximumPacketSize,
                payloadBorder: Output.referenceBorder
            ),
            // [MQTT-3.3.2-1] [MQTT-3.3.2-2]
            TopicName.validate(run.topic), run.topic[0] != UInt8(ascii: "$"), hasFewLevels(run.topic),
            isAuthorized(run, connection)
        else { return 0 }
        let source = RunSource(connection: connection)
        let mark = matches.count
        defer { matches.drop(to: mark) }
        index.match(run.topic, into: &matches)  // [MQTT-3.3.2-3] [MQTT-4.7.3-4]
        guard matches.count <= mark + 1 else { return 0 }
        if matches.count > mark {
            let entry = index[matches[mark]]
            guard hasOnlySessions(entry), send(run, source, toLoops: entry.pointee.sessionLoops) else { return 0 }
            deliver(run, source, to: entry)
        }
        counters.publishReceived &+= UInt64(run.count)
        counters.payloadBytesReceived &+= UInt64(run.payloadCount)
        return run.bytes.count
    }

    /// A run that another loop's client published.
    func receive(_ packets: PacketRun, from other: Int) {
        let run = packets.run
        let source = RunSource(template: packets.template, loop: Int8(other))
        let mark = matches.count
        defer { matches.drop(to: mark) }
        index.match(run.topic, into: &matches)
        if mayRun, matches.count == mark + 1, hasOnlySessions(index[matches[mark]]) {
            deliver(run, source, to: index[matches[mark]])
        } else if matches.count > mark {
            run.eachPayload { payload in
                var publication = source.publication(run, payload)
                _ = route(&publication)
                publication.release()
            }
        }
    }

    /// Whether nothing is to be done to each single message.
    @inline(__always)
    private var mayRun: Bool {
        !hooks.interruptsDelivery && settings.messageExpiryInterval == nil && !settings.upgradesQoS
    }

    /// Whether no shared group and no plugin is behind the filter: what plugins are called for may change the index.
    @inline(__always)
    private func hasOnlySessions(_ entry: UnsafeMutablePointer<FilterEntry>) -> Bool {
        if entry.pointee.hasExtras { return false }
        let subscribers = entry.pointee.subscribers
        for i in 0..<subscribers.count where subscribers[i].isDestination { return false }
        return true
    }

    /// Whether the publisher is known to be allowed to: a question that is open is asked for a single message.
    @inline(__always)
    private func isAuthorized(_ run: PublishRun, _ connection: ConnectionPointer) -> Bool {
        if hooks.authorize.isEmpty || connection.pointee.isSuperuser { return true }
        let question = AuthorizationMemory.Question(topic: run.topic, flags: 0, rules: rules, now: now)
        return connection.pointee.authorized.answer(question) == true
    }

    /// Returns false if the messages have to go one by one.
    @inline(__always)
    private func send(_ run: PublishRun, _ source: RunSource, toLoops loops: UInt64) -> Bool {
        if loops == 0 { return true }
        // A single message is cheaper among others of its kind.
        guard run.count > 1, loops & holdingLoops == 0 else { return false }
        let publication = source.publication(run, .empty)
        var rest = loops
        while rest != 0 {
            outboxes[rest.trailingZeroBitCount].append(.publishPackets(PacketRun(run, publication, at: wallNow)))
            rest &= rest - 1
        }
        return true
    }

    @inline(__always)
    private func deliver(_ run: PublishRun, _ source: RunSource, to entry: UnsafeMutablePointer<FilterEntry>) {
        let subscribers = entry.pointee.subscribers
        for i in 0..<subscribers.count { deliver(run, source, to: subscribers[i]) }
    }

    @inline(__always)
    private func deliver(_ run: PublishRun, _ source: RunSource, to subscriber: Subscriber) {
        let session = sessions[subscriber.target]
        guard let receiver = session.pointee.connection, session.pointee.deafTo == 0,
            takesUnchanged(receiver, subscriber.options, isV5: run.isV5)
        else { return deliverOneByOne(run, source, to: subscriber) }
        // [MQTT-3.3.4-10] [MQTT-4.9.0-3]
        if receiver.pointee.isBlocked, receiver.pointee.output.pending > receiver.pointee.highWatermark {
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
    private func takesUnchanged(_ receiver: ConnectionPointer, _ options: DeliveryOptions, isV5: Bool) -> Bool {
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
        }
    }
}
