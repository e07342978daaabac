// SPDX-License-Identifier: Apache-2.0
// QoS 1 or 2 messages that came behind each other go to one receiver after the other. Who is to get their packets as they are
// gets all of them with one copy, in which only the Packet Identifiers are its own.

import MQTT

/// A packet among those that came behind each other; places are counted from the first byte of all.
struct AcknowledgedPacket: BitwiseCopyable {
    let identifier: UInt16
    let identifierPlace: UInt32
    let payloadPlace: UInt32
    let end: UInt32
    /// Of all packets up to this one.
    let payloadCount: UInt32
}

/// What came behind each other, and where in the working memory its parts stand.
private struct AcknowledgedRun {
    let bytes: ByteView
    let topic: ByteView
    let publisher: ConnectionPointer
    let qos: QoS
    var packets: Range<Int>
    /// Of the first packet's kept form, if there is one of each.
    var firstMessage: Int?
}

extension Broker {
    /// A run is cut here: its bytes are to stay near while they are copied to many.
    private static var longestRun: Int { 32_768 }

    /// Delivers and acknowledges the packets of one topic at the start of `bytes`, if there are several and what matches
    /// from `mark` on leads to sessions only. Returns how many bytes they took: 0, with nothing done, if they go singly.
    @inline(__always)
    func publishTogether(
        _ first: PlainPublish,
        _ bytes: ByteView,
        _ connection: ConnectionPointer,
        from mark: Int
    ) -> Int {
        if matches.count == mark { return 0 }
        let start = acknowledged.count
        gather(first, bytes, isV5: connection.pointee.version == .v5)
        defer { acknowledged.drop(to: start) }
        guard acknowledged.count > start + 1 else { return 0 }
        let run = AcknowledgedRun(
            bytes: bytes,
            topic: first.topic,
            publisher: connection,
            qos: first.qos,
            packets: start..<acknowledged.count
        )
        return publish(run, from: mark)
    }

    @inline(__always)
    private func gather(_ first: PlainPublish, _ bytes: ByteView, isV5: Bool) {
        let limit = settings.maximumPacketSize
        var packet = first
        var (end, payloadCount) = (0, 0)
        while packet.length <= limit, packet.payloadCount < Output.referenceBorder {
            let payloadPlace = end &+ packet.start
            end &+= packet.length
            payloadCount &+= packet.payloadCount
            acknowledged.append(
                AcknowledgedPacket(
                    identifier: packet.packetIdentifier,
                    identifierPlace: UInt32(payloadPlace &- (isV5 ? 3 : 2)),
                    payloadPlace: UInt32(payloadPlace),
                    end: UInt32(end),
                    payloadCount: UInt32(payloadCount)
                )
            )
            guard end < Self.longestRun, let next = PlainPublish(bytes.dropFirst(end), isV5: isV5),
                next.qos == first.qos, next.topic == first.topic
            else { return }
            packet = next
        }
    }

    @inline(never)
    private func publish(_ run: AcknowledgedRun, from mark: Int) -> Int {
        let (first, firstIdentifier) = (receivers.count, furtherIdentifiers.count)
        defer {
            receivers.drop(to: first)
            furtherIdentifiers.drop(to: firstIdentifier)
        }
        let loops = findReceivers(of: run, from: mark)
        // Several subscription identifiers are told by a message of its own.
        guard furtherIdentifiers.count == firstIdentifier, receivers.count > first || loops != 0 else { return 0 }
        return publish(run, to: first..<receivers.count, loops)
    }

    /// Appends the sessions behind what matches from `mark` on to `receivers`, each once; returns the other loops' ones.
    @inline(__always)
    private func findReceivers(of run: AcknowledgedRun, from mark: Int) -> UInt64 {
        if matches.count == mark + 1 {
            let entry = index[matches[mark]]
            let subscribers = entry.pointee.subscribers
            for i in 0..<subscribers.count { receivers.append(subscribers[i]) }
            return entry.pointee.sessionLoops
        }
        mergeStamp &+= 1
        let publication = publication(of: run, .empty)
        var loops: UInt64 = 0
        var merged = 0
        for i in mark..<matches.count {
            let entry = index[matches[i]]
            merged &+= entry.pointee.subscribers.count
            loops |= entry.pointee.sessionLoops
            let subscribers = entry.pointee.subscribers
            for j in 0..<subscribers.count { merge(subscribers[j], publication) }
        }
        if merged > Work.smallFanOut { charge(merged &* Work.merge) }
        return loops
    }

    @inline(__always)
    private func publish(_ all: AcknowledgedRun, to places: Range<Int>, _ loops: UInt64) -> Int {
        var run = all
        var count = run.packets.count
        var isNeeded = !hooks.acked.isEmpty
        for i in places {
            count = min(count, room(receivers[i], besides: run.publisher))
            if count < 2 { return 0 }
            isNeeded = isNeeded || sessions[receivers[i].target].pointee.expiryInterval != 0
        }
        count = take(run.packets.prefix(count), run.qos, of: run.publisher)
        run.packets = run.packets.prefix(count)
        let mark = keptMessages.count
        if isNeeded {
            eachPublication(run) { keptMessages.append($0.kept(at: wallNow).retained()) }
            run.firstMessage = mark
        }
        if loops != 0 { eachPublication(run) { copy($0, toLoops: loops) } }
        for i in places {
            if takesUnchanged(receivers[i], run) {
                deliverUnchanged(run, to: receivers[i])
            } else {
                eachPublication(run) { deliver(&$0, to: receivers[i], fanOut: 0) }
            }
        }
        for i in mark..<keptMessages.count { keptMessages[i].release() }
        keptMessages.drop(to: mark)
        acknowledge(run)
        let used = Int(acknowledged[run.packets.upperBound - 1].end)
        if places.count > Work.smallFanOut { charge(places.count &* used) }
        return used
    }

