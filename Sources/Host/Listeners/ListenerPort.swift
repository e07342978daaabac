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
    private var complaints = ComplaintLimit()

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
            complain("\(peer) is turned away: there are \(limit) connections already (max_connections)")
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
        tell("\(address) is turned away by access_rules")
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

    /// Something that a stranger can cause: a warning once in a while, else a matter of `info`.
    func complain(_ text: @autoclosure () -> String) {
        if let left = complaints.mayWarn(at: home.loop.nowMilliseconds) {
            let more = left > 0 ? " (\(left) more such lines since the last one were of level info)" : ""
            log(.warning, "listener \(plan.name): \(text())\(more)")
        } else {
            tell(text())
        }
    }

    func tell(_ text: @autoclosure () -> String) {
        if log.level <= .info { log(.info, "listener \(plan.name): \(text())") }
    }
}

/// One complaint in ten seconds is a warning.
struct ComplaintLimit {
    private var next: UInt64 = 0
    private var leftOut = 0

    /// How many were left out before this one; nil if this one is left out too.
    mutating func mayWarn(at now: UInt64) -> Int? {
        guard now >= next else {
            leftOut += 1
            return nil
        }
        defer { leftOut = 0 }
        next = now + 10_000
        return leftOut
    }
}
