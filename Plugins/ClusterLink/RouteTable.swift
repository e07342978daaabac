// SPDX-License-Identifier: Apache-2.0
// What one peer cluster wants to receive: its actors (the nodes that told us) and their routes. An actor that is silent
// for its time to live loses its routes. Pure state; time is passed in, and each change says which filters the peer
// now wants first or no longer wants at all.

package struct RouteTable {
    /// Three missed heartbeats of ten seconds.
    package static let timeToLive: UInt64 = 30_000
    /// Actors share the bits of one word. Two for each node of a peer cluster is the most that is seen.
    package static let maximumActors = 64

    package enum Refusal: Error, Equatable {
        /// The actor is known with a later incarnation, or was collected, or another connection took over.
        case staleIncarnation
        case unknownActor
        case tooManyActors
        case tooManyRoutes
    }

    package enum Change: Equatable {
        case added(Filter)
        case removed(Filter)
    }

    private struct Actor {
        var incarnation: UInt64
        var expires: UInt64
        let lane: UInt64
    }

    private var actors: [Filter: Actor] = [:]
    private var routes: [RouteKey: UInt64] = [:]
    /// How many route identifiers hold a filter.
    private var filters: [Filter: Int] = [:]
    private let maximumRoutes: Int

    package init(maximumRoutes: Int = .max) { self.maximumRoutes = maximumRoutes }

    package var routeCount: Int { routes.count }
    package var actorCount: Int { actors.count }
    package var allFilters: [Filter] { Array(filters.keys) }

    // MARK: Actors

    /// True if the peer must send all its routes, because we hold none of this incarnation.
    package mutating func initialise(
        _ name: Filter,
        incarnation: UInt64,
        now: UInt64,
        changes: inout [Change]
    ) throws(Refusal) -> Bool {
        let expires = now + Self.timeToLive
        guard let known = actors[name] else {
            guard actors.count < Self.maximumActors else { throw .tooManyActors }
            let used = actors.values.reduce(0) { $0 | $1.lane }
            actors[name] = Actor(incarnation: incarnation, expires: expires, lane: ~used & (used &+ 1))
            return true
        }
        guard known.incarnation <= incarnation else { throw .staleIncarnation }
        actors[name] = Actor(incarnation: incarnation, expires: expires, lane: known.lane)
        guard known.incarnation < incarnation else { return false }
        removeRoutes(of: known.lane, changes: &changes)
        return true
    }

    /// Any sign of life counts, also a route operation: a peer that sends a long list of routes may be too busy for
    /// heartbeats.
    package mutating func refresh(_ name: Filter, incarnation: UInt64, now: UInt64) throws(Refusal) {
        _ = try lane(of: name, incarnation)
        actors[name]?.expires = now + Self.timeToLive
    }

    /// Forgets the actors that were silent for too long; says how many.
    package mutating func collect(now: UInt64, changes: inout [Change]) -> Int {
        let expired = actors.filter { $0.value.expires <= now }
        for (name, actor) in expired {
            actors[name] = nil
            removeRoutes(of: actor.lane, changes: &changes)
        }
        return expired.count
    }

    // MARK: Routes

    package mutating func apply(
        _ key: RouteKey,
        isDelete: Bool,
        actor name: Filter,
        incarnation: UInt64,
        changes: inout [Change]
    ) throws(Refusal) {
        let lane = try lane(of: name, incarnation)
        if isDelete {
            guard let lanes = routes[key], lanes & lane != 0 else { return }
            remove(lane, of: lanes, from: key, &changes)
            return
        }
        guard let lanes = routes[key] else {
            guard routes.count < maximumRoutes else { throw .tooManyRoutes }
            routes[key] = lane
            let filter = key.filter
            let holders = filters[filter, default: 0]
            filters[filter] = holders + 1
            if holders == 0 { changes.append(.added(filter)) }
            return
        }
        routes[key] = lanes | lane
    }

    private func lane(of name: Filter, _ incarnation: UInt64) throws(Refusal) -> UInt64 {
        guard let actor = actors[name] else { throw .unknownActor }
        guard actor.incarnation == incarnation else { throw .staleIncarnation }
        return actor.lane
    }

    private mutating func removeRoutes(of lane: UInt64, changes: inout [Change]) {
        for (key, lanes) in routes where lanes & lane != 0 { remove(lane, of: lanes, from: key, &changes) }
    }

    private mutating func remove(_ lane: UInt64, of lanes: UInt64, from key: RouteKey, _ changes: inout [Change]) {
        guard lanes == lane else {
            routes[key] = lanes & ~lane
            return
        }
        routes[key] = nil
        let filter = key.filter
        let holders = filters[filter, default: 1] - 1
        filters[filter] = holders > 0 ? holders : nil
        if holders == 0 { changes.append(.removed(filter)) }
    }
}
