// SPDX-License-Identifier: Apache-2.0
// One element of `cluster.links` at work: its two directions and what they share. A disabled link only knows its name,
// so that the peer can be told.

import PluginAPI
import PluginKit
import Synchronization

final class Link: @unchecked Sendable {
    let name: String
    let isEnabled: Bool
    let status: LinkStatus
    let peerRoutes: PeerRoutes
    /// On loop 0; nil for a disabled link.
    let routes: RouteConnection?
    let forwarder: Forwarder?
    /// Our external destination towards the peer, for the origin of what it sends. Set once in `start`, before
    /// listeners are open.
    private(set) var destination: isth_id = 0

    private let host: PluginHost
    private let nameBytes: [UInt8]
    private let topics: [Filter]
    private let routesRefused = Atomic<Bool>(false)

    init(
        _ host: PluginHost,
        _ link: CheckedLink,
        _ identity: Identity,
        forwarderLoop: UInt32,
        maximumRoutes: Int,
        inflateLimit: Int
    ) {
        self.host = host
        name = link.settings.name
        isEnabled = link.settings.isEnabled
        nameBytes = Array(name.utf8)
        topics = link.topics
        status = LinkStatus(host, name: name)
        peerRoutes = PeerRoutes(host, linkName: name, maximumRoutes: maximumRoutes)
        guard isEnabled else {
            routes = nil
            forwarder = nil
            return
        }
        routes = RouteConnection(host, link, identity, status, Inflater(limit: inflateLimit))
        forwarder = Forwarder(host, link, identity, status, loop: forwarderLoop)
    }

    /// Whether messages of the peer are let in at all.
    var accepts: Bool { isEnabled && !topics.isEmpty }

    @inline(__always)
    func isNamed(_ cluster: Bytes) -> Bool { nameBytes.withView { $0 == cluster } }

    /// Whether the link's `topics` cover a message. A peer may be a moment behind, or not keep to what it was told.
    @inline(__always)
    func wants(_ topic: Bytes) -> Bool {
        for filter in topics where Narrowing.matches(filter, topic) { return true }
        return false
    }

    // MARK: Life, on loop 0

    func start(_ services: LinkServices) throws {
        status.connect(services.metrics)
        guard let routes, let forwarder else {
            status.state = "disabled"
            return
        }
        let opened = name.withStr { name in
            services.route.pointee.open(
                host.ctx,
                forwarder.loop,
                name,
                { ud, message in
                    guard let ud else { return }
                    Unmanaged<Forwarder>.fromOpaque(ud)._withUnsafeGuaranteedRef { $0.deliver(message) }
                },
                Unmanaged.passUnretained(forwarder).toOpaque(),
                &destination
            )
        }
        guard opened == ISTH_OK else {
            throw PluginError("Link \(name): the broker did not open a destination for it (\(opened)).")
        }
        peerRoutes.connect(.init(service: services.route, id: destination, loop: forwarder.loop))
        host.runOnLoop(forwarder.loop) { forwarder.start(services) }
        routes.start(services)
    }

    func stop(_ services: LinkServices) {
        routes?.stop()
        guard let forwarder, destination != 0 else { return }
        peerRoutes.connect(nil)
        let destination = destination
        host.runOnLoop(forwarder.loop) {
            _ = services.route.pointee.close(self.host.ctx, destination)
            forwarder.stop()
        }
    }

    /// Forgets silent nodes and refreshes the figures that nobody counts.
    func tick() {
        guard isEnabled else { return }
        peerRoutes.collect()
        status.set(.routesIn, peerRoutes.routeCount)
        status.set(.routesOut, routes?.announced ?? 0)
        status.set(.routesLeftOut, routes?.leftOut ?? 0)
    }

    // MARK: Complaints, on any loop

    func complainAboutMessage(_ error: TermError) {
        host.log(
            .warning,
            "messages of peers that cannot be read",
            about: name,
            "Link \(name): a message of the peer cannot be read and is dropped: \(error)."
        )
    }

    func complainAboutRoutes() {
        guard !routesRefused.exchange(true, ordering: .relaxed) else { return }
        host.log(
            .error,
            "Link \(name): the peer announces more routes than config.max_routes allows; the rest is refused. "
                + "Raise it, or narrow the topics of the peer's link."
        )
    }
}

/// What links use of the host; looked up in `ready`.
struct LinkServices: @unchecked Sendable {
    let route: UnsafePointer<isth_route_service>
    let client: UnsafePointer<isth_mqtt_service>
    let limits: UnsafePointer<isth_mqtt_limits_service>
    let metrics: UnsafePointer<isth_metrics_service>?

    init(_ host: PluginHost) throws {
        guard let route = host.service("route/1", as: isth_route_service.self),
            let client = host.service("mqtt_client/1", as: isth_mqtt_service.self),
            let limits = host.service("mqtt_limits/1", as: isth_mqtt_limits_service.self)
        else {
            throw PluginError(
                "This broker lacks route/1, mqtt_client/1 or mqtt_limits/1, which links need: use Isthmus \(host.version) or later."
            )
        }
        self.route = route
        self.client = client
        self.limits = limits
        metrics = host.service("metrics/1", as: isth_metrics_service.self)
    }
}
