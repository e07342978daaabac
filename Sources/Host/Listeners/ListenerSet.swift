// SPDX-License-Identifier: Apache-2.0
// The listeners of the configuration, each open on every loop (SO_REUSEPORT), so that no connection changes threads.

import Config
import Reactor
import Synchronization

/// One listener as configured.
struct ListenerPlan: Sendable {
    /// `tcp:default`
    let name: String
    let endpoint: Endpoint
    let backlog: Int32
    /// `nil` = no limit.
    let maximumConnections: Int?

    /// All enabled listeners. Without `listeners.tcp.default` there is one on this machine's loopback.
    static func all(_ config: Value) throws(StartError) -> [ListenerPlan] {
        var plans: [ListenerPlan] = []
        let listeners = config.object(at: "listeners.tcp")
        if listeners?["default"] == nil {
            plans.append(
                ListenerPlan(
                    name: "tcp:default",
                    endpoint: .tcp(host: "127.0.0.1", port: 1883),
                    backlog: 1024,
                    maximumConnections: nil
                )
            )
        }
        for field in listeners?.fields ?? [] where field.value.bool(at: "enable") != false {
            guard let bind = field.value.lookup("bind"), let endpoint = Endpoint(bind: bind) else {
                let origin = field.value.lookup("bind")?.origin ?? field.value.origin
                throw StartError(
                    """
                    \(origin): listeners.tcp.\(field.key).bind is not an address; write a port such as 1883, \
                    "127.0.0.1:1883" or "[::1]:1883"
                    """
                )
            }
            plans.append(
                ListenerPlan(
                    name: "tcp:\(field.key)",
                    endpoint: endpoint,
                    backlog: Int32(clamping: field.value.int(at: "tcp_options.backlog") ?? 1024),
                    maximumConnections: field.value.int(at: "max_connections")
                )
            )
        }
        return plans
    }
}

final class ListenerSet {
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }

    private let log: Log
    private var listeners: [(home: BrokerLoop, listener: Listener)] = []
    /// "tcp:default 127.0.0.1:1883"
    private(set) var descriptions: [String] = []

    init(log: Log) { self.log = log }

    /// Opens a listener on every loop. On the main thread, while no other loop runs.
    func open(_ plan: ListenerPlan, on loops: [BrokerLoop]) throws(StartError) {
        let count = Count()
        var endpoint = plan.endpoint
        var options = ListenerOptions()
        options.backlog = plan.backlog
        options.reusePort = loops.count > 1
        if options.reusePort { try Self.checkVacancy(plan) }
        for home in loops {
            let log = log
            do throws(ReactorError) {
                let listener = try Listener(
                    loop: home.loop,
                    endpoint: endpoint,
                    options: options,
                    failed: { log(.error, "listener \(plan.name): \($0)") },
                    accepted: { fd, peer in Self.accept(fd, peer, plan, count, home, log) }
                )
                listeners.append((home, listener))
                // A port of 0 is chosen once, for all loops.
                if case .tcp(let host, 0) = endpoint { endpoint = .tcp(host: host, port: listener.port) }
            } catch {
                throw StartError("listener \(plan.name): \(error)")
            }
        }
        descriptions.append("\(plan.name) \(endpoint)")
    }

    private static func checkVacancy(_ plan: ListenerPlan) throws(StartError) {
        guard case .tcp(let host, let port) = plan.endpoint else { return }
        do throws(ReactorError) {
            try Listener.checkVacancy(host: host, port: port)
        } catch {
            throw StartError("listener \(plan.name): \(error)")
        }
    }

    private static func accept(
        _ fd: Int32,
        _ peer: SocketAddress,
        _ plan: ListenerPlan,
        _ count: Count,
        _ home: BrokerLoop,
        _ log: Log
    ) {
        let open = count.value.add(1, ordering: .relaxed).newValue
        let client = Client(fd: fd, home: home, peer: peer, listener: plan.name) {
            count.value.subtract(1, ordering: .relaxed)
        }
        if let limit = plan.maximumConnections, open > limit {
            log(
                .warning,
                "listener \(plan.name): \(peer) is turned away: there are \(limit) connections already (max_connections)"
            )
            client.closeNow()
        }
    }

    /// On each listener's own loop: no new connections.
    func close() {
        for (home, listener) in listeners {
            home.loop.post { listener.close() }
        }
    }
}
