// SPDX-License-Identifier: Apache-2.0
// Who is behind which filter, on this loop and on the others, and telling plugins when the first comes and the last
// goes.

import MQTT
import PluginAPI

extension Broker {
    // MARK: Sessions

    /// Returns whether the subscription is new rather than a replacement. [MQTT-3.8.4-3]
    /// A token other than 0 is told to the other loops, for their confirmation.
    func addSubscription(
        _ slot: Int32,
        _ filter: [UInt8],
        _ group: [UInt8],
        _ options: DeliveryOptions,
        token: UInt32
    ) -> Bool {
        filter.withUnsafeBytes { filter in
            group.withUnsafeBytes { group in
                addSubscription(slot, ByteView(filter), ByteView(group), options, token)
            }
        }
    }

    private func addSubscription(
        _ slot: Int32,
        _ filter: ByteView,
        _ group: ByteView,
        _ options: DeliveryOptions,
        _ token: UInt32
    ) -> Bool {
        let entry = index.findOrInsert(filter)
        let groupIndex = group.isEmpty ? -1 : findOrInsertGroup(group, entry)
        let session = sessions[slot]
        let key = SessionSubscription.key(entry, groupIndex)
        let (place, isThere) = session.pointee.subscriptions.place(key)
        if isThere {
            let position = Int(session.pointee.subscriptions[place].position)
            if groupIndex >= 0 {
                groups[groupIndex].pointee.setOptions(options, at: position)
            } else {
                index[entry].pointee.subscribers[position].options = options
            }
            return false
        }
        session.pointee.subscriptions.insert(SessionSubscription(key: key, position: -1), at: place)
        subscriptionCount += 1
        if groupIndex >= 0 { sharedSubscriptionCount += 1 }
        let subscriber = Subscriber(session: slot, options: options)
        if groupIndex >= 0 {
            addMember(subscriber, groupIndex, token)
            return true
        }
        let wasRouted = isRouted(entry)
        index[entry].pointee.subscribers.append(subscriber)
        session.pointee.subscriptions[place].position = Int32(index[entry].pointee.subscribers.count - 1)
        if index.sessionCount(entry) == 1 { announce(filter, .sessions(true), token) }
        if !wasRouted { routeAdded(filter, .empty) }
        return true
    }

    func isSubscribed(_ slot: Int32, _ filter: ByteView, _ group: ByteView) -> Bool {
        let entry = index.find(filter)
        guard entry >= 0 else { return false }
        let groupIndex = group.isEmpty ? -1 : findGroup(group, entry)
        guard group.isEmpty || groupIndex >= 0 else { return false }
        return sessions[slot].pointee.subscriptions.place(SessionSubscription.key(entry, groupIndex)).isThere
    }

    /// Returns whether there was such a subscription. [MQTT-3.10.4-2] [MQTT-3.10.4-3]
    func removeSubscription(_ slot: Int32, _ filter: ByteView, _ group: ByteView) -> Bool {
        let entry = index.find(filter)
        guard entry >= 0 else { return false }
        let groupIndex = group.isEmpty ? -1 : findGroup(group, entry)
        guard group.isEmpty || groupIndex >= 0 else { return false }
        let (place, isThere) = sessions[slot].pointee.subscriptions.place(SessionSubscription.key(entry, groupIndex))
        guard isThere else { return false }
        if groupIndex >= 0 {
            leaveGroup(slot, sessions[slot].pointee.subscriptions[place])
        } else {
            removeSubscription(slot, sessions[slot].pointee.subscriptions[place])
        }
        return true
    }

    func removeSubscription(_ slot: Int32, _ subscription: SessionSubscription) {
        let (place, isThere) = sessions[slot].pointee.subscriptions.place(subscription.key)
        if isThere {
            sessions[slot].pointee.subscriptions.remove(at: place)
            subscriptionCount -= 1
            if subscription.isShared { sharedSubscriptionCount -= 1 }
        }
        let entry = subscription.isShared ? groups[subscription.group].pointee.entry : subscription.entry
        if subscription.isShared {
            removeMember(slot, subscription)
        } else {
            takeOut(at: Int(subscription.position), of: entry)
            sessionCountFell(entry)
        }
        index.removeIfUnused(entry)
    }

    /// The session ends, or leaves this loop.
    func removeAllSubscriptions(_ slot: Int32) {
        let session = sessions[slot]
        while !session.pointee.subscriptions.isEmpty {
            removeSubscription(slot, session.pointee.subscriptions[session.pointee.subscriptions.count - 1])
        }
    }

    /// Takes a subscriber out of a filter's list and tells the one that has its place now.
    private func takeOut(at position: Int, of entry: Int32) {
        index[entry].pointee.subscribers.removeSwapping(at: position)
        guard position < index[entry].pointee.subscribers.count else { return }
        let moved = index[entry].pointee.subscribers[position]
        if !moved.isDestination { tell(moved.target, SessionSubscription.key(entry, -1), position) }
    }

    /// The session stands at `position` of the entry's or the group's list now.
    func tell(_ slot: Int32, _ key: Int32, _ position: Int) {
        let (place, isThere) = sessions[slot].pointee.subscriptions.place(key)
        if isThere { sessions[slot].pointee.subscriptions[place].position = Int32(position) }
    }

