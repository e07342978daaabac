// SPDX-License-Identifier: Apache-2.0
// What waits for the turn's end. Plugins ask for what could end a connection, a session or a destination inside any hook,
// while the broker is in the middle of something with that very one; and what they are told of routes makes them
// subscribe and unsubscribe, while the broker is in the middle of changing its index.

import MQTT

enum PluginRequest {
    case kick(clientIdentifier: [UInt8], ReasonCode, dropsSession: Bool, plugin: String)
    /// The answer to a ticket that the connection waits for.
    case resume(ConnectionIdentifier, ticket: UInt64, HookAnswer)
    case forgetDestination(Int32)
    case tellRoute(isAdded: Bool, filter: [UInt8], group: [UInt8])
}

extension Broker {
    /// Closes the client's connection at the end of the turn. It follows a client that moves to another loop, so it is
    /// asked for on one loop only: the one that has the client, or had it a moment ago. Returns whether there is such a
    /// client.
    public func kick(
        _ clientIdentifier: ByteView,
        _ reason: UInt8,
        dropSession: Bool,
        by plugin: String = "a plugin"
    ) -> Bool {
        let name = Array(clientIdentifier.buffer)
        guard session(named: clientIdentifier) >= 0 || registry.owner(name) != nil else { return false }
        let reason = ReasonCode(rawValue: reason)
        requests.append(.kick(clientIdentifier: name, reason, dropsSession: dropSession, plugin: plugin))
        return true
    }

    /// Does what was asked for, and what hooks ask for meanwhile.
    func carryOutRequests() {
        var i = 0
        while i < requests.count {
            switch requests[i] {
            case .kick(let name, let reason, let dropsSession, let plugin):
                kickNow(name, reason, dropsSession: dropsSession, plugin)
            case .resume(let identifier, let ticket, let answer): resume(identifier, ticket, answer)
            case .forgetDestination(let index): destinations.remove(index)
            case .tellRoute(let isAdded, let filter, let group): tellRoute(isAdded: isAdded, filter, group)
            }
            i += 1
        }
        requests.removeAll(keepingCapacity: true)
    }

    private func kickNow(_ name: [UInt8], _ reason: ReasonCode, dropsSession: Bool, _ plugin: String) {
        if let last = joining[name]?.indices.last, let waiting = joining[name]?[last], waiting.successor == nil {
            // The session is elsewhere still, or in two places: it ends when it is here.
            if dropsSession { joining[name]?[last].endsSession = true }
            if let connection = self.connection(waiting.connection) { kickNow(connection, reason, plugin) }
            return
        }
        let slot = name.withUnsafeBytes { session(named: ByteView($0)) }
        guard slot >= 0, !sessions[slot].pointee.isMoving else {
            // Who claims a client waits for its session from then on.
            guard let owner = registry.owner(name), owner != loop else { return }
            outboxes[owner].append(
                .kick(clientIdentifier: name, reason, dropsSession: dropsSession, plugin: plugin)
            )
            return
        }
        if let connection = sessions[slot].pointee.connection {
            if dropsSession { connection.pointee.sessionExpiryInterval = 0 }
            kickNow(connection, reason, plugin)
        } else if dropsSession {
            terminate(slot, reason)
        }
    }

    private func kickNow(_ connection: ConnectionPointer, _ reason: ReasonCode, _ plugin: String) {
        tell(.notice, .kicked, connection, "\(plugin) disconnects it, reason code \(reason.hexadecimal)")
        close(connection, reason)
    }
}
