import ClusterLinkBody
import LinkTestSupport
// SPDX-License-Identifier: Apache-2.0
import TestRandom
import Testing

@Suite("Route table")
struct RouteTableTests {
    private typealias Refusal = RouteTable.Refusal
    private let n1 = Filter("n1")
    private let n2 = Filter("n2")

    private func key(_ filter: String, _ id: String? = nil) -> RouteKey {
        RouteKey(filter: Filter(filter), id: Filter(id ?? filter))
    }

    /// A table with the changes it reported, applied to a set: what the host's index would hold.
    private struct Watched {
        var table = RouteTable()
        var index: Set<Filter> = []
        var isConsistent = true

        mutating func settle(_ changes: [RouteTable.Change]) {
            for change in changes {
                switch change {
                case .added(let filter): if !index.insert(filter).inserted { isConsistent = false }
                case .removed(let filter): if index.remove(filter) == nil { isConsistent = false }
                }
            }
            if index != Set(table.allFilters) { isConsistent = false }
        }

        mutating func initialise(_ name: Filter, _ incarnation: UInt64, now: UInt64 = 0) throws(Refusal) -> Bool {
            var changes: [RouteTable.Change] = []
            defer { settle(changes) }
            return try table.initialise(name, incarnation: incarnation, now: now, changes: &changes)
        }

        mutating func apply(_ key: RouteKey, _ isDelete: Bool, _ name: Filter, _ incarnation: UInt64) throws(Refusal) {
            var changes: [RouteTable.Change] = []
            defer { settle(changes) }
            try table.apply(key, isDelete: isDelete, actor: name, incarnation: incarnation, changes: &changes)
        }

        mutating func collect(now: UInt64) -> Int {
            var changes: [RouteTable.Change] = []
            defer { settle(changes) }
            return table.collect(now: now, changes: &changes)
        }
    }

    @Test("Adds and deletes may be repeated; a filter stays until its last identifier and actor are gone")
    func idempotent() throws {
        var watched = Watched()
        #expect(try watched.initialise(n1, 1))
        #expect(try watched.initialise(n2, 1))
        for _ in 0..<2 { try watched.apply(key("t/#"), false, n1, 1) }
        try watched.apply(key("t/#"), false, n2, 1)
        try watched.apply(key("t/#", "$s/g/t/#"), false, n2, 1)
        #expect(watched.index == [Filter("t/#")] && watched.table.routeCount == 2)
        for _ in 0..<2 { try watched.apply(key("t/#"), true, n1, 1) }
        #expect(watched.index.count == 1)
        try watched.apply(key("t/#"), true, n2, 1)
        #expect(watched.index.count == 1)
        try watched.apply(key("t/#", "$s/g/t/#"), true, n1, 1)
        #expect(watched.index.count == 1, "an actor deletes only what it added")
        try watched.apply(key("t/#", "$s/g/t/#"), true, n2, 1)
        #expect(watched.index.isEmpty && watched.table.routeCount == 0 && watched.isConsistent)
    }

    @Test("A new incarnation drops only the routes of its own actor; the old one can do nothing more")
    func reincarnation() throws {
        var watched = Watched()
        _ = try watched.initialise(n1, 1)
        _ = try watched.initialise(n2, 1)
        try watched.apply(key("a"), false, n1, 1)
        try watched.apply(key("b"), false, n1, 1)
        try watched.apply(key("b"), false, n2, 1)
        #expect(try watched.initialise(n1, 1) == false, "the same incarnation still has its routes")
        #expect(try watched.initialise(n1, 2))
        #expect(watched.index == [Filter("b")])
        #expect(throws: Refusal.staleIncarnation) { try watched.apply(key("c"), false, n1, 1) }
        #expect(throws: Refusal.staleIncarnation) { _ = try watched.initialise(n1, 1) }
        #expect(throws: Refusal.staleIncarnation) { try watched.table.refresh(n1, incarnation: 1, now: 5) }
        #expect(watched.isConsistent)
    }

    @Test("A silent actor is collected after thirty seconds, others stay; a collected one can do nothing")
    func collection() throws {
        var watched = Watched()
        _ = try watched.initialise(n1, 1, now: 0)
        _ = try watched.initialise(n2, 1, now: 0)
        try watched.apply(key("a"), false, n1, 1)
        try watched.apply(key("a"), false, n2, 1)
        try watched.apply(key("b"), false, n1, 1)
        try watched.table.refresh(n2, incarnation: 1, now: 20_000)
        #expect(watched.collect(now: 29_999) == 0)
        #expect(watched.collect(now: 30_000) == 1)
        #expect(watched.index == [Filter("a")] && watched.table.actorCount == 1)
        #expect(throws: Refusal.unknownActor) { try watched.apply(key("c"), false, n1, 1) }
        #expect(throws: Refusal.unknownActor) { try watched.table.refresh(n1, incarnation: 1, now: 30_000) }
        #expect(try watched.initialise(n1, 1, now: 30_000), "it has to send its routes again")
        #expect(watched.collect(now: 50_000) == 1)
        #expect(watched.index.isEmpty && watched.isConsistent)
    }

