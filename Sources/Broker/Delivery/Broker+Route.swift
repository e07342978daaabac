// SPDX-License-Identifier: Apache-2.0
// From a publication to its receivers: one look-up, then each session, destination and loop that wants it.

import MQTT
import PluginAPI

extension Broker {
    /// Hands the publication to everybody who wants it; the caller releases it. Returns whether anybody did.
    /// [MQTT-4.6.0-6]
    @inline(__always)
    func route(_ publication: inout Publication) -> Bool {
        let mark = matches.count
        match(publication.topic)  // [MQTT-3.3.2-3] [MQTT-4.7.3-4]
        let isWanted = routeMatched(from: mark, &publication)
        matches.drop(to: mark)
        return isWanted
    }

    /// The same when `matches` has, from `mark` on, whatever matches.
    @inline(__always)
    func routeMatched(from mark: Int, _ publication: inout Publication) -> Bool {
        var isWanted = false
        if matches.count == mark + 1 {
            isWanted = routeToOne(mark, &publication)
        } else if matches.count > mark {
            isWanted = routeToSeveral(mark, &publication)
        }
        if !isWanted, !publication.isFromLoop, !hooks.dropped.isEmpty {
            publicationDropped(&publication, nil, .noMatchingSubscribers)
        }
        return isWanted
    }

    /// The usual case: one filter matches, so no receiver can be met twice.
    @inline(__always)
    private func routeToOne(
        _ mark: Int,
        _ publication: inout Publication
    ) -> Bool {
        let entry = index[matches[mark]]
        let count = entry.pointee.subscribers.count
        let extras = index.extras(of: entry)
        if hooks.interruptsDelivery, count > 1 || extras.firstGroup >= 0 {
            return routeToSeveral(mark, &publication)
        }
        var isWanted = false
        if loopCount > 1, !publication.isFromLoop {
            isWanted = send(&publication, toLoops: wantingLoops(entry, extras, publication))
        }
        if extras.firstGroup >= 0, !publication.isFromLoop, routeToGroups(entry, &publication) {
            isWanted = true
        }
        if count == 1 {
            let subscriber = entry.pointee.subscribers[0]
            if subscriber.isDestination { return hand(&publication, to: subscriber.destination) || isWanted }
            deliver(&publication, to: subscriber, fanOut: 0)
            return true
        }
        if count > 1 { return fanOut(entry, &publication) || isWanted }
        return isWanted
    }

    @inline(__always)
    private func fanOut(_ entry: UnsafeMutablePointer<FilterEntry>, _ publication: inout Publication) -> Bool {
        let fanOut = forms.begin()
        // Plugins come last, since what they are called for may change the index.
        var destinations: [Int32] = []
        let count = entry.pointee.subscribers.count
        var i = 0
        while i < count {
            let subscriber = entry.pointee.subscribers[i]
            if subscriber.isDestination {
                destinations.append(subscriber.destination)
            } else {
                deliver(&publication, to: subscriber, fanOut: fanOut)
            }
            i &+= 1
        }
        chargeFanOut(count, publication)
        var isWanted = count > destinations.count
        for destination in destinations where hand(&publication, to: destination) { isWanted = true }
        return isWanted
    }

    @inline(__always)
    private func chargeFanOut(_ count: Int, _ publication: borrowing Publication) {
        if count > Work.smallFanOut { charge(count &* (publication.payload.count &+ Work.message)) }
    }

    @inline(__always)
    private func wantingLoops(
        _ entry: UnsafeMutablePointer<FilterEntry>,
        _ extras: FilterExtras,
        _ publication: borrowing Publication
    ) -> UInt64 {
        publication.isLocalOnly ? entry.pointee.sessionLoops : entry.pointee.sessionLoops | extras.destinationLoops
    }

