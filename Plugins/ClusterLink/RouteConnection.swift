// SPDX-License-Identifier: Apache-2.0
// Carries out what RouteAnnouncer decides: the route connection of one link, its timer, and the encoding of what it
// sends. Everything here is on loop 0, where the host tells of routes.

import PluginAPI
import PluginKit

final class RouteConnection: @unchecked Sendable {
    static let loop: UInt32 = 0
    /// What a packet of routes takes beside them, the topic and the node's name.
    private static let envelope = 128

    private let host: PluginHost
    private let link: CheckedLink
    private let identity: Identity
    private let status: LinkStatus
    private let inflater: Inflater
    private let routeTopic: [UInt8]
    private let responseTopic: [UInt8]
    private let actor: [UInt8]

    private var announcer: RouteAnnouncer
    private var connection: PeerConnection?
    private var timer: PluginTimer?
    private var timerDue: UInt64?
    private var writer = TermWriter()
    /// What was said since the link was last online.
    private var complaints: Set<String> = []
    /// How many routes the peer should know of.
    private var wanted = 0
    var announced: Int { wanted - leftOut }
    /// Routes that are too large for the peer.
    var leftOut: Int { announcer.leftOut.count }

    init(_ host: PluginHost, _ link: CheckedLink, _ identity: Identity, _ status: LinkStatus, _ inflater: Inflater) {
        self.host = host
        self.link = link
        self.identity = identity
        self.status = status
        self.inflater = inflater
        routeTopic = Array(LinkTopic.route(from: identity.clusterName).utf8)
        responseTopic = Array(LinkTopic.response(to: identity.clusterName, actor: identity.nodeName).utf8)
        actor = Array(identity.nodeName.utf8)
        let incarnations = identity.incarnations
        announcer = RouteAnnouncer(incarnation: identity.incarnation) { incarnations.next(after: $0) }
    }

    func start(_ services: LinkServices) {
        let connection = PeerConnection(
            host,
            PeerOptions(link: link, services: services, loop: Self.loop),
            clientID: "\(identity.clientBase(link)):routesync:\(identity.nodeHash)",
            user: self
        )
        self.connection = connection
        showState()
        connection.start()
    }

    func stop() {
        timer?.cancel()
        timer = nil
        connection?.stop()
    }

    // MARK: Local subscriptions

    func routeChanged(filter: Bytes, shareGroup: Bytes, isDelete: Bool) {
        // Links' own topics are nobody's business on the other side.
        guard connection != nil, !link.topics.isEmpty, !filter.hasPrefix(LinkTopic.reserved) else { return }
        let now = host.now
        forEachRoute(filter, shareGroup) { key in
            wanted += isDelete ? -1 : 1
            announcer.routeChanged(key, isDelete: isDelete, now: now)
        }
        arm(now)
    }

    private func forEachRoute(_ filter: Bytes, _ shareGroup: Bytes, _ body: (RouteKey) -> Void) {
        let parts = Narrowing.narrow(filter.array, to: link.topics)
        guard !parts.isEmpty else { return }
        let id = RouteKey.id(filter: filter, shareGroup: shareGroup)
        for part in parts { body(RouteKey(filter: part, id: id)) }
    }

    private final class Collector {
        let add: (Bytes, Bytes) -> Void
        init(_ add: @escaping (Bytes, Bytes) -> Void) { self.add = add }
    }

    private func currentRoutes() -> [RouteKey] {
        guard !link.topics.isEmpty else { return [] }
        var keys: [RouteKey] = []
        withoutActuallyEscaping(
            { (filter: Bytes, group: Bytes) in
                guard !filter.hasPrefix(LinkTopic.reserved) else { return }
                self.forEachRoute(filter, group) { keys.append($0) }
            },
            do: { add in
                let collector = Collector(add)
                _ = host.table.pointee.routes_each(
                    host.ctx,
                    { ud, filter, group in
                        guard let ud else { return }
                        Unmanaged<Collector>.fromOpaque(ud).takeUnretainedValue().add(filter.view, group.view)
                    },
                    Unmanaged.passUnretained(collector).toOpaque()
                )
            }
        )
        wanted = keys.count
        return keys
    }

