// SPDX-License-Identifier: Apache-2.0
// Links this broker with other clusters that speak EMQX's cluster linking protocol. This file is the plugin's life and
// its hooks; what a link does begins in Link.swift.

import Glibc
import PluginAPI
import PluginKit

public final class ClusterLink: Plugin, @unchecked Sendable {
    public static let name: StaticString = "ClusterLink"
    public static let version: StaticString = "0.1.0"
    /// A broker without a link that its config asks for would seem to work: a mistake in a link stops the start.
    public static let flags: PluginFlags = .guards
    public static let settings = LinkSettingTable.settings

    public let host: PluginHost

    // Set in `start`, before any hook runs, and not changed afterwards.
    private var links: [Link] = []
    private var receiver: Receiver?
    private var startConfig: String?

    // Loop 0 only.
    private var services: LinkServices?
    private var timer: PluginTimer?

    public init(host: PluginHost) { self.host = host }

    // MARK: Life

    public func start(hooks: inout isth_hooks) throws {
        let clusterName = try host.configIfPresent(String.self, at: "cluster.name") ?? "emqxcl"
        let nodeName = try host.configIfPresent(String.self, at: "node.name") ?? "isthmus@127.0.0.1"
        for (path, name) in [("cluster.name", clusterName), ("node.name", nodeName)] {
            if let fault = LinkChecker.nameFault(name) { throw PluginError("\(host.origin(path)): \(path): \(fault).") }
        }
        startConfig = host.configJSON("cluster.links")
        let settings = try host.configIfPresent([LinkSettings].self, at: "cluster.links") ?? []
        let checked = try LinkChecker(host: host, clusterName: clusterName).check(settings)
        let isOpen = try host.configIfPresent(Bool.self, at: "config.open") ?? false
        let inflateLimit = try host.configIfPresent(Int.self, at: "config.max_uncompressed_size") ?? 16 << 20
        let maximumRoutes = try host.configIfPresent(Int.self, at: "config.max_routes") ?? 1_000_000

        let host = host
        let directory = try host.configIfPresent(String.self, at: "node.data_dir").flatMap {
            access($0, F_OK) == 0 ? $0 : nil
        }
        let incarnations = Incarnations(directory: directory) { host.log(.warning, "ClusterLink: \($0).") }
        let identity = Identity(clusterName: clusterName, nodeName: nodeName, incarnations: incarnations)
        let loopCount = max(host.loopCount, 1)
        links = checked.enumerated().map { index, link in
            Link(
                host,
                link,
                identity,
                forwarderLoop: UInt32(index + 1) % loopCount,
                maximumRoutes: maximumRoutes,
                inflateLimit: inflateLimit
            )
        }
        receiver = Receiver(host, identity, links: links, inflateLimit: inflateLimit)
        try host.filterPublishHook("$LINK/cluster/route/+")
        try host.filterPublishHook("$LINK/cluster/msg/+")
        fill(&hooks, isOpen: isOpen)
    }

    public func ready() throws {
        guard !links.isEmpty else { return }
        let services = try LinkServices(host)
        self.services = services
        for link in links { try link.start(services) }
        receiver?.startReports()
        let links = links
        timer = host.timer(loop: 0, first: 1_000, every: 1_000) { for link in links { link.tick() } }
    }

    /// Links keep their settings until the broker is started again.
    public func reload() throws {
        guard host.configJSON("cluster.links") != startConfig else { return }
        throw PluginError("cluster.links changed: restart the broker to use the new links; the old ones stay in force.")
    }

    public func drain() {
        timer?.cancel()
        timer = nil
        guard let services else { return }
        receiver?.stopReports()
        for link in links { link.stop(services) }
    }

    // MARK: Hooks

    private func fill(_ hooks: inout isth_hooks, isOpen: Bool) {
        hooks.message_publish = { me, client, message, edit in
            ClusterLink.with(me) { $0.receiver?.published(client, message, edit) ?? isth_result(ISTH_DENY) }
        }
        hooks.client_closed = { _, client, _, _ in ConnectedActor.release(client) }
        if isOpen {
            hooks.client_authorize = { _, _, _, _, topic, _, _ in
                isth_result(topic.view.hasPrefix(LinkTopic.reserved) ? ISTH_ALLOW_NAMED : ISTH_NEXT)
            }
        }
        hooks.route_added = { me, filter, group in
            ClusterLink.with(me) { $0.routeChanged(filter, group, isDelete: false) }
        }
        hooks.route_removed = { me, filter, group in
            ClusterLink.with(me) { $0.routeChanged(filter, group, isDelete: true) }
        }
    }

    private func routeChanged(_ filter: isth_str, _ group: isth_str, isDelete: Bool) {
        for link in links {
            link.routes?.routeChanged(filter: filter.view, shareGroup: group.view, isDelete: isDelete)
        }
    }
}
