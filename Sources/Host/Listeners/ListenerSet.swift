// SPDX-License-Identifier: Apache-2.0
// The listeners of the configuration, each open on every loop (SO_REUSEPORT), so that no connection changes threads. A
// Unix socket is open on one loop, which shares out what it accepts. [MQTT-4.2-1]

import Broker
import Config
import Reactor

/// On loop 0's thread.
final class ListenerSet {
    private struct Open {
        let plan: ListenerPlan
        let certificates: TLSContext?
        let ports: [ListenerPort]
        var sockets: [(home: BrokerLoop, listener: Listener)] = []
    }

    private let log: Log
    private var listeners: [Open] = []
    /// "tcp:default 127.0.0.1:1883"
    private(set) var descriptions: [String] = []

    init(log: Log) { self.log = log }

    /// Whether a certificate alone may admit a client.
    var asksForCertificates: Bool { listeners.contains { $0.plan.tls?.settings.requirePeerCertificate == true } }

    /// Opens a listener on every loop. On the main thread, while no other loop runs.
    func open(_ plan: ListenerPlan, on loops: [BrokerLoop]) throws(StartError) {
        let certificates = try plan.tls?.context()
        let count = ListenerCount()
        let ports = loops.map { home in
            ListenerPort(plan: plan, home: home, certificates: certificates, count: count, log: log)
        }
        if let certificates { CertificateWarnings.tell(certificates, plan, log) }
        var open = Open(plan: plan, certificates: certificates, ports: ports)
        do throws(ReactorError) {
            if case .unix = plan.endpoint {
                open.sockets.append(try Self.openShared(plan, ports, log))
            } else {
                open.sockets = try Self.openEach(plan, ports, log)
            }
        } catch {
            for (_, listener) in open.sockets { listener.close() }
            throw StartError("listener \(plan.name): \(error)")
        }
        listeners.append(open)
        let endpoint = open.sockets.first.map { Self.described($0.listener) } ?? "\(plan.endpoint)"
        descriptions.append("\(plan.name) \(endpoint)\(plan.note)")
    }

    /// Takes over what running listeners can of the configuration, and reads their certificates again; what is broken
    /// leaves the listener as it was, and its name is in the answer. Which listeners there are, and where, is a matter of a
    /// restart.
    func reload(_ config: Value) -> [String] {
        let plans: [ListenerPlan]
        do throws(StartError) {
            plans = try ListenerPlan.all(config)
        } catch {
            for line in error.lines { log(.error, line) }
            log(.error, "all listeners keep their old settings")
            return ["the listeners"]
        }
        var unchanged: [String] = []
        for open in listeners {
            guard let plan = plans.first(where: { $0.name == open.plan.name }) else { continue }
            if let options = plan.tls, let certificates = open.certificates {
                do throws(ReactorError) {
                    try certificates.reload(options.settings)
                } catch {
                    for line in options.error(error).lines { log(.error, line) }
                    log(.error, "listener \(plan.name) keeps its old certificates and settings")
                    unchanged.append("listener \(plan.name)")
                    continue
                }
                CertificateWarnings.tell(certificates, plan, log)
            }
            for port in open.ports { port.home.loop.post { port.renew(plan) } }
        }
        return unchanged
    }

    private static func openEach(
        _ plan: ListenerPlan,
        _ ports: [ListenerPort],
        _ log: Log
    ) throws(ReactorError) -> [(home: BrokerLoop, listener: Listener)] {
        var options = plan.socketOptions
        options.reusePort = ports.count > 1
        var endpoint = plan.endpoint
        if options.reusePort, case .tcp(let host, let port) = endpoint {
            try Listener.checkVacancy(host: host, port: port)
        }
        var sockets: [(home: BrokerLoop, listener: Listener)] = []
        for port in ports {
            do throws(ReactorError) {
                let listener = try Listener(
                    loop: port.home.loop,
                    endpoint: endpoint,
                    options: options,
                    failed: { tellFailure($0, plan, log) },
                    accepted: { fd, peer in port.accept(fd, peer) }
                )
                sockets.append((port.home, listener))
                // A port of 0 is chosen once, for all loops.
                if case .tcp(let host, 0) = endpoint { endpoint = .tcp(host: host, port: listener.port) }
            } catch {
                for (_, listener) in sockets { listener.close() }
                throw error
            }
        }
        return sockets
    }

    private static func tellFailure(_ sentence: String, _ plan: ListenerPlan, _ log: Log) {
        log.repeated(.error, LogKind("listeners that cannot accept"), plan.name) {
            "listener \(plan.name): \(sentence)"
        }
    }

    private static func openShared(
        _ plan: ListenerPlan,
        _ ports: [ListenerPort],
        _ log: Log
    ) throws(ReactorError) -> (home: BrokerLoop, listener: Listener) {
        var next = 0
        let listener = try Listener(
            loop: ports[0].home.loop,
            endpoint: plan.endpoint,
            options: plan.socketOptions,
            failed: { tellFailure($0, plan, log) },
            accepted: { fd, peer in
                let port = ports[next % ports.count]
                next &+= 1
                if port.home.loop.isCurrent {
                    port.accept(fd, peer)
                } else {
                    port.home.loop.post { port.accept(fd, peer) }
                }
            }
        )
        return (ports[0].home, listener)
    }

    private static func described(_ listener: Listener) -> String {
        if case .tcp(let host, _) = listener.endpoint { return "\(Endpoint.tcp(host: host, port: listener.port))" }
        return "\(listener.endpoint)"
    }

    /// On each listener's own loop: no new connections.
    func close() {
        for open in listeners {
            for (home, listener) in open.sockets { home.loop.post { listener.close() } }
        }
    }
}
