// SPDX-License-Identifier: Apache-2.0
// The maps that two clusters send each other to agree on routes: `actor_init`, its answer, `route` and `heartbeat`.
// Reading borrows from the payload; routes are walked in place, one at a time.

/// The integer keys of a control map. The operation stands under the atom `$op`.
enum ControlKey {
    static let actor: Int64 = 10
    static let incarnation: Int64 = 11
    static let routes: Int64 = 12
    static let target: Int64 = 13
    static let version: Int64 = 14
    static let result: Int64 = 15
    static let needBootstrap: Int64 = 16
    static let operation: Bytes = "$op"
    /// The first element of a route that is deleted.
    static let delete: Int64 = 100
}

package struct ControlMap {
    package enum Operation: Equatable {
        case actorInit
        case actorInitAck
        case route
        case heartbeat
    }

    package enum Result: Equatable {
        case ok
        case error(Bytes)
    }

    package private(set) var operation: Operation = .heartbeat
    private var actorField: Bytes?
    private var incarnationField: UInt64?
    private var targetField: Bytes?
    private var resultField: Result?
    private var bootstrapField: Bool??
    private var routesField: TermReader?

    package func actor() throws(TermError) -> Bytes { try Self.required(actorField, "actor") }
    package func incarnation() throws(TermError) -> UInt64 { try Self.required(incarnationField, "incarnation") }
    package func target() throws(TermError) -> Bytes { try Self.required(targetField, "target cluster") }
    package func result() throws(TermError) -> Result { try Self.required(resultField, "result") }
    /// nil when the answer says `undefined`, as it does beside an error.
    package func needBootstrap() throws(TermError) -> Bool? { try Self.required(bootstrapField, "need bootstrap") }

    private static func required<Value>(_ value: Value?, _ key: TermError.StaticKey) throws(TermError) -> Value {
        guard let value else { throw .missingKey(key) }
        return value
    }

    // MARK: Reading

    /// Keys may stand in any order; unknown ones are passed over; a known one may stand only once.
    package init(_ reader: consuming TermReader) throws(TermError) {
        let pairs = try reader.map()
        var seen: UInt64 = 0
        var operation: Operation?
        for _ in 0..<pairs {
            switch try reader.peek() {
            case Tag.smallInteger, Tag.integer:
                let key = try reader.integer()
                if key >= 0, key < 64 {
                    guard seen & (1 << UInt64(key)) == 0 else { throw .duplicateKey }
                    seen |= 1 << UInt64(key)
                }
                try readField(key, &reader)
            case Tag.smallAtomUTF8, Tag.atomUTF8, Tag.smallAtom, Tag.atom:
                guard try reader.atom() == ControlKey.operation else {
                    try reader.skip()
                    continue
                }
                guard operation == nil else { throw .duplicateKey }
                operation = try Self.operation(named: try reader.binary())
            default:
                try reader.skip()
                try reader.skip()
            }
        }
        self.operation = try Self.required(operation, "$op")
    }

    private static func operation(named name: Bytes) throws(TermError) -> Operation {
        if name == "actor_init" { return .actorInit }
        if name == "actor_init_ack" { return .actorInitAck }
        if name == "route" { return .route }
        if name == "heartbeat" { return .heartbeat }
        throw .badValue("$op")
    }

    private mutating func readField(_ key: Int64, _ reader: inout TermReader) throws(TermError) {
        switch key {
        case ControlKey.actor: actorField = try reader.binary()
        case ControlKey.incarnation:
            let value = try reader.integer()
            guard value >= 0 else { throw .badValue("incarnation") }
            incarnationField = UInt64(value)
        case ControlKey.routes:
            routesField = reader
            try reader.skip()
        case ControlKey.target: targetField = try reader.binary()
        case ControlKey.result: resultField = try Self.readResult(&reader)
        case ControlKey.needBootstrap:
            let name = try reader.atom()
            if name == "true" {
                bootstrapField = .some(true)
            } else if name == "false" {
                bootstrapField = .some(false)
            } else if name == "undefined" {
                bootstrapField = .some(nil)
            } else {
                throw .badValue("need bootstrap")
            }
        default: try reader.skip()
        }
    }

    private static func readResult(_ reader: inout TermReader) throws(TermError) -> Result {
        let tag = try reader.peek()
        if tag == Tag.smallTuple || tag == Tag.largeTuple {
            guard try reader.tuple() == 2, try reader.atom() == "error" else { throw .badValue("result") }
            return .error(try reader.binary())
        }
        guard try reader.atom() == "ok" else { throw .badValue("result") }
        return .ok
    }

    /// The route operations in the order they were sent.
    package func routes() throws(TermError) -> RouteOperations {
        try RouteOperations(try Self.required(routesField, "routes"))
    }
}

