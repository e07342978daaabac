// SPDX-License-Identifier: Apache-2.0
// A listener as one loop has it: takes sockets in and counts them. Its clients refer to it for what they have in
// common.

import Broker
import Glibc
import Reactor
import Synchronization

/// Connections of a listener on all loops.
final class ListenerCount: Sendable {
    let value = Atomic<Int>(0)
}

/// Confined to the thread of `home`.
final class ListenerPort: @unchecked Sendable {
    private(set) var plan: ListenerPlan
    let home: BrokerLoop
    /// Of a TLS listener; shared by all loops.
    let certificates: TLSContext?
    private let count: ListenerCount
    private let log: Log

    init(plan: ListenerPlan, home: BrokerLoop, certificates: TLSContext?, count: ListenerCount, log: Log) {
        self.plan = plan
        self.home = home
        self.certificates = certificates
        self.count = count
        self.log = log
    }

    /// Takes over the socket.
    func accept(_ fd: Int32, _ peer: SocketAddress) {
        let open = count.value.add(1, ordering: .relaxed).newValue
        if let limit = plan.common.maximumConnections, open > limit {
            count.value.subtract(1, ordering: .relaxed)
            complain(peer, "\(peer) is turned away: there are \(limit) connections already (max_connections)")
            close(fd)
            return
        }
        guard plan.limits.proxyTimeout != nil || admits(peer) else {
            left()
            close(fd)
            return
        }
        Client(fd: fd, peer: peer, port: self).begin()
    }

    /// Whether the rules let the client's own address in.
    func admits(_ address: SocketAddress) -> Bool {
        if plan.limits.access.allow(address) { return true }
        complain(address, "\(address) is turned away by access_rules")
        return false
    }

    /// Takes over what a running listener can of a changed plan, for the connections from now on.
    func renew(_ plan: ListenerPlan) {
        self.plan.common = plan.common
        self.plan.tcp = plan.tcp
        self.plan.limits = plan.limits
        self.plan.tls = plan.tls
        self.plan.names = plan.names
    }

    /// A client's connection has ended.
    func left() { count.value.subtract(1, ordering: .relaxed) }

    /// Something that a stranger can cause.
    func complain(_ peer: SocketAddress, _ text: @autoclosure () -> String) {
        tell(.warning, .turnedAway, peer, text())
    }

    func tell(_ peer: SocketAddress, _ text: @autoclosure () -> String) { tell(.info, .endedEarly, peer, text()) }

    private func tell(_ level: LogLevel, _ kind: LogKind, _ peer: SocketAddress, _ text: @autoclosure () -> String) {
        log.repeated(level, kind, peer.host) { "listener \(plan.name): \(text())" }
    }
}

extension LogKind {
    fileprivate static let turnedAway = LogKind("connections that listeners turn away")
    fileprivate static let endedEarly = LogKind("connections that end before MQTT", isRoutine: true)
}
