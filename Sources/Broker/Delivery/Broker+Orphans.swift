// SPDX-License-Identifier: Apache-2.0
// What a member of a shared group leaves behind. When its session ends, the other members get what it was not sent, and
// the QoS 1 messages that it has not acknowledged. A QoS 2 message that is in flight is completed with this client or
// not at all [MQTT-4.8.2-4] [MQTT-4.8.2-5], and one that it refused goes to nobody [MQTT-4.8.2-6]. A session that only
// lost its connection keeps everything.

import MQTT

/// A message without a receiver, and the group that it is for.
struct Orphan {
    var message: Message
    var group: GroupReference
}

extension Broker {
    /// The session is about to end: takes the messages out of it that other members are to get, oldest first.
    func takeOrphans(_ slot: Int32) -> [Orphan] {
        let session = sessions[slot]
        let former = formerGroups.isEmpty ? [] : formerGroups[slot] ?? []
        guard !isStopping, session.pointee.sharedCount > 0 || !former.isEmpty else { return [] }
        var orphans: [Orphan] = []
        for sent in session.pointee.inflight.inOrder where sent.pointee.state == .awaitingPUBACK {
            guard let message = sent.pointee.message, let group = group(of: sent.pointee.route, former) else {
                continue
            }
            sent.pointee.message = nil
            orphans.append(Orphan(message: message, group: group))
        }
        session.pointee.queue.eachItem { item in
            guard let group = group(of: item.route, former) else { return item }
            orphans.append(Orphan(message: item.message, group: group))
            return nil
        }
        return orphans
    }

    private func group(of route: DeliveryRoute, _ former: [GroupName]) -> GroupReference? {
        switch route.source {
        case .plain: return nil
        case .group(let group): return reference(to: group)
        case .former(let number):
            guard former.indices.contains(Int(number)) else { return nil }
            let group = findGroup(former[Int(number)])
            return group < 0 ? nil : reference(to: group)
        }
    }

    private func findGroup(_ name: GroupName) -> Int32 {
        name.filter.withUnsafeBytes { filter in
            name.group.withUnsafeBytes { group in
                let entry = index.find(ByteView(filter))
                return entry < 0 ? -1 : findGroup(ByteView(group), entry)
            }
        }
    }

    /// Hands the messages to other members, and takes them over. Whoever gets one has not had it before: DUP is not set.
    func publishAgain(_ orphans: [Orphan]) {
        for orphan in orphans {
            if isLive(orphan.group), !orphan.message.isExpired(at: now) {  // [MQTT-3.3.2-5]
                var publication = Publication(orphan.message)
                // They are in memory already, however many: nobody's queue is too short for them.
                publishAgain(&publication, to: orphan.group.group)
                publication.release()
            }
            orphan.message.release()
        }
    }

    /// The client unsubscribes from a shared group. What it was sent it may still acknowledge; what waits is for others,
    /// if there are any.
    func leaveGroup(_ slot: Int32, _ subscription: SessionSubscription) {
        let session = sessions[slot]
        let group = subscription.group
        let reference = reference(to: group)
        let hasOthers = groups[group].pointee.memberCount > 1
        let name = name(of: group)
        var orphans: [Orphan] = []
        if hasOthers {
            let former = formerGroups[slot] ?? []
            session.pointee.queue.eachItem { item in
                switch item.route.source {
                case .group(group): break
                case .former(let number) where former.indices.contains(Int(number)) && former[Int(number)] == name:
                    break
                default: return item
                }
                orphans.append(Orphan(message: item.message, group: reference))
                return nil
            }
        }
        nameGroups(slot, only: group)
        removeSubscription(slot, subscription)
        publishAgain(orphans)
    }

    private func name(of group: Int32) -> GroupName {
        GroupName(
            filter: Array(index.filter(of: groups[group].pointee.entry).buffer),
            group: Array(groups[group].pointee.name.view.buffer)
        )
    }

    /// Has the session's messages know their groups by name, as it leaves them: all of them, or one.
    func nameGroups(_ slot: Int32, only: Int32 = -1) {
        let session = sessions[slot]
        guard session.pointee.sharedCount > 0 else { return }
        var names = FormerNames(formerGroups[slot] ?? [])
        func renamed(_ route: DeliveryRoute) -> DeliveryRoute {
            var route = route
            switch route.source {
            case .plain: break
            case .group(let group):
                if only < 0 || only == group { route.source = .former(names.number(of: group) { name(of: group) }) }
            case .former(let number): route.source = .former(names.number(ofFormer: number))
            }
            return route
        }
        for sent in session.pointee.inflight.inOrder { sent.pointee.route = renamed(sent.pointee.route) }
        session.pointee.queue.eachItem { item in
            MessageQueue.Item(message: item.message, options: item.options, route: renamed(item.route))
        }
        formerGroups[slot] = names.used.isEmpty ? nil : names.used
    }
}

/// Gives numbers to the groups that messages refer to; those that none refers to any more are left out.
private struct FormerNames {
    private let old: [GroupName]
    private(set) var used: [GroupName] = []
    private var byFormer: [Int32: Int32] = [:]
    private var byGroup: [Int32: Int32] = [:]

    init(_ old: [GroupName]) { self.old = old }

    mutating func number(ofFormer number: Int32) -> Int32 {
        if let known = byFormer[number] { return known }
        byFormer[number] = Int32(used.count)
        used.append(old[Int(number)])
        return Int32(used.count - 1)
    }

    mutating func number(of group: Int32, _ name: () -> GroupName) -> Int32 {
        if let known = byGroup[group] { return known }
        byGroup[group] = Int32(used.count)
        used.append(name())
        return Int32(used.count - 1)
    }
}