/// One route that a peer wants or no longer wants.
package struct RouteOperation {
    package let filter: Bytes
    package let id: Bytes
    package let isDelete: Bool
}

/// Walks a list of route operations; a malformed one is an error when it is reached.
package struct RouteOperations {
    private var reader: TermReader
    private let count: Int
    private var left: Int

    fileprivate init(_ list: TermReader) throws(TermError) {
        reader = list
        count = try reader.list()
        left = count
    }

    package mutating func next() throws(TermError) -> RouteOperation? {
        guard left > 0 else {
            try reader.endList(count)
            return nil
        }
        left -= 1
        switch try reader.tuple() {
        case 2: return RouteOperation(filter: try reader.binary(), id: try reader.binary(), isDelete: false)
        case 3:
            guard try reader.integer() == ControlKey.delete else { throw .badValue("route operation") }
            return RouteOperation(filter: try reader.binary(), id: try reader.binary(), isDelete: true)
        default: throw .badValue("route operation")
        }
    }
}

// MARK: Writing

/// Keys go out as Erlang orders them: integers ascending, then the atom.
extension TermWriter {
    private mutating func beginMap(_ pairs: Int, actor: Bytes) {
        begin()
        map(pairs)
        integer(ControlKey.actor)
        binary(actor)
    }

    private mutating func endMap(_ operation: Bytes) {
        atom("$op")
        binary(operation)
    }

    package mutating func actorInit(actor: Bytes, incarnation: UInt64, target: Bytes) {
        beginMap(5, actor: actor)
        integer(ControlKey.incarnation)
        integer(Int64(clamping: incarnation))
        integer(ControlKey.target)
        binary(target)
        integer(ControlKey.version)
        integer(1)
        endMap("actor_init")
    }

    /// `needBootstrap` is left undefined beside an error.
    package mutating func actorInitAck(actor: Bytes, result: ControlMap.Result, needBootstrap: Bool?) {
        beginMap(5, actor: actor)
        integer(ControlKey.version)
        integer(1)
        integer(ControlKey.result)
        switch result {
        case .ok: atom("ok")
        case .error(let reason):
            tuple(2)
            atom("error")
            binary(reason)
        }
        integer(ControlKey.needBootstrap)
        if let needBootstrap { boolean(needBootstrap) } else { atom("undefined") }
        endMap("actor_init_ack")
    }

    package mutating func heartbeat(actor: Bytes, incarnation: UInt64) {
        beginMap(3, actor: actor)
        integer(ControlKey.incarnation)
        integer(Int64(clamping: incarnation))
        endMap("heartbeat")
    }

    /// The caller writes `count` operations with ``routeOperation(filter:id:isDelete:)``, then calls ``endRoutes(_:)``.
    package mutating func beginRoutes(_ count: Int, actor: Bytes, incarnation: UInt64) {
        beginMap(4, actor: actor)
        integer(ControlKey.incarnation)
        integer(Int64(clamping: incarnation))
        integer(ControlKey.routes)
        list(count)
    }

    package mutating func routeOperation(filter: Bytes, id: Bytes, isDelete: Bool) {
        tuple(isDelete ? 3 : 2)
        if isDelete { integer(ControlKey.delete) }
        binary(filter)
        binary(id)
    }

    package mutating func endRoutes(_ count: Int) {
        endList(count)
        endMap("route")
    }
}