    @Test("Actors and routes are limited")
    func limits() throws {
        var table = RouteTable(maximumRoutes: 2)
        var changes: [RouteTable.Change] = []
        for number in 0..<RouteTable.maximumActors {
            _ = try table.initialise(Filter("n\(number)"), incarnation: 1, now: 0, changes: &changes)
        }
        #expect(throws: Refusal.tooManyActors) {
            _ = try table.initialise(Filter("more"), incarnation: 1, now: 0, changes: &changes)
        }
        let last = Filter("n\(RouteTable.maximumActors - 1)")
        try table.apply(key("a"), isDelete: false, actor: n1, incarnation: 1, changes: &changes)
        try table.apply(key("b"), isDelete: false, actor: last, incarnation: 1, changes: &changes)
        #expect(throws: Refusal.tooManyRoutes) {
            try table.apply(key("c"), isDelete: false, actor: n1, incarnation: 1, changes: &changes)
        }
        try table.apply(key("b"), isDelete: false, actor: n1, incarnation: 1, changes: &changes)
        #expect(table.routeCount == 2)
        #expect(table.collect(now: 30_000, changes: &changes) == RouteTable.maximumActors)
        #expect(table.routeCount == 0)
    }

    // MARK: Against a model

    /// The rules in their plainest form: a set of (actor, route) pairs.
    private struct Model {
        var actors: [Filter: (incarnation: UInt64, expires: UInt64)] = [:]
        var routes: [Filter: Set<RouteKey>] = [:]
        var filters: Set<Filter> { Set(routes.values.joined().map(\.filter)) }
    }

    @Test("Random events leave table, model and index with the same filters")
    func random() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        let names = ["n1", "n2", "n3", "ps-routes-v1"].map { Filter($0) }
        for _ in 0..<40 {
            var watched = Watched()
            var model = Model()
            var now: UInt64 = 0
            for _ in 0..<600 {
                now += UInt64.random(in: 0...400, using: &generator)
                let name = names.randomElement(using: &generator) ?? n1
                let known = model.actors[name]
                let incarnation = UInt64(
                    max(0, Int(known?.incarnation ?? 1) + Int.random(in: -1...1, using: &generator))
                )
                switch Int.random(in: 0..<20, using: &generator) {
                case 0, 1:
                    let result = try? watched.initialise(name, incarnation, now: now)
                    if let known, known.incarnation > incarnation {
                        #expect(result == nil, "seed \(seed)")
                        continue
                    }
                    #expect(result == (known?.incarnation != incarnation), "seed \(seed)")
                    if known?.incarnation != incarnation { model.routes[name] = [] }
                    model.actors[name] = (incarnation, now + RouteTable.timeToLive)
                case 2, 3:
                    let accepted = (try? watched.table.refresh(name, incarnation: incarnation, now: now)) != nil
                    #expect(accepted == (known?.incarnation == incarnation), "seed \(seed)")
                    if accepted { model.actors[name]?.expires = now + RouteTable.timeToLive }
                case 4:
                    _ = watched.collect(now: now)
                    for (name, actor) in model.actors where actor.expires <= now {
                        model.actors[name] = nil
                        model.routes[name] = nil
                    }
                default:
                    let route = key(
                        "f\(Int.random(in: 0..<6, using: &generator))",
                        "i\(Int.random(in: 0..<3, using: &generator))"
                    )
                    let isDelete = Bool.random(using: &generator)
                    let accepted = (try? watched.apply(route, isDelete, name, incarnation)) != nil
                    #expect(accepted == (known?.incarnation == incarnation), "seed \(seed)")
                    guard accepted else { continue }
                    if isDelete {
                        model.routes[name]?.remove(route)
                    } else {
                        model.routes[name, default: []].insert(route)
                    }
                }
            }
            #expect(watched.isConsistent, "seed \(seed)")
            #expect(watched.index == model.filters, "seed \(seed)")
            #expect(watched.table.routeCount == Set(model.routes.values.joined()).count, "seed \(seed)")
            _ = watched.collect(now: now + RouteTable.timeToLive)
            #expect(watched.index.isEmpty && watched.table.routeCount == 0 && watched.isConsistent, "seed \(seed)")
        }
    }
}