    // MARK: Carrying out

    private func perform(_ actions: [RouteAnnouncer.Action], _ now: UInt64) {
        for action in actions {
            switch action {
            case .subscribeToResponses:
                let cookie = RouteAnnouncer.Cookie.subscribe.number
                connection?.subscribe(to: String(decoding: responseTopic, as: UTF8.self), cookie: cookie)
            case .actorInit(let correlation): sendActorInit(correlation)
            case .takeSnapshot: perform(announcer.snapshot(currentRoutes(), now: now), now)
            case .send(let batch, let cookie): sendBatch(batch, cookie)
            case .leftOut(let key, let count): complainAboutSize(key, count)
            case .heartbeat:
                actor.withView { writer.heartbeat(actor: $0, incarnation: announcer.incarnation) }
                publish(qos: 0, cookie: 0)
            case .reconnect(let delay, let reason): leave(reason, after: delay)
            case .refused(let reason):
                let sentence = explanation(of: String(decoding: reason, as: UTF8.self))
                leave(sentence, after: RouteAnnouncer.rejectedDelay)
            }
        }
        showState()
        arm(now)
    }

    private func leave(_ reason: String, after delay: UInt32) {
        complain(reason)
        announcer.lost()
        connection?.reconnect(after: delay)
    }

    private func sendActorInit(_ correlation: [UInt8]) {
        let target = Array(link.settings.name.utf8)
        actor.withView { actor in
            target.withView { writer.actorInit(actor: actor, incarnation: announcer.incarnation, target: $0) }
        }
        responseTopic.withView { topic in
            correlation.withView { correlation in
                publish(qos: 1, cookie: RouteAnnouncer.Cookie.actorInit.number) { message in
                    message.response_topic = topic.str
                    message.correlation = correlation.bytes
                    message.flags |= UInt32(ISTH_MSG_HAS_RESPONSE_TOPIC | ISTH_MSG_HAS_CORRELATION)
                }
            }
        }
    }

    private func sendBatch(_ batch: [OperationLog.Operation], _ cookie: UInt64) {
        actor.withView { actor in
            writer.beginRoutes(batch.count, actor: actor, incarnation: announcer.incarnation)
        }
        for operation in batch {
            operation.key.withParts { filter, id in
                writer.routeOperation(filter: filter, id: id, isDelete: operation.isDelete)
            }
        }
        writer.endRoutes(batch.count)
        publish(qos: 1, cookie: cookie)
        writer.shrink(to: 64 << 10)
    }

    /// A publish that the connection does not take at this moment is not lost: its answer fails to come, and the
    /// connection is made anew.
    private func publish(qos: UInt8, cookie: UInt64, _ edit: (inout isth_msg) -> Void = { _ in }) {
        routeTopic.withView { topic in
            var message = isth_msg(topic: topic.str, payload: writer.bytes.bytes, qos: qos)
            edit(&message)
            if connection?.publish(&message, cookie: cookie) == Int32(ISTH_E_ARG) {
                leave(
                    "the peer takes packets of \(connection?.limits.maximum_packet_size ?? 0) bytes only, too few for a link: "
                        + "raise mqtt.max_packet_size there",
                    after: RouteAnnouncer.rejectedDelay
                )
            }
        }
    }

    private func arm(_ now: UInt64) {
        let due = announcer.nextDeadline
        guard due != timerDue else { return }
        timer?.cancel()
        timer = nil
        timerDue = due
        guard let due else { return }
        let wait = UInt32(clamping: due > now ? due - now : 1)
        timer = host.timer(loop: Self.loop, first: max(wait, 1)) { [weak self] in self?.timerFired() }
    }

    private func timerFired() {
        timer = nil
        timerDue = nil
        let now = host.now
        perform(announcer.advance(now: now), now)
    }

