// SPDX-License-Identifier: Apache-2.0
// A message of a shared group to one of its members, here or on another loop.

import MQTT

/// Who gets a shared group's message.
struct PickedMember {
    var subscriber: Subscriber
    var group: Int32
}

/// A group whose message goes to another loop.
struct GroupMail {
    var loop: Int32
    var path: SharedPath
}

extension Broker {
    /// Serves every shared group of the filter. Returns whether there is any member.
    func routeToGroups(_ entry: UnsafeMutablePointer<FilterEntry>, _ publication: inout Publication) -> Bool {
        var isWanted = false
        var work = 0
        let mark = groupMail.count
        var group = index.extras(of: entry).firstGroup
        while group >= 0 {
            var path = SharedPath()
            if dispatch(&publication, to: group, &path) { isWanted = true }
            group = groups[group].pointee.next
            work &+= Work.group &+ publication.payload.count
        }
        sendGroupMail(from: mark, publication)
        charge(work)
        return isWanted
    }

    /// Picks a receiver for each shared group of the filter; those of other loops are told. Returns whether there is any.
    func pickMembers(
        _ entry: UnsafeMutablePointer<FilterEntry>,
        _ publication: inout Publication
    ) -> Bool {
        var isWanted = false
        var work = 0
        let mark = groupMail.count
        var group = index.extras(of: entry).firstGroup
        while group >= 0 {
            var path = SharedPath()
            work &+= Work.group
            switch choose(group, for: publication, &path) {
            case .member(let subscriber):
                picks.append(PickedMember(subscriber: subscriber, group: group))
                isWanted = true
            case .loop(let loop):
                send(publication, of: group, to: loop, path)
                isWanted = true
            case .nobody: break
            }
            group = groups[group].pointee.next
        }
        sendGroupMail(from: mark, publication)
        charge(work)
        return isWanted
    }

    /// The message had a member before, whose session ended.
    func publishAgain(_ publication: inout Publication, to group: Int32) {
        var path = SharedPath()
        path.isAgain = true
        let mark = groupMail.count
        _ = dispatch(&publication, to: group, &path)
        sendGroupMail(from: mark, publication)
    }

    /// Returns whether there was a member.
    private func dispatch(_ publication: inout Publication, to group: Int32, _ path: inout SharedPath) -> Bool {
        switch choose(group, for: publication, &path) {
        case .member(let subscriber):
            deliver(&publication, to: subscriber, fanOut: 0, group: group, mayGrow: path.isAgain)
            return true
        case .loop(let loop):
            send(publication, of: group, to: loop, path)
            return true
        case .nobody: return false
        }
    }

    // MARK: Choice

    private enum Receiver {
        case member(Subscriber)
        case loop(Int)
        case nobody
    }

    private func choose(_ group: Int32, for publication: borrowing Publication, _ path: inout SharedPath) -> Receiver {
        let shared = groups[group]
        let topic = publication.topic
        let name = publication.clientIdentifier
        func hash(_ kind: SharedStrategy.Kind) -> UInt64 { kind == .hashTopic ? topic.hash64 : name.hash64 }
        if !publication.isFromLoop {
            switch shared.pointee.pickLoop(own: loop, &random, hash: hash) {
            case .here: break
            case .loop(let other): return .loop(other)
            case .nobody: return .nobody
            }
        }
        if shared.pointee.connectedCount == 0 {
            // The member that the publisher's loop knew of has left or lost its connection since.
            let connected = shared.pointee.otherLoop(connected: true, notOf: path.tried)
            if connected >= 0 { return .loop(connected) }
            if shared.pointee.members.isEmpty {
                let other = shared.pointee.otherLoop(connected: false, notOf: 0)
                return other >= 0 ? .loop(other) : .nobody
            }
        }
        let qos = publication.qos
        let entry = shared.pointee.entry
        let (position, hasRoom) = shared.pointee.pickMember(
            own: loop,
            &random,
            hash: hash,
            position: { sessions[$0].pointee.subscriptions.position(SessionSubscription.key(entry, group)) ?? -1 },
            hasRoom: { self.hasRoom(sessions[$0], qos, topic) }
        )
        if !hasRoom {
            path.tried |= 1 << UInt64(loop)
            let other = shared.pointee.otherLoop(connected: true, notOf: path.tried)
            if other >= 0 { return .loop(other) }
        }
        return .member(shared.pointee.members[position])
    }

    private func hasRoom(_ session: SessionPointer, _ qos: UInt8, _ topic: ByteView) -> Bool {
        if let connection = session.pointee.connection {
            if qos == 0 {
                return !connection.pointee.isBlocked
                    || connection.pointee.output.pending <= connection.pointee.highWatermark
            }
            if session.pointee.queue.isEmpty, session.pointee.inflight.count < session.pointee.inflightLimit {
                return true
            }
        }
        guard session.pointee.queue.bytes < settings.maximumQueueBytes, !isQueueSpaceGone(for: 0) else { return false }
        if session.pointee.queue.count < settings.maximumQueueLength { return true }
        // Each priority has a queue's length for itself.
        guard !settings.queuePriorities.isEmpty else { return false }
        let priority = settings.queuePriorities.priority(of: topic)
        return session.pointee.queue.count(of: priority) < settings.maximumQueueLength
    }

    // MARK: Other loops

    private func send(_ publication: borrowing Publication, of group: Int32, to other: Int, _ path: SharedPath) {
        if holdingLoops != 0, !publication.isFromLoop, publication.origin != .client { holdForLoops(publication) }
        var path = path
        path.destination = groups[group].pointee.remote[other].reference
        path.sender = reference(to: group)
        groupMail.append(GroupMail(loop: Int32(other), path: path))
    }

    /// Sends what was put down from `mark` on: one copy of the message to each loop, for however many groups.
    private func sendGroupMail(from mark: Int, _ publication: borrowing Publication) {
        let count = groupMail.count - mark
        guard count > 0 else { return }
        defer { groupMail.drop(to: mark) }
        if count == 1 {
            let mail = groupMail[mark]
            return send(publication, to: mail.loop, [mail.path])
        }
        var paths: [[SharedPath]] = Array(repeating: [], count: loopCount)
        for i in mark..<groupMail.count { paths[Int(groupMail[i].loop)].append(groupMail[i].path) }
        for (loop, paths) in paths.enumerated() where !paths.isEmpty { send(publication, to: Int32(loop), paths) }
    }

    private func send(_ publication: borrowing Publication, to other: Int32, _ paths: [SharedPath]) {
        outboxes[Int(other)].append(.publishShared(publication.copied(at: wallNow), paths))
        charge(publication.payload.count &+ Work.message &* (1 &+ paths.count))
    }

    /// Takes over the reference.
    func receiveShared(_ message: Message, _ paths: [SharedPath], from other: Int) {
        var publication = Publication(message)
        publication.sourceLoop = Int8(other)
        message.release()
        let mark = groupMail.count
        for path in paths {
            var path = path
            if isLive(path.destination) {
                _ = dispatch(&publication, to: path.destination.group, &path)
            } else if path.sender != .none {
                // The group ended here while this was on its way. The sender was told before this reaches it again, and
                // knows of all who became members since; if it does not know the group either, there is nobody.
                path.destination = path.sender
                path.sender = .none
                groupMail.append(GroupMail(loop: Int32(other), path: path))
            }
        }
        sendGroupMail(from: mark, publication)
        publication.release()
    }
}

extension Publication {
    /// The publisher's.
    var clientIdentifier: ByteView {
        connection?.pointee.clientIdentifier.view ?? publisher.clientIdentifier
    }
}
