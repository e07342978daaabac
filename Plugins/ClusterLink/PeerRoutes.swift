// SPDX-License-Identifier: Apache-2.0
// A peer's RouteTable where several loops meet: control maps arrive on the loop of the peer's connection and must be
// judged before they are answered, so the table stands behind a lock (control traffic only, never messages). What
// changes for our subscription index is queued in the same order and carried out on the forwarder's loop.

import PluginAPI
import PluginKit
import Synchronization

final class PeerRoutes: Sendable {
    struct Destination: @unchecked Sendable {
        let service: UnsafePointer<isth_route_service>
        let id: isth_id
        let loop: UInt32
    }

    private struct State {
        var table: RouteTable
        var changes: [RouteTable.Change] = []
        var isScheduled = false
        var destination: Destination?
    }

    private let host: PluginHost
    private let linkName: String
    private let state: Mutex<State>

    init(_ host: PluginHost, linkName: String, maximumRoutes: Int) {
        self.host = host
        self.linkName = linkName
        state = Mutex(State(table: RouteTable(maximumRoutes: maximumRoutes)))
    }

    /// In `ready`, before any peer can be connected; nil when the broker stops.
    func connect(_ destination: Destination?) { state.withLock { $0.destination = destination } }

    var destinationID: isth_id { state.withLock { $0.destination?.id ?? 0 } }
    var routeCount: Int { state.withLock { $0.table.routeCount } }

    // MARK: Changes, on any loop

    func initialise(_ actor: Filter, incarnation: UInt64) throws(RouteTable.Refusal) -> Bool {
        let now = host.now
        return try change { table, changes throws(RouteTable.Refusal) in
            try table.initialise(actor, incarnation: incarnation, now: now, changes: &changes)
        }
    }

    func refresh(_ actor: Filter, incarnation: UInt64) throws(RouteTable.Refusal) {
        let now = host.now
        try change { table, _ throws(RouteTable.Refusal) in
            try table.refresh(actor, incarnation: incarnation, now: now)
        }
    }

    enum BatchError: Error {
        case malformed(TermError)
        case refused(RouteTable.Refusal)
    }

    /// Applies a batch in its order. Filters that no MQTT client could have asked for are passed over; says how many.
    func apply(_ operations: RouteOperations, actor: Filter, incarnation: UInt64) throws(BatchError) -> Int {
        let now = host.now
        return try change { table, changes throws(BatchError) in
            do throws(RouteTable.Refusal) {
                try table.refresh(actor, incarnation: incarnation, now: now)
            } catch {
                throw .refused(error)
            }
            var operations = operations
            var ignored = 0
            while let operation = try Self.next(&operations) {
                guard Text.isTopicFilter(operation.filter), !operation.filter.hasPrefix(LinkTopic.reserved) else {
                    ignored += 1
                    continue
                }
                let key = RouteKey(filter: operation.filter, id: operation.id)
                do throws(RouteTable.Refusal) {
                    try table.apply(
                        key,
                        isDelete: operation.isDelete,
                        actor: actor,
                        incarnation: incarnation,
                        changes: &changes
                    )
                } catch {
                    throw .refused(error)
                }
            }
            return ignored
        }
    }

    private static func next(_ operations: inout RouteOperations) throws(BatchError) -> RouteOperation? {
        do throws(TermError) { return try operations.next() } catch { throw .malformed(error) }
    }

    /// Forgets silent actors.
    func collect() {
        let now = host.now
        let count = change { table, changes in table.collect(now: now, changes: &changes) }
        if count > 0 {
            host.log(
                .notice,
                "nodes of peers that are silent",
                about: linkName,
                "Link \(linkName): \(count) silent nodes of the peer and their routes are forgotten."
            )
        }
    }

    private func change<Result, Failure: Error>(
        _ body: (inout RouteTable, inout [RouteTable.Change]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { schedule() }
        return try state.withLock { (state) throws(Failure) in try body(&state.table, &state.changes) }
    }

    // MARK: The host's index, on the forwarder's loop

    private func schedule() {
        let destination = state.withLock { state -> Destination? in
            guard !state.changes.isEmpty, !state.isScheduled else { return nil }
            state.isScheduled = state.destination != nil
            return state.destination
        }
        guard let destination else { return }
        if !host.runOnLoop(destination.loop, { self.carryOut() }) { state.withLock { $0.isScheduled = false } }
    }

    private func carryOut() {
        let (changes, destination) = state.withLock { state in
            state.isScheduled = false
            defer { state.changes = [] }
            return (state.changes, state.destination)
        }
        guard let destination else { return }
        for change in changes {
            switch change {
            case .added(let filter): carryOut(filter, destination, destination.service.pointee.add)
            case .removed(let filter): carryOut(filter, destination, destination.service.pointee.remove)
            }
        }
    }

    private func carryOut(
        _ filter: Filter,
        _ destination: Destination,
        _ function: (OpaquePointer, isth_id, isth_str) -> Int32
    ) {
        let result = filter.withView { function(host.ctx, destination.id, $0.str) }
        guard result != ISTH_OK else { return }
        let text = filter.withView { $0.clipped }
        host.log(
            .warning,
            "routes that are ignored",
            about: linkName,
            "Link \(linkName): the broker did not take the peer's route \"\(text)\" (\(result))."
        )
    }
}
