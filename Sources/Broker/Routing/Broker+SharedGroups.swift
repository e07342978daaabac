// SPDX-License-Identifier: Apache-2.0
// Who is a member of which shared group, and telling the other loops.

import MQTT

extension Broker {
    func findGroup(_ name: ByteView, _ entry: Int32) -> Int32 {
        groupTable.find(Self.groupHash(name, entry)) {
            groups[$0].pointee.entry == entry && groups[$0].pointee.name.view == name
        }
    }

    private static func groupHash(_ name: ByteView, _ entry: Int32) -> UInt64 {
        name.hash64 ^ UInt64(UInt32(bitPattern: entry)) &* 0x9E37_79B9_7F4A_7C15
    }

    func findOrInsertGroup(_ name: ByteView, _ entry: Int32) -> Int32 {
        let existing = findGroup(name, entry)
        if existing >= 0 { return existing }
        groupGeneration = TimerToken.next(groupGeneration)
        let next = index.extras(of: index[entry]).firstGroup
        let group = groups.insert(
            SharedGroup(
                name: name,
                entry: entry,
                next: next,
                generation: groupGeneration,
                strategy: strategy(of: name)
            )
        )
        while liveGroups.count <= Int(group) { liveGroups.append(0) }
        liveGroups[Int(group)] = groupGeneration
        groupTable.insert(Self.groupHash(name, entry), group)
        if next >= 0 { groups[next].pointee.previous = group }
        index.updateExtras(of: entry) { $0.firstGroup = group }
        return group
    }

    func removeGroupIfUnused(_ group: Int32) {
        guard groups[group].pointee.isUnused else { return }
        let entry = groups[group].pointee.entry
        routeRemoved(index.filter(of: entry), groups[group].pointee.name.view)
        let (previous, next) = (groups[group].pointee.previous, groups[group].pointee.next)
        if next >= 0 { groups[next].pointee.previous = previous }
        if previous >= 0 {
            groups[previous].pointee.next = next
        } else {
            index.updateExtras(of: entry) { $0.firstGroup = next }
        }
        groupTable.remove(Self.groupHash(groups[group].pointee.name.view, entry), group)
        liveGroups[Int(group)] = 0
        groups[group].pointee.deallocate()
        groups.remove(group)
    }

    func reference(to group: Int32) -> GroupReference {
        GroupReference(group: group, generation: groups[group].pointee.generation)
    }

    func isLive(_ reference: GroupReference) -> Bool {
        let group = Int(reference.group)
        return group >= 0 && group < liveGroups.count && liveGroups[group] == reference.generation
    }

    // MARK: Strategies

    private func strategy(of name: ByteView) -> SharedStrategy {
        guard !settings.sharedStrategies.isEmpty else { return settings.sharedStrategy }
        return settings.sharedStrategies[name.string] ?? settings.sharedStrategy
    }

    func applySharedStrategies() {
        for group in groups.indices { groups[group].pointee.strategy = strategy(of: groups[group].pointee.name.view) }
    }

    // MARK: Members

    /// The session has its record of the subscription already.
    func addMember(_ member: Subscriber, _ group: Int32, _ token: UInt32) {
        let isNewGroup = groups[group].pointee.isUnused
        let session = sessions[member.target]
        session.pointee.sharedCount += 1
        let position = groups[group].pointee.add(member, isConnected: session.pointee.connection != nil)
        tellMember(at: position, of: group)
        tellMember(at: groups[group].pointee.members.count - 1, of: group)
        announceMembers(group, token)
        if isNewGroup {
            routeAdded(index.filter(of: groups[group].pointee.entry), groups[group].pointee.name.view)
        }
    }

    func removeMember(_ slot: Int32, _ subscription: SessionSubscription) {
        let group = subscription.group
        sessions[slot].pointee.sharedCount -= 1
        let hole = groups[group].pointee.remove(at: Int(subscription.position))
        tellMember(at: hole, of: group)
        tellMember(at: Int(subscription.position), of: group)
        announceMembers(group, 0)
        removeGroupIfUnused(group)
    }

    /// The session got or lost its connection: groups prefer members that have one.
    @inline(__always)
    func membersConnected(_ slot: Int32, _ isConnected: Bool) {
        if sessions[slot].pointee.sharedCount > 0 { setMembersConnected(slot, isConnected) }
    }

    @inline(never)
    private func setMembersConnected(_ slot: Int32, _ isConnected: Bool) {
        for i in 0..<sessions[slot].pointee.subscriptions.count {
            let subscription = sessions[slot].pointee.subscriptions[i]
            guard subscription.isShared else { return }
            let old = Int(subscription.position)
            let position = groups[subscription.group].pointee.setConnected(isConnected, at: old)
            tellMember(at: position, of: subscription.group)
            tellMember(at: old, of: subscription.group)
            announceMembers(subscription.group, 0)
        }
    }

    /// Tells the member that stands there where it stands.
    private func tellMember(at position: Int, of group: Int32) {
        guard position < groups[group].pointee.members.count else { return }
        tell(groups[group].pointee.members[position].target, SessionSubscription.key(-1, group), position)
    }

    // MARK: Other loops

    private func announceMembers(_ group: Int32, _ token: UInt32) {
        guard loopCount > 1 else { return }
        let name = Array(groups[group].pointee.name.view.buffer)
        let members = SharedGroup.Remote(
            members: Int32(groups[group].pointee.members.count),
            connected: Int32(groups[group].pointee.connectedCount),
            reference: reference(to: group)
        )
        announce(index.filter(of: groups[group].pointee.entry), .members(group: name, members), token)
    }

    func applyMembers(of other: Int, _ name: ByteView, _ entry: Int32, _ members: SharedGroup.Remote) {
        let group = findOrInsertGroup(name, entry)
        let isNewGroup = groups[group].pointee.isUnused
        groups[group].pointee.setRemote(other, members)
        if isNewGroup, members.members > 0 { routeAdded(index.filter(of: entry), name) }
        removeGroupIfUnused(group)
    }
}
