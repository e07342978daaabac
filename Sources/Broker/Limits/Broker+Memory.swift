// SPDX-License-Identifier: Apache-2.0
// What a broker does when memory is short: first it takes nothing new that lasts, then it gives up what takes most. How
// short memory is, is measured elsewhere, for the whole process.

import MQTT

/// Against `node.max_memory`.
public enum MemoryPressure: UInt8, Sendable, Comparable {
    case none
    /// New sessions, large messages, and what would wait or be retained anew, are refused.
    case high
    /// Queues do not grow either, and the largest takers are given up.
    case severe

    public static func < (a: MemoryPressure, b: MemoryPressure) -> Bool { a.rawValue < b.rawValue }
}

extension Broker {
    public func adopt(_ pressure: MemoryPressure) { memoryPressure = pressure }

    /// Whether a publish of so many bytes has to be refused. Smaller ones are let through: they go on to those who
    /// read, and what is kept of them has bounds of its own.
    @inline(__always)
    func isTooLargeForMemory(_ payload: Int) -> Bool {
        memoryPressure != .none && payload >= Output.referenceBorder
    }

    @inline(never)
    func refusedForMemory(_ connection: ConnectionPointer, _ what: StaticString) {
        counters.memoryRefused &+= 1
        complain(of: .memory, "\(describe(connection)): \(what) is refused, as memory is short (node.max_memory)")
    }

    /// Whether the client may join; if not, it is refused. A client that has a session already goes on with it.
    func mayHaveSession(_ connection: ConnectionPointer) -> Bool {
        let count = registry.sessions.load(ordering: .relaxed)
        guard memoryPressure != .none || count >= settings.maximumSessions, !hasSession(connection) else { return true }
        if count >= settings.maximumSessions {
            counters.sessionsRefused &+= 1
            complain(
                of: .sessions,
                "\(describe(connection)): refused, as there are \(count) sessions already (mqtt.max_sessions)"
            )
            refuse(connection, .quotaExceeded, "there are too many sessions")
        } else {
            refusedForMemory(connection, "a new session")
            refuse(connection, .quotaExceeded, "the broker is short of memory")
        }
        return false
    }

    private func hasSession(_ connection: ConnectionPointer) -> Bool {
        let name = connection.pointee.clientIdentifier.view
        guard loopCount > 1 else { return session(named: name) >= 0 }
        let key = Array(name.buffer)
        return registry.with(key) { $0.owners[key] != nil }
    }

    // MARK: Giving up

    /// Bytes that this loop could give up at all.
    public var sheddableBytes: Int { queuedBytes.pointee.total + outputBytes }

    /// Gives up about so many bytes, those of the largest takers first: clients that do not read are closed, and queues
    /// are emptied. Returns how many bytes that were.
    public func shed(_ wanted: Int) -> Int {
        var takers: [Taker] = []
        for slot in liveConnections.indices where liveConnections[slot] != 0 {
            let connection = connections[Int32(slot)]
            let bytes = connection.pointee.countedOutput
            if bytes > 0, connection.isOpen {
                takers.append(Taker(bytes: bytes, slot: Int32(slot), isConnection: true))
            }
        }
        for slot in liveSessions.indices where liveSessions[slot] != 0 {
            let session = sessions[Int32(slot)]
            let bytes = session.pointee.queue.bytes
            if bytes > 0, !session.pointee.isMoving {
                takers.append(Taker(bytes: bytes, slot: Int32(slot), isConnection: false))
            }
        }
        takers.sort { $0.bytes > $1.bytes }
        let before = sheddableBytes
        for taker in takers {
            if before - sheddableBytes >= wanted { break }
            if taker.isConnection { giveUpConnection(taker) } else { giveUpQueue(taker) }
        }
        return before - sheddableBytes
    }

    private struct Taker {
        var bytes: Int
        var slot: Int32
        var isConnection: Bool
    }

    private func giveUpConnection(_ taker: Taker) {
        let connection = connections[taker.slot]
        guard connection.isOpen else { return }
        counters.memoryShed &+= 1
        complain(
            of: .memoryShed,
            source: connection.pointee.identifier.rawValue,
            """
            \(describe(connection)): closed, as memory is short and \(taker.bytes) bytes wait for it to read \
            (node.max_memory)
            """
        )
        // What it did not read is not offered to it again.
        connection.pointee.output.discard()
        countOutput(connection)
        close(connection, .quotaExceeded)
    }

    private func giveUpQueue(_ taker: Taker) {
        let session = sessions[taker.slot]
        // A connection given up before may have taken its session along.
        guard liveSessions[Int(taker.slot)] != 0, !session.pointee.queue.isEmpty else { return }
        counters.memoryShed &+= 1
        let count = session.pointee.queue.count
        while let item = session.pointee.queue.popFirst() {
            messageDropped(item.message, session.pointee.connection, .quotaExceeded)
            item.message.release()
        }
        releaseHeld(session)
        complain(
            of: .memoryShed,
            source: UInt64(session.pointee.generation),
            """
            \(session.pointee.clientIdentifier.view.string.clipped(to: 100)): \(count) messages of \(taker.bytes) bytes that wait for it \
            are dropped, as memory is short (node.max_memory)
            """
        )
    }
}