    /// Takes note of the QoS 2 messages up to one that is repeated or one too many, or finds the QoS 1 messages up to one
    /// that has the identifier of such a one; returns how many these are, at least 1 if the first is new. [MQTT-4.3.3-9]
    @inline(__always)
    private func take(_ packets: Range<Int>, _ qos: QoS, of publisher: ConnectionPointer) -> Int {
        let session = sessions[publisher.pointee.session]
        if qos == .atLeastOnce {
            guard session.pointee.received.count > 0 else { return packets.count }
            for i in packets where session.pointee.received.contains(acknowledged[i].identifier) {
                return i - packets.lowerBound
            }
            return packets.count
        }
        let limit = maximumAwaitingRelease(publisher)
        for i in packets {
            guard session.pointee.received.count < limit,
                session.pointee.received.insert(acknowledged[i].identifier, at: now)
            else { return i - packets.lowerBound }
        }
        return packets.count
    }

    /// How many messages the receiver can be sent at once.
    @inline(__always)
    private func room(_ subscriber: Subscriber, besides publisher: ConnectionPointer) -> Int {
        let session = sessions[subscriber.target]
        // Who receives what it publishes gets each acknowledgement before the message.
        guard let receiver = session.pointee.connection, receiver != publisher, session.pointee.deafTo == 0,
            session.pointee.queue.isEmpty
        else { return 0 }
        if subscriber.options.qos == 0 { return .max }
        return Int(session.pointee.inflightLimit) - session.pointee.inflight.count
    }

    @inline(__always)
    private func takesUnchanged(_ subscriber: Subscriber, _ run: AcknowledgedRun) -> Bool {
        guard subscriber.options.qos >= run.qos.rawValue, let receiver = sessions[subscriber.target].pointee.connection
        else {
            return false
        }
        return takesUnchanged(receiver, subscriber.options, isV5: run.publisher.pointee.version == .v5)
    }

    private func publication(of run: AcknowledgedRun, _ payload: ByteView) -> Publication {
        let qos = run.qos.rawValue
        var publication = Publication(topic: run.topic, payload: payload, qos: qos, retain: false, origin: .client)
        publication.connection = run.publisher
        return publication
    }

    @inline(never)
    private func eachPublication(_ run: AcknowledgedRun, _ body: (inout Publication) -> Void) {
        for i in run.packets {
            let payload = run.bytes.slice(Int(acknowledged[i].payloadPlace), Int(acknowledged[i].end))
            var publication = publication(of: run, payload)
            if let first = run.firstMessage {
                publication.message = keptMessages[first + i - run.packets.lowerBound].retained()
            }
            body(&publication)
            publication.release()
        }
    }

    @inline(__always)
    private func deliverUnchanged(_ run: AcknowledgedRun, to subscriber: Subscriber) {
        let session = sessions[subscriber.target]
        guard let receiver = session.pointee.connection else { return }
        let last = acknowledged[run.packets.upperBound - 1]
        let options = subscriber.options.withQoS(run.qos.rawValue)
        let state = run.qos == .atLeastOnce ? InflightWindow.State.awaitingPUBACK : .awaitingPUBREC
        let route = DeliveryRoute(retain: false)
        let firstMessage = isNeededLater(session, route) ? run.firstMessage : nil
        touch(receiver)
        let target = receiver.pointee.output.bytes.reserve(Int(last.end))
        target.update(from: run.bytes.base, count: Int(last.end))
        for i in run.packets {
            let message = firstMessage.map { keptMessages[$0 + i - run.packets.lowerBound].retained() }
            let identifier = session.pointee.inflight.add(message, options, route, state: state)
            let place = target + Int(acknowledged[i].identifierPlace)
            place[0] = UInt8(truncatingIfNeeded: identifier &>> 8)
            place[1] = UInt8(truncatingIfNeeded: identifier)
        }
        receiver.pointee.output.bytes.commit(Int(last.end))
        counters.publishSent &+= UInt64(run.packets.count)
        counters.payloadBytesSent &+= UInt64(last.payloadCount)
        flushIfLarge(receiver)
    }

    /// [MQTT-4.3.2-4] [MQTT-4.3.3-8] [MQTT-4.6.0-2] [MQTT-4.6.0-3]
    @inline(__always)
    private func acknowledge(_ run: AcknowledgedRun) {
        counters.publishReceived &+= UInt64(run.packets.count)
        counters.payloadBytesReceived &+= UInt64(acknowledged[run.packets.upperBound - 1].payloadCount)
        guard run.publisher.isOpen else { return }
        touch(run.publisher)
        for i in run.packets {
            AckPacket.appendSuccess(
                run.qos == .atLeastOnce ? .puback : .pubrec,
                packetIdentifier: acknowledged[i].identifier,
                to: &run.publisher.pointee.output.bytes
            )
        }
    }
}