    // MARK: What the operator sees

    private func showState() {
        if status.state != announcer.state.rawValue {
            status.state = announcer.state.rawValue
            if announcer.state == .online {
                complaints = []
                status.lastError = ""
                host.log(
                    .notice,
                    "links",
                    about: link.settings.name,
                    "Link \(link.settings.name): routes are online, \(announced) announced."
                )
            }
        }
    }

    /// Says a thing once, not each time it happens again.
    private func complain(_ sentence: String) {
        status.lastError = sentence
        if complaints.count > 100 { complaints = [] }
        guard complaints.insert(sentence).inserted else { return }
        host.log(.warning, "links", about: link.settings.name, "Link \(link.settings.name): \(sentence); trying again.")
    }

    private func complainAboutSize(_ key: RouteKey, _ count: Int) {
        let start = String(decoding: key.filter.prefix(100), as: UTF8.self)
        let others = count > 1 ? " and \(count - 1) others are" : " is"
        host.log(
            .warning,
            "routes that are too large for a peer",
            about: link.settings.name,
            "Link \(link.settings.name): the route for \(start), a filter of \(key.filter.count) bytes,\(others) left out: the peer "
                + "takes packets of \(connection?.limits.maximum_packet_size ?? 0) bytes. Raise mqtt.max_packet_size there, "
                + "or forbid such filters here (mqtt.max_topic_levels, acl.conf)."
        )
    }

    private func explanation(of reason: String) -> String {
        let own = identity.clusterName
        let name = link.settings.name
        let mend =
            switch reason {
            case "unknown_cluster":
                "it knows no cluster named \"\(own)\". Add a link of that name to its cluster.links, or correct "
                    + "cluster.name here"
            case "cluster_link_disabled":
                "its link to \"\(own)\" is disabled. Set enable = true in that link there"
            case "bad_remote_cluster_link_name":
                "the cluster behind \(link.settings.server) does not call itself \"\(name)\". "
                    + "Make its cluster.name and cluster.links[].name here the same"
            case "own_address":
                "\(link.settings.server) is this broker itself. Set server to an address of the cluster \"\(name)\""
            default: "see the log there"
            }
        return "\(name) refused the link with \(reason): \(mend)"
    }
}

extension RouteConnection: PeerConnectionUser {
    func connectionUp(_ connection: PeerConnection) {
        let now = host.now
        guard connection.limits.maximum_qos > 0 else {
            leave(
                "the peer takes messages of QoS 0 only, and routes need QoS 1: raise mqtt.max_qos_allowed there",
                after: RouteAnnouncer.rejectedDelay
            )
            return showState()
        }
        let room = Int(connection.limits.maximum_packet_size) - routeTopic.count - actor.count - Self.envelope
        perform(announcer.connected(now: now, batchBytes: max(room, 0)), now)
    }

    func connectionDown(_ connection: PeerConnection, _ text: String) {
        announcer.lost()
        complain(text)
        showState()
        arm(host.now)
    }

    func connection(_ connection: PeerConnection, received message: UnsafePointer<isth_msg>) {
        let name = link.settings.name
        do throws(TermError) {
            let map = try ControlMap(inflater.open(message.pointee.payload.view))
            guard map.operation == .actorInitAck else { return }
            let now = host.now
            let actions = announcer.answered(
                correlation: message.pointee.correlation.view,
                result: try map.result(),
                needBootstrap: try map.needBootstrap() ?? false,
                now: now
            )
            perform(actions, now)
        } catch {
            host.log(.warning, "links", about: name, "Link \(name): an answer of the peer could not be read: \(error).")
        }
    }

    func connection(_ connection: PeerConnection, acknowledged cookie: UInt64, reasonCode: UInt8) {
        let now = host.now
        perform(announcer.acknowledged(.init(cookie), reasonCode: reasonCode, now: now), now)
    }

    func connectionWritable(_ connection: PeerConnection) {}
}