    private func sessionCountFell(_ entry: Int32) {
        let filter = index.filter(of: entry)
        if index.sessionCount(entry) == 0 { announce(filter, .sessions(false), 0) }
        if !isRouted(entry) { routeRemoved(filter, .empty) }
    }

    // MARK: Destinations

    func addSubscriber(_ destination: Int32, _ filter: ByteView) {
        let entry = index.findOrInsert(filter)
        let isSubscription = destinations[destination].pointee.isSubscription
        let wasRouted = isRouted(entry)
        guard index[entry].pointee.subscribers.index(ofTarget: ~destination) == nil else { return }
        index[entry].pointee.subscribers.append(Subscriber(destination: destination))
        if isSubscription {
            if index.sessionCount(entry) == 1 { announce(filter, .sessions(true), 0) }
            if !wasRouted { routeAdded(filter, .empty) }
        } else {
            index.updateExtras(of: entry) { $0.destinationCount += 1 }
            if index.extras(of: index[entry]).destinationCount == 1 { announce(filter, .destinations(true), 0) }
        }
    }

    func removeSubscriber(_ destination: Int32, _ filter: ByteView) {
        let entry = index.find(filter)
        guard entry >= 0, let position = index[entry].pointee.subscribers.index(ofTarget: ~destination) else { return }
        takeOut(at: position, of: entry)
        if destinations[destination].pointee.isSubscription {
            sessionCountFell(entry)
        } else {
            index.updateExtras(of: entry) { $0.destinationCount -= 1 }
            if index.extras(of: index[entry]).destinationCount == 0 { announce(filter, .destinations(false), 0) }
        }
        index.removeIfUnused(entry)
    }

    // MARK: Other loops

    func announce(_ filter: ByteView, _ interest: Interest, _ token: UInt32) {
        guard loopCount > 1 else { return }
        let bytes = Array(filter.buffer)
        for other in 0..<loopCount where other != loop {
            outboxes[other].append(.interest(filter: bytes, interest))
        }
        if token != 0 { unconfirmedToken = token }
    }

    /// Whether a subscription that used `token`, or an earlier one that is not confirmed yet, was announced: then the
    /// SUBACK has to wait, and the question for confirmation goes out behind the announcements.
    func announcesWithToken(_ token: UInt32) -> Bool {
        guard unconfirmedToken == token || !pendingConfirmations.isEmpty || arrivingSessions > 0 else { return false }
        nextToken = nextToken == .max ? 1 : nextToken + 1
        for other in 0..<loopCount where other != loop {
            outboxes[other].append(.confirmRequest(token: token))
        }
        return true
    }

    func applyInterest(of other: Int, _ filter: ByteView, _ interest: Interest) {
        let entry = index.findOrInsert(filter)
        let bit = UInt64(1) << UInt64(other)
        switch interest {
        case .sessions(let wants):
            let wasRouted = isRouted(entry)
            if wants {
                index[entry].pointee.sessionLoops |= bit
                if !wasRouted { routeAdded(filter, .empty) }
            } else {
                index[entry].pointee.sessionLoops &= ~bit
                if wasRouted, !isRouted(entry) { routeRemoved(filter, .empty) }
            }
        case .destinations(let wants):
            index.updateExtras(of: entry) { extras in
                if wants { extras.destinationLoops |= bit } else { extras.destinationLoops &= ~bit }
            }
        case .members(let name, let members):
            name.withUnsafeBytes { applyMembers(of: other, ByteView($0), entry, members) }
        }
        index.removeIfUnused(entry)
    }

    // MARK: Routes

    private func isRouted(_ entry: Int32) -> Bool {
        index.sessionCount(entry) > 0 || index[entry].pointee.sessionLoops != 0
    }

    func routeAdded(_ filter: ByteView, _ group: ByteView) {
        guard loop == 0, !hooks.routeAdded.isEmpty else { return }
        requests.append(.tellRoute(isAdded: true, filter: Array(filter.buffer), group: Array(group.buffer)))
    }

    func routeRemoved(_ filter: ByteView, _ group: ByteView) {
        guard loop == 0, !hooks.routeRemoved.isEmpty else { return }
        requests.append(.tellRoute(isAdded: false, filter: Array(filter.buffer), group: Array(group.buffer)))
    }

    /// At the turn's end: a plugin that is told may subscribe and unsubscribe, and the change it is told of must be
    /// complete by then, and known to every plugin before the next one.
    func tellRoute(isAdded: Bool, _ filter: [UInt8], _ group: [UInt8]) {
        filter.withUnsafeBytes { filter in
            group.withUnsafeBytes { group in
                let (filter, group) = (isth_str(ByteView(filter)), isth_str(ByteView(group)))
                for link in isAdded ? hooks.routeAdded : hooks.routeRemoved {
                    link.call { link.function(link.state, filter, group) }
                }
            }
        }
    }

    /// Every (filter, group) that somebody on this broker subscribes to. Loop 0 knows them all.
    public func forEachRoute(_ body: (ByteView, ByteView) -> Void) {
        index.eachEntry { entry in
            if isRouted(entry) { body(index.filter(of: entry), .empty) }
            var group = index.extras(of: index[entry]).firstGroup
            while group >= 0 {
                body(index.filter(of: entry), groups[group].pointee.name.view)
                group = groups[group].pointee.next
            }
        }
    }
}
