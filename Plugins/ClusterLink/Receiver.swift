// SPDX-License-Identifier: Apache-2.0
// What peers publish to us below $LINK/cluster/: forwarded messages, which become local publishes, and control maps,
// which change what the peer gets from us. Called by the publish hook, on the loop of the peer's connection, after
// authorisation.

import PluginAPI
import PluginKit

/// What one loop needs for itself: scratch memory and counters. Never shared.
final class LoopScratch: @unchecked Sendable {
    let inflater: Inflater
    let reader: ForwardedMessageReader
    var writer = TermWriter()
    /// In the order of the links.
    var counters: [ReceiveCounters]
    var timer: PluginTimer?

    init(inflateLimit: Int, linkCount: Int) {
        inflater = Inflater(limit: inflateLimit)
        reader = ForwardedMessageReader(inflater)
        counters = Array(repeating: ReceiveCounters(), count: linkCount)
    }
}

/// The actor a connection introduced itself as. One connection speaks for one actor, once.
final class ConnectedActor {
    let linkIndex: Int
    let name: Filter
    let incarnation: UInt64

    init(linkIndex: Int, name: Filter, incarnation: UInt64) {
        self.linkIndex = linkIndex
        self.name = name
        self.incarnation = incarnation
    }

    static func of(_ client: UnsafePointer<isth_client>) -> ConnectedActor? {
        client.pointee.slot?.pointee.map { Unmanaged<ConnectedActor>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Puts it into the connection's slot, where ``release(_:)`` takes it out again.
    func attach(to client: UnsafePointer<isth_client>) {
        client.pointee.slot?.pointee = Unmanaged.passRetained(self).toOpaque()
    }

    static func release(_ client: UnsafePointer<isth_client>) {
        guard let slot = client.pointee.slot, let kept = slot.pointee else { return }
        slot.pointee = nil
        Unmanaged<ConnectedActor>.fromOpaque(kept).release()
    }
}

final class Receiver: Sendable {
    private static let noMatchingSubscribers: UInt8 = 0x10
    private static let implementationSpecific: UInt8 = 0x83
    private static let quotaExceeded: UInt8 = 0x97

    /// What a peer's control map is answered with.
    private enum Verdict {
        case accepted
        case tooMany
        case protocolError(String)
    }

    private let host: PluginHost
    private let clusterName: [UInt8]
    private let nodeName: [UInt8]
    private let links: [Link]
    private let loops: [LoopScratch]

    init(_ host: PluginHost, _ identity: Identity, links: [Link], inflateLimit: Int) {
        self.host = host
        clusterName = Array(identity.clusterName.utf8)
        nodeName = Array(identity.nodeName.utf8)
        self.links = links
        loops = (0..<max(host.loopCount, 1)).map { _ in
            LoopScratch(inflateLimit: inflateLimit, linkCount: links.count)
        }
    }

    func published(
        _ client: UnsafePointer<isth_client>?,
        _ message: UnsafePointer<isth_msg>,
        _ edit: OpaquePointer
    ) -> isth_result {
        // Nothing but a peer's connection may speak for a cluster.
        guard let client, Int(client.pointee.loop) < loops.count else { return isth_result(ISTH_DENY) }
        let loop = loops[Int(client.pointee.loop)]
        switch LinkTopic(message.pointee.topic.view) {
        case nil: return isth_result(ISTH_NEXT)
        case .message(let cluster): return receive(client, message, from: cluster, loop, edit)
        case .route(let cluster): return control(client, message, from: cluster, loop, edit)
        }
    }

    // MARK: Messages

    @inline(__always)
    private func receive(
        _ client: UnsafePointer<isth_client>,
        _ message: UnsafePointer<isth_msg>,
        from cluster: Bytes,
        _ loop: LoopScratch,
        _ edit: OpaquePointer
    ) -> isth_result {
        var delivered = false
        if let index = links.firstIndex(where: { $0.isNamed(cluster) }) {
            do throws(TermError) {
                delivered = try receive(message.pointee.payload.view, links[index], loop, &loop.counters[index])
            } catch {
                // A term we do not understand is dropped, as a newer peer may send it; no peer sends what is no term.
                if error.isBroken || !loop.inflater.isTerm(message.pointee.payload.view) {
                    return disconnect(client, cluster, "\(error)", loop, edit)
                }
                loop.counters[index].refused &+= 1
                links[index].complainAboutMessage(error)
            }
        } else {
            host.log(
                .debug,
                "messages of unknown clusters",
                about: cluster.clipped,
                "A message of \"\(cluster.clipped)\" was dropped: there is no link of that name."
            )
        }
        if !delivered { _ = host.table.pointee.edit_reason(edit, Self.noMatchingSubscribers) }
        return isth_result(ISTH_CONSUMED)
    }

    @inline(__always)
    private func receive(
        _ payload: Bytes,
        _ link: Link,
        _ loop: LoopScratch,
        _ counters: inout ReceiveCounters
    ) throws(TermError) -> Bool {
        guard link.accepts else {
            counters.refused &+= 1
            return false
        }
        let origin = link.destination
        let result = try loop.reader.read(payload) { message -> Int32? in
            guard link.wants(message.topic.view) else { return nil }
            message.origin_id = origin
            counters.bytesReceived &+= UInt64(message.payload.len)
            return host.publish(message, [.skipHooks, .localOnly, .noRetain])
        }
        guard let result else {
            counters.refused &+= 1
            return false
        }
        counters.received &+= 1
        return result == ISTH_OK
    }

    // MARK: Control

    private func control(
        _ client: UnsafePointer<isth_client>,
        _ message: UnsafePointer<isth_msg>,
        from cluster: Bytes,
        _ loop: LoopScratch,
        _ edit: OpaquePointer
    ) -> isth_result {
        switch judge(client, message, from: cluster, loop) {
        case .accepted:
            // The publish itself went to nobody, and that is what peers of this protocol answer.
            _ = host.table.pointee.edit_reason(edit, Self.noMatchingSubscribers)
            return isth_result(ISTH_CONSUMED)
        case .tooMany:
            _ = host.table.pointee.edit_reason(edit, Self.quotaExceeded)
            return isth_result(ISTH_CONSUMED)
        case .protocolError(let sentence): return disconnect(client, cluster, sentence, loop, edit)
        }
    }

    private func disconnect(
        _ client: UnsafePointer<isth_client>,
        _ cluster: Bytes,
        _ sentence: String,
        _ loop: LoopScratch,
        _ edit: OpaquePointer
    ) -> isth_result {
        if let index = links.firstIndex(where: { $0.isNamed(cluster) }) {
            loop.counters[index].protocolErrors &+= 1
        }
        let name = client.pointee.client_id.view.clipped
        host.log(
            .warning,
            "peers that break the link protocol",
            about: name,
            "Link \(cluster.clipped): client \(name) at \(client.pointee.peer_addr.string) broke the link protocol: "
                + "\(sentence). Disconnecting it."
        )
        _ = host.table.pointee.edit_reason(edit, Self.implementationSpecific)
        return isth_result(ISTH_DISCONNECT)
    }

    private func judge(
        _ client: UnsafePointer<isth_client>,
        _ message: UnsafePointer<isth_msg>,
        from cluster: Bytes,
        _ loop: LoopScratch
    ) -> Verdict {
        do throws(TermError) {
            let map = try ControlMap(loop.inflater.open(message.pointee.payload.view))
            let known = ConnectedActor.of(client)
            switch map.operation {
            case .actorInit:
                guard known == nil else { return .protocolError("it introduced itself twice on one connection") }
                return try introduce(map, client, message, from: cluster, loop)
            case .heartbeat:
                // Before its introduction it means nothing.
                guard let known else { return .accepted }
                return try heartbeat(map, known, from: cluster)
            case .route:
                guard let known else { return .protocolError("it sent routes before it introduced itself") }
                return try routes(map, known, from: cluster)
            case .actorInitAck: return .protocolError("it sent an answer where only requests belong")
            }
        } catch {
            return .protocolError("\(error)")
        }
    }

    private func introduce(
        _ map: ControlMap,
        _ client: UnsafePointer<isth_client>,
        _ message: UnsafePointer<isth_msg>,
        from cluster: Bytes,
        _ loop: LoopScratch
    ) throws(TermError) -> Verdict {
        let actor = try map.actor()
        let incarnation = try map.incarnation()
        let target = try map.target()
        let needed = UInt32(ISTH_MSG_HAS_RESPONSE_TOPIC | ISTH_MSG_HAS_CORRELATION)
        // The answer is published with our authority, so it goes to topics of the protocol only.
        guard message.pointee.flags & needed == needed,
            message.pointee.response_topic.view.hasPrefix(LinkTopic.responsePrefix)
        else { return .protocolError("its introduction has no usable response topic or no correlation data") }
        guard !actor.isEmpty, Text.isValid(actor) else { return .protocolError("its actor has no valid name") }

        let index = links.firstIndex { $0.isNamed(cluster) }
        if let refusal = refusal(index, actor, target, from: cluster) {
            answer(message, actor, .error(refusal), needBootstrap: nil, loop)
            return .accepted
        }
        guard let index else { return .accepted }
        do throws(RouteTable.Refusal) {
            let session = ConnectedActor(linkIndex: index, name: actor.array, incarnation: incarnation)
            let needBootstrap = try links[index].peerRoutes.initialise(session.name, incarnation: incarnation)
            session.attach(to: client)
            answer(message, actor, .ok, needBootstrap: needBootstrap, loop)
            return .accepted
        } catch {
            return .protocolError(Self.sentence(error))
        }
    }

    private func refusal(_ index: Int?, _ actor: Bytes, _ target: Bytes, from cluster: Bytes) -> Bytes? {
        guard let index else {
            if clusterName.withView({ $0 == cluster }) { return refusalOfOurName(actor) }
            let name = cluster.clipped
            host.log(
                .warning,
                "clusters that there is no link for",
                about: name,
                "Cluster \"\(name)\" wants to link: add a link of that name to cluster.links to allow it."
            )
            return "unknown_cluster"
        }
        guard links[index].isEnabled else { return "cluster_link_disabled" }
        guard clusterName.withView({ $0 == target }) else {
            host.log(
                .warning,
                "links that are refused",
                about: cluster.clipped,
                "Link \(cluster.clipped): the peer takes us for \"\(target.clipped)\": its link's name and our cluster.name "
                    + "must be the same."
            )
            return "bad_remote_cluster_link_name"
        }
        return nil
    }

    /// No link has our own name, so somebody calls itself as we do, or it is us.
    private func refusalOfOurName(_ actor: Bytes) -> Bytes {
        if nodeName.withView({ $0 == actor }) { return "own_address" }
        host.log(
            .warning,
            "links that are refused",
            about: clusterName.withView(\.clipped),
            "A cluster with our own cluster.name, \"\(clusterName.withView(\.clipped))\", wants to link (node \(actor.clipped)): "
                + "give each cluster a name of its own."
        )
        return "unknown_cluster"
    }

    private func heartbeat(
        _ map: ControlMap,
        _ known: ConnectedActor,
        from cluster: Bytes
    ) throws(TermError) -> Verdict {
        guard speaks(known, for: try map.actor(), from: cluster) else { return Self.otherActor }
        do throws(RouteTable.Refusal) {
            try links[known.linkIndex].peerRoutes.refresh(known.name, incarnation: known.incarnation)
            return .accepted
        } catch {
            return .protocolError(Self.sentence(error))
        }
    }

    private func routes(
        _ map: ControlMap,
        _ known: ConnectedActor,
        from cluster: Bytes
    ) throws(TermError) -> Verdict {
        guard speaks(known, for: try map.actor(), from: cluster) else { return Self.otherActor }
        let operations = try map.routes()
        let link = links[known.linkIndex]
        do throws(PeerRoutes.BatchError) {
            let ignored = try link.peerRoutes.apply(operations, actor: known.name, incarnation: known.incarnation)
            if ignored > 0 {
                host.log(
                    .info,
                    "routes that are ignored",
                    about: link.name,
                    "Link \(link.name): \(ignored) routes of the peer are no topic filters and were ignored."
                )
            }
            return .accepted
        } catch {
            switch error {
            case .malformed(let error): throw error
            case .refused(.tooManyRoutes):
                link.complainAboutRoutes()
                return .tooMany
            case .refused(let refusal): return .protocolError(Self.sentence(refusal))
            }
        }
    }

    private func speaks(_ known: ConnectedActor, for actor: Bytes, from cluster: Bytes) -> Bool {
        links[known.linkIndex].isNamed(cluster) && known.name.withView { $0 == actor }
    }

    private static let otherActor = Verdict.protocolError("it speaks for another actor than it introduced itself as")

    private static func sentence(_ refusal: RouteTable.Refusal) -> String {
        switch refusal {
        case .staleIncarnation: "a later start of the same node is known"
        case .unknownActor: "it was silent for too long and is forgotten"
        case .tooManyActors: "its cluster has more than \(RouteTable.maximumActors) nodes"
        case .tooManyRoutes: "its cluster announces too many routes"
        }
    }

    private func answer(
        _ request: UnsafePointer<isth_msg>,
        _ actor: Bytes,
        _ result: ControlMap.Result,
        needBootstrap: Bool?,
        _ loop: LoopScratch
    ) {
        loop.writer.actorInitAck(actor: actor, result: result, needBootstrap: needBootstrap)
        var reply = isth_msg(topic: request.pointee.response_topic, payload: loop.writer.bytes.bytes, qos: 1)
        reply.correlation = request.pointee.correlation
        reply.flags |= UInt32(ISTH_MSG_HAS_CORRELATION)
        host.publish(reply, [.skipHooks, .localOnly, .noRetain])
    }

    // MARK: Reports

    /// A timer on each loop that hands its counters over.
    func startReports() {
        for index in loops.indices {
            let loop = UInt32(index)
            host.runOnLoop(loop) {
                self.loops[index].timer = self.host.timer(loop: loop, first: 1_000, every: 1_000) { [weak self] in
                    self?.report(index)
                }
            }
        }
    }

    func stopReports() {
        for index in loops.indices {
            host.runOnLoop(UInt32(index)) {
                self.loops[index].timer?.cancel()
                self.loops[index].timer = nil
                self.report(index)
            }
        }
    }

    private func report(_ index: Int) {
        for (link, counters) in zip(links, loops[index].counters) { link.status.report(counters) }
        for link in links.indices { loops[index].counters[link] = ReceiveCounters() }
    }
}