    /// Several filters match: a receiver behind more than one of them gets one copy, with the highest QoS of them
    /// [MQTT-3.3.4-2] and the identifiers of all [MQTT-3.3.4-4].
    ///
    /// All receivers are found before the first of them is served: a plugin that is called for one may publish or
    /// unsubscribe, and so change the index and the marks of the merging.
    @inline(never)
    private func routeToSeveral(_ mark: Int, _ publication: inout Publication) -> Bool {
        mergeStamp &+= 1
        let first = receivers.count
        let firstIdentifier = furtherIdentifiers.count
        let firstPick = picks.count
        var loops: UInt64 = 0
        var isWanted = false
        var merged = 0
        for i in mark..<matches.count {
            let entry = index[matches[i]]
            merged &+= entry.pointee.subscribers.count
            for j in 0..<entry.pointee.subscribers.count {
                merge(entry.pointee.subscribers[j], publication)
            }
            if publication.isFromLoop { continue }
            let extras = index.extras(of: entry)
            loops |= wantingLoops(entry, extras, publication)
            if extras.firstGroup >= 0, pickMembers(entry, &publication) { isWanted = true }
        }
        if send(&publication, toLoops: loops) { isWanted = true }
        let fanOut = forms.begin()
        let end = receivers.count
        if merged > Work.smallFanOut {
            charge((merged &+ furtherIdentifiers.count &- firstIdentifier) &* Work.merge)
        }
        chargeFanOut(end - first, publication)
        let further = FurtherIdentifiers(furtherIdentifiers, from: firstIdentifier, receivers: first..<end)
        for i in first..<end {
            let receiver = receivers[i]
            if receiver.isDestination {
                if hand(&publication, to: receiver.destination) { isWanted = true }
                continue
            }
            isWanted = true
            if let further = further?[i] {
                deliver(publication, to: receiver, with: further)
            } else {
                deliver(&publication, to: receiver, fanOut: fanOut)
            }
        }
        for i in firstPick..<picks.count {  // [MQTT-3.3.4-5]
            deliver(&publication, to: picks[i].subscriber, fanOut: fanOut, group: picks[i].group)
        }
        receivers.drop(to: first)
        furtherIdentifiers.drop(to: firstIdentifier)
        picks.drop(to: firstPick)
        return isWanted
    }

    /// Subscription identifiers beyond the one that stands with the receiver travel as properties of a message that is
    /// its own. [MQTT-3.3.4-3] [MQTT-3.3.4-4]
    @inline(never)
    private func deliver(_ publication: Publication, to receiver: Subscriber, with further: ArraySlice<UInt32>) {
        var bytes = ByteBuffer()
        defer { bytes.deallocate() }
        for identifier in further {
            bytes.append(PropertyIdentifier.subscriptionIdentifier.rawValue)
            bytes.append(variable: Int(identifier))
        }
        bytes.append(publication.properties)
        var own = publication
        own.message = nil
        own.properties = bytes.view
        deliver(&own, to: receiver, fanOut: 0)
        own.release()
    }

    func merge(_ subscriber: Subscriber, _ publication: borrowing Publication) {
        if subscriber.isDestination {
            let destination = destinations[subscriber.destination]
            if destination.pointee.mergeStamp == mergeStamp { return }
            destination.pointee.mergeStamp = mergeStamp
            receivers.append(subscriber)
            return
        }
        let session = sessions[subscriber.target]
        // A subscription that does not want its client's own messages has no say in how they come by another one.
        if subscriber.options.noLocal, isPublisher(session, of: publication) { return }  // [MQTT-3.8.3-3]
        if session.pointee.mergeStamp == mergeStamp {
            let i = Int(session.pointee.mergeIndex)
            let known = receivers[i].options
            let new = subscriber.options
            if known.subscriptionIdentifier != 0, new.subscriptionIdentifier != 0,
                known.subscriptionIdentifier != new.subscriptionIdentifier
            {
                furtherIdentifiers.append(FurtherIdentifier(receiver: i, identifier: new.subscriptionIdentifier))
            }
            receivers[i].options = DeliveryOptions(
                qos: max(known.qos, new.qos),
                noLocal: false,
                retainAsPublished: known.retainAsPublished || new.retainAsPublished,
                subscriptionIdentifier: known.subscriptionIdentifier != 0
                    ? known.subscriptionIdentifier : new.subscriptionIdentifier
            )
            return
        }
        session.pointee.mergeStamp = mergeStamp
        session.pointee.mergeIndex = Int32(receivers.count)
        receivers.append(subscriber)
    }

    /// Returns whether there was any.
    @inline(__always)
    private func send(_ publication: inout Publication, toLoops loops: UInt64) -> Bool {
        if loops == 0 { return false }
        copy(publication, toLoops: loops)
        return true
    }

    @inline(never)
    func copy(_ publication: borrowing Publication, toLoops loops: UInt64) {
        if loops & holdingLoops != 0, publication.origin != .client { holdForLoops(publication) }
        charge(loops.nonzeroBitCount &* (publication.payload.count &+ Work.message))
        var rest = loops
        while rest != 0 {
            let loop = rest.trailingZeroBitCount
            rest &= rest - 1
            outboxes[loop].append(publication, at: wallNow)
        }
    }
}
