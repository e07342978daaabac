// SPDX-License-Identifier: Apache-2.0
import ClusterLinkBody
import LinkTestSupport
import Testing

@Suite("Control maps")
struct ControlMapTests {
    private let node: Bytes = "emqx@10.0.0.1"
    private let started: UInt64 = 1_735_689_600_123

    @Test("There are 26 vectors, and each decodes", arguments: Vector.all)
    func everyVectorDecodes(_ vector: Vector) throws {
        #expect(Vector.all.count == 26)
        _ = try Term.decode(vector.bytes, Inflater())
    }

    @Test("Plain vectors with one possible form are encoded byte for byte", arguments: Vector.all)
    func treesEncodeExactly(_ vector: Vector) throws {
        guard !["V22", "V23", "V24", "V26"].contains(vector.id) else { return }
        #expect(hex(try Term.decode(vector.bytes, Inflater()).encoded()) == vector.hex)
    }

    @Test("A compressed term equals its plain form", arguments: [("V23", "V17"), ("V24", "V10")])
    func compressed(_ pair: (String, String)) throws {
        let inflater = Inflater()
        let first = try Term.decode(Vector.bytes(pair.0), inflater)
        #expect(first == (try Term.decode(Vector.bytes(pair.1), inflater)))
    }

    @Test("actor_init is written as V1 and V2")
    func writesActorInit() {
        var writer = TermWriter()
        writer.actorInit(actor: node, incarnation: started, target: "cluster-b")
        #expect(hex(writer.bytes.array) == hex(Vector.bytes("V1")))
        writer.actorInit(actor: "ps-routes-v1", incarnation: 0, target: "cluster-b")
        #expect(hex(writer.bytes.array) == hex(Vector.bytes("V2")))
    }

    @Test("actor_init_ack is written as V3 to V8")
    func writesAcks() {
        var writer = TermWriter()
        let cases: [(String, ControlMap.Result, Bool?)] = [
            ("V3", .ok, true), ("V4", .ok, false), ("V5", .error("unknown_cluster"), nil),
            ("V6", .error("unknown_cluster"), false), ("V7", .error("cluster_link_disabled"), nil),
            ("V8", .error("bad_remote_cluster_link_name"), nil),
        ]
        for (id, result, needBootstrap) in cases {
            writer.actorInitAck(actor: node, result: result, needBootstrap: needBootstrap)
            #expect(hex(writer.bytes.array) == hex(Vector.bytes(id)), "\(id)")
        }
    }

    @Test("heartbeat is written as V9")
    func writesHeartbeat() {
        var writer = TermWriter()
        writer.heartbeat(actor: node, incarnation: started)
        #expect(hex(writer.bytes.array) == hex(Vector.bytes("V9")))
    }

    @Test("Route batches are written as V10 to V16")
    func writesRoutes() {
        let cases: [(String, Bytes, UInt64, [(Bytes, Bytes, Bool)])] = [
            ("V10", node, started, [("t/1", "t/1", false), ("t/#", "t/#", false)]),
            ("V11", node, started, [("t/1", "t/1", true)]),
            ("V12", node, started, [("t/1/+", "t/+/+", false), ("t/z", "t/+", true)]),
            ("V13", node, started, [("t/#", "$s/g1/t/#", false)]),
            ("V14", "ps-routes-v1", 0, [("t/#", "$p/c42/t/#", false)]),
            ("V15", "ps-routes-v1", 3, [("t/#", "$sp/g1/c42/t/#", true)]),
            ("V16", node, started, []),
        ]
        var writer = TermWriter()
        for (id, actor, incarnation, routes) in cases {
            writer.beginRoutes(routes.count, actor: actor, incarnation: incarnation)
            for route in routes { writer.routeOperation(filter: route.0, id: route.1, isDelete: route.2) }
            writer.endRoutes(routes.count)
            #expect(hex(writer.bytes.array) == hex(Vector.bytes(id)), "\(id)")
        }
    }

    @Test("actor_init is read, with old and new atoms", arguments: ["V1", "V26"])
    func readsActorInit(_ id: String) throws {
        let map = try ReadControl(Vector.bytes(id))
        #expect(map.operation == .actorInit)
        #expect(map.actor == "emqx@10.0.0.1")
        #expect(map.incarnation == started)
        #expect(map.target == "cluster-b")
        #expect(map.result == nil)
        #expect(map.routesError == .missingKey("routes"))
    }

