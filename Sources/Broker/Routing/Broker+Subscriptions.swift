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
        let subscription = Session.Subscription(entry: entry, group: groupIndex, options: options)
        let position = session.pointee.subscriptions.firstIndex { $0.entry == entry && $0.group == groupIndex }
        if let position {
            session.pointee.subscriptions[position] = subscription
        } else {
            session.pointee.subscriptions.append(subscription)
        }
        let isNew = position == nil
        let subscriber = Subscriber(session: slot, options: options)
        if groupIndex >= 0 {
            let wasRouted = !groups[groupIndex].pointee.isUnused
            groups[groupIndex].pointee.members.set(subscriber, isNew: isNew)
            if isNew { announceMembers(groupIndex, token) }
            if !wasRouted { routeAdded(filter, group) }
            return isNew
        }
        let wasRouted = isRouted(entry)
        index[entry].pointee.subscribers.set(subscriber, isNew: isNew)
        if isNew {
            index[entry].pointee.sessionCount += 1
            if index[entry].pointee.sessionCount == 1 { announce(filter, .sessions(true), token) }
        }
        if !wasRouted { routeAdded(filter, .empty) }
        return isNew
    }

    /// Returns whether there was such a subscription. [MQTT-3.10.4-2] [MQTT-3.10.4-3]
    func removeSubscription(_ slot: Int32, _ filter: ByteView, _ group: ByteView) -> Bool {
        let entry = index.find(filter)
        guard entry >= 0 else { return false }
        let groupIndex = group.isEmpty ? -1 : findGroup(group, entry)
        guard group.isEmpty || groupIndex >= 0,
            let subscription = sessions[slot].pointee.subscriptions.last(where: {
                $0.entry == entry && $0.group == groupIndex
            })
        else { return false }
        removeSubscription(slot, subscription)
        return true
    }

    func removeSubscription(_ slot: Int32, _ subscription: Session.Subscription) {
        let session = sessions[slot]
        if let i = session.pointee.subscriptions.lastIndex(where: {
            $0.entry == subscription.entry && $0.group == subscription.group
        }) {
            session.pointee.subscriptions.swapAt(i, session.pointee.subscriptions.count - 1)
            session.pointee.subscriptions.removeLast()
        }
        if subscription.group >= 0 {
            if groups[subscription.group].pointee.members.remove(target: slot) {
                announceMembers(subscription.group, 0)
                removeGroupIfUnused(subscription.group)
            }
        } else if index[subscription.entry].pointee.subscribers.remove(target: slot) {
            index[subscription.entry].pointee.sessionCount -= 1
            sessionCountFell(subscription.entry)
        }
        index.removeIfUnused(subscription.entry)
    }

    private func sessionCountFell(_ entry: Int32) {
        let name = index[entry].pointee.name.view
        if index[entry].pointee.sessionCount == 0 { announce(name, .sessions(false), 0) }
        if !isRouted(entry) { routeRemoved(name, .empty) }
    }

    // MARK: Destinations

    func addSubscriber(_ destination: Int32, _ filter: ByteView) {
        let entry = index.findOrInsert(filter)
        let isSubscription = destinations[destination].pointee.isSubscription
        let wasRouted = isRouted(entry)
        guard index[entry].pointee.subscribers.set(Subscriber(destination: destination)) else { return }
        if isSubscription {
            index[entry].pointee.sessionCount += 1
            if index[entry].pointee.sessionCount == 1 { announce(filter, .sessions(true), 0) }
            if !wasRouted { routeAdded(filter, .empty) }
        } else if index[entry].pointee.destinationCount == 1 {
            announce(filter, .destinations(true), 0)
        }
    }

    func removeSubscriber(_ destination: Int32, _ filter: ByteView) {
        let entry = index.find(filter)
        guard entry >= 0, index[entry].pointee.subscribers.remove(target: ~destination) else { return }
        if destinations[destination].pointee.isSubscription {
            index[entry].pointee.sessionCount -= 1
            sessionCountFell(entry)
        } else if index[entry].pointee.destinationCount == 0 {
            announce(filter, .destinations(false), 0)
        }
        index.removeIfUnused(entry)
    }

    // MARK: Shared groups

    func findGroup(_ name: ByteView, _ entry: Int32) -> Int32 {
        var group = index[entry].pointee.firstGroup
        while group >= 0, groups[group].pointee.name.view != name { group = groups[group].pointee.next }
        return group
    }

    func findOrInsertGroup(_ name: ByteView, _ entry: Int32) -> Int32 {
        let existing = findGroup(name, entry)
        if existing >= 0 { return existing }
        let next = index[entry].pointee.firstGroup
        let group = groups.insert(SharedGroup(name: name, entry: entry, next: next))
        index[entry].pointee.firstGroup = group
        return group
    }

    func removeGroupIfUnused(_ group: Int32) {
        guard groups[group].pointee.isUnused else { return }
        let entry = groups[group].pointee.entry
        routeRemoved(index[entry].pointee.name.view, groups[group].pointee.name.view)
        var link = index[entry].pointee.firstGroup
        if link == group {
            index[entry].pointee.firstGroup = groups[group].pointee.next
        } else {
            while groups[link].pointee.next != group { link = groups[link].pointee.next }
            groups[link].pointee.next = groups[group].pointee.next
        }
        groups[group].pointee.deallocate()
        groups.remove(group)
    }

    // MARK: Other loops

    private func announceMembers(_ group: Int32, _ token: UInt32) {
        guard loopCount > 1 else { return }
        let name = Array(groups[group].pointee.name.view.buffer)
        let filter = index[groups[group].pointee.entry].pointee.name.view
        announce(filter, .members(group: name, Int32(groups[group].pointee.members.count)), token)
    }

    private func announce(_ filter: ByteView, _ interest: Interest, _ token: UInt32) {
        guard loopCount > 1 else { return }
        let bytes = Array(filter.buffer)
        for other in 0..<loopCount where other != loop {
            outboxes[other].messages.append(.interest(filter: bytes, interest))
        }
        if token != 0 { unconfirmedToken = token }
    }

    /// Whether a subscription that used `token`, or an earlier one that is not confirmed yet, was announced: then the
    /// SUBACK has to wait, and the question for confirmation goes out behind the announcements.
    func announcesWithToken(_ token: UInt32) -> Bool {
        guard unconfirmedToken == token || !pendingConfirmations.isEmpty || arrivingSessions > 0 else { return false }
        nextToken = nextToken == .max ? 1 : nextToken + 1
        for other in 0..<loopCount where other != loop {
            outboxes[other].messages.append(.confirmRequest(token: token))
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
            if wants {
                index[entry].pointee.destinationLoops |= bit
            } else {
                index[entry].pointee.destinationLoops &= ~bit
            }
        case .members(let name, let count):
            name.withUnsafeBytes { name in
                let group = findOrInsertGroup(ByteView(name), entry)
                let wasRouted = !groups[group].pointee.isUnused
                groups[group].pointee.setRemote(other, members: count)
                if !wasRouted, count > 0 { routeAdded(filter, ByteView(name)) }
                removeGroupIfUnused(group)
            }
        }
        index.removeIfUnused(entry)
    }

    // MARK: Routes

    private func isRouted(_ entry: Int32) -> Bool {
        index[entry].pointee.sessionCount > 0 || index[entry].pointee.sessionLoops != 0
    }

    private func routeAdded(_ filter: ByteView, _ group: ByteView) {
        guard loop == 0, !hooks.routeAdded.isEmpty else { return }
        for link in hooks.routeAdded { link.call { link.function(link.state, isth_str(filter), isth_str(group)) } }
    }

    private func routeRemoved(_ filter: ByteView, _ group: ByteView) {
        guard loop == 0, !hooks.routeRemoved.isEmpty else { return }
        for link in hooks.routeRemoved { link.call { link.function(link.state, isth_str(filter), isth_str(group)) } }
    }

    /// Every (filter, group) that somebody on this broker subscribes to. Loop 0 knows them all.
    public func forEachRoute(_ body: (ByteView, ByteView) -> Void) {
        index.eachEntry { entry, _ in
            if isRouted(entry) { body(index[entry].pointee.name.view, .empty) }
            var group = index[entry].pointee.firstGroup
            while group >= 0 {
                body(index[entry].pointee.name.view, groups[group].pointee.name.view)
                group = groups[group].pointee.next
            }
        }
    }
}
