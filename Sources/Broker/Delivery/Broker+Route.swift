// SPDX-License-Identifier: Apache-2.0
// From a publication to its receivers: one look-up, then each session, destination and loop that wants it.

import MQTT
import PluginAPI

extension Broker {
    /// Hands the publication to everybody who wants it; the caller releases it. Returns whether anybody did.
    @inline(__always)
    func route(_ publication: inout Publication, fromLoop: Bool = false) -> Bool {
        var matches = spareMatches.popLast() ?? MatchList()
        index.match(publication.topic, into: &matches)
        var isWanted = false
        if matches.count == 1 {
            isWanted = routeToOne(index[matches[0]], &publication, fromLoop)
        } else if matches.count > 1 {
            isWanted = routeToSeveral(matches, &publication, fromLoop)
        }
        spareMatches.append(matches)
        if !isWanted, !fromLoop, !hooks.dropped.isEmpty {
            publicationDropped(&publication, nil, .noMatchingSubscribers)
        }
        return isWanted
    }

    /// The usual case: one filter matches, so no receiver can be met twice.
    @inline(__always)
    private func routeToOne(
        _ entry: UnsafeMutablePointer<FilterEntry>,
        _ publication: inout Publication,
        _ fromLoop: Bool
    ) -> Bool {
        let count = entry.pointee.subscribers.count
        var isWanted = count > 0
        if count == 1 {
            let subscriber = entry.pointee.subscribers[0]
            if subscriber.isDestination {
                isWanted = hand(&publication, to: subscriber.destination)
            } else {
                deliver(&publication, to: subscriber, inFanOut: false)
            }
        } else if count > 1 {
            forms.removeAll()
            var i = 0
            while i < entry.pointee.subscribers.count {
                let subscriber = entry.pointee.subscribers[i]
                if subscriber.isDestination {
                    _ = hand(&publication, to: subscriber.destination)
                } else {
                    deliver(&publication, to: subscriber, inFanOut: true)
                }
                i &+= 1
            }
        }
        if entry.pointee.firstGroup >= 0, !fromLoop, routeToGroups(entry, &publication) { isWanted = true }
        if loopCount > 1, !fromLoop {
            let loops = wantingLoops(entry.pointee, publication)
            if loops != 0 {
                send(&publication, toLoops: loops)
                isWanted = true
            }
        }
        return isWanted
    }

    private func wantingLoops(_ entry: FilterEntry, _ publication: borrowing Publication) -> UInt64 {
        publication.isLocalOnly ? entry.sessionLoops : entry.sessionLoops | entry.destinationLoops
    }

    /// Several filters match: a receiver behind more than one of them gets one copy, with the highest QoS of them
    /// [MQTT-3.3.4-2], unless the subscriptions have different identifiers: then one for each, which says which.
    @inline(never)
    private func routeToSeveral(_ matches: MatchList, _ publication: inout Publication, _ fromLoop: Bool) -> Bool {
        forms.removeAll()
        mergeStamp &+= 1
        var receivers: [Subscriber] = []
        var loops: UInt64 = 0
        var isWanted = false
        for i in 0..<matches.count {
            let entry = index[matches[i]]
            for j in 0..<entry.pointee.subscribers.count { merge(entry.pointee.subscribers[j], into: &receivers) }
            if !fromLoop {
                loops |= wantingLoops(entry.pointee, publication)
                if entry.pointee.firstGroup >= 0, routeToGroups(entry, &publication) { isWanted = true }
            }
        }
        for receiver in receivers {
            if receiver.isDestination {
                if hand(&publication, to: receiver.destination) { isWanted = true }
            } else {
                deliver(&publication, to: receiver, inFanOut: true)
                isWanted = true
            }
        }
        if loops != 0 {
            send(&publication, toLoops: loops)
            isWanted = true
        }
        return isWanted
    }

    private func merge(_ subscriber: Subscriber, into receivers: inout [Subscriber]) {
        if subscriber.isDestination {
            if !receivers.contains(where: { $0.target == subscriber.target }) { receivers.append(subscriber) }
            return
        }
        let session = sessions[subscriber.target]
        if session.pointee.mergeStamp == mergeStamp {
            let i = Int(session.pointee.mergeIndex)
            let known = receivers[i].options
            let new = subscriber.options
            if known.subscriptionIdentifier == new.subscriptionIdentifier {
                receivers[i].options = DeliveryOptions(
                    qos: max(known.qos, new.qos),
                    noLocal: known.noLocal && new.noLocal,
                    retainAsPublished: known.retainAsPublished || new.retainAsPublished,
                    subscriptionIdentifier: known.subscriptionIdentifier
                )
                return
            }
        } else {
            session.pointee.mergeStamp = mergeStamp
            session.pointee.mergeIndex = Int32(receivers.count)
        }
        receivers.append(subscriber)
    }

    private func routeToGroups(_ entry: UnsafeMutablePointer<FilterEntry>, _ publication: inout Publication) -> Bool {
        var isWanted = false
        var group = entry.pointee.firstGroup
        while group >= 0 {
            let next = groups[group].pointee.next
            switch groups[group].pointee.pickLoop() {
            case .here: if deliverToMember(of: group, &publication) { isWanted = true }
            case .loop(let loop):
                let filter = Array(entry.pointee.name.view.buffer)
                let name = Array(groups[group].pointee.name.view.buffer)
                outboxes[loop].messages.append(.publishShared(publication.copied(), filter: filter, group: name))
                isWanted = true
            case .nobody: break
            }
            group = next
        }
        return isWanted
    }

    func deliverToMember(of group: Int32, _ publication: inout Publication) -> Bool {
        let member = groups[group].pointee.pickMember { sessions[$0.target].pointee.connection != nil }
        guard let member else { return false }
        forms.removeAll()
        deliver(&publication, to: member, inFanOut: false)
        return true
    }

    @inline(never)
    private func send(_ publication: inout Publication, toLoops loops: UInt64) {
        var rest = loops
        while rest != 0 {
            let loop = rest.trailingZeroBitCount
            rest &= rest - 1
            outboxes[loop].messages.append(.publish(publication.copied()))
        }
    }
}