    @Test("Answers are read")
    func readsAcks() throws {
        let ok = try ReadControl(Vector.bytes("V3"))
        #expect(ok.operation == .actorInitAck)
        #expect(ok.result == "ok")
        #expect(ok.needBootstrap == .some(true))
        #expect(try ReadControl(Vector.bytes("V4")).needBootstrap == .some(false))
        let refused = try ReadControl(Vector.bytes("V8"))
        #expect(refused.result == "bad_remote_cluster_link_name")
        #expect(refused.needBootstrap == .some(nil))
    }

    @Test("Keys may stand in any order", arguments: ["V9", "V25"])
    func anyOrder(_ id: String) throws {
        let map = try ReadControl(Vector.bytes(id))
        #expect(map.operation == .heartbeat)
        #expect(map.actor == "emqx@10.0.0.1")
        #expect(map.incarnation == started)
    }

    @Test("Routes are read in order, plain and compressed", arguments: ["V10", "V24"])
    func readsRoutes(_ id: String) throws {
        #expect(try ReadControl(Vector.bytes(id)).routes == ["+t/1 t/1", "+t/# t/#"])
    }

    @Test("Deletes and narrowed filters are told apart")
    func readsDeletes() throws {
        #expect(try ReadControl(Vector.bytes("V12")).routes == ["+t/1/+ t/+/+", "-t/z t/+"])
    }

    @Test("An empty batch holds no route")
    func emptyBatch() throws {
        let map = try ReadControl(Vector.bytes("V16"))
        #expect(map.routes == [] && map.routesError == nil)
    }

    @Test("Unknown keys are passed over, trailing bytes tolerated")
    func extensions() throws {
        let map: Term = .map([
            .init(.integer(99), .list([.tuple([.atom("x"), .integer(-5)])])),
            .init(.atom("$op"), .text("heartbeat")),
            .init(.integer(10), .text("n")),
            .init(.binary([1]), .map([])),
            .init(.atom("other"), .integer(1 << 40)),
            .init(.integer(11), .integer(7)),
        ])
        let read = try ReadControl(map.encoded() + [1, 2, 3])
        #expect(read.actor == "n")
        #expect(read.incarnation == 7)
    }

    @Test("A key that stands twice is refused")
    func duplicates() {
        let twice: Term = .map([
            .init(.integer(10), .text("a")), .init(.integer(10), .text("b")), .init(.atom("$op"), .text("heartbeat")),
        ])
        #expect(throws: TermError.duplicateKey) { try ReadControl(twice.encoded()) }
        let operations: Term = .map([
            .init(.atom("$op"), .text("heartbeat")), .init(.atom("$op"), .text("heartbeat")),
        ])
        #expect(throws: TermError.duplicateKey) { try ReadControl(operations.encoded()) }
    }

    @Test("Wrong types and unknown operations are refused")
    func wrongTypes() {
        let beat = Term.Pair(.atom("$op"), .text("heartbeat"))
        let bad: [Term] = [
            .integer(1), .list([]), .map([]), .tuple([]),
            .map([.init(.atom("$op"), .atom("heartbeat"))]),
            .map([.init(.atom("$op"), .text("reboot"))]),
            .map([beat, .init(.integer(10), .integer(1))]),
            .map([beat, .init(.integer(11), .integer(-1))]),
            .map([beat, .init(.integer(15), .atom("maybe"))]),
            .map([beat, .init(.integer(15), .tuple([.atom("error"), .atom("x")]))]),
            .map([beat, .init(.integer(16), .atom("perhaps"))]),
        ]
        for term in bad {
            #expect(throws: TermError.self, "\(term)") { try ReadControl(term.encoded()) }
        }
    }

    @Test("A malformed route is an error when it is reached")
    func malformedRoutes() throws {
        let bad: [Term] = [
            .tuple([.text("a")]), .tuple([.integer(101), .text("a"), .text("a")]), .tuple([.text("a"), .integer(1)]),
            .text("a"), .tuple([.integer(100), .text("a"), .text("a"), .text("a")]),
        ]
        for route in bad {
            let term: Term = .map([
                .init(.integer(12), .list([.tuple([.text("ok"), .text("ok")]), route])),
                .init(.atom("$op"), .text("route")),
            ])
            let read = try ReadControl(term.encoded())
            #expect(read.routes == ["+ok ok"])
            #expect(read.routesError != nil, "\(route)")
        }
    }
}
