// SPDX-License-Identifier: Apache-2.0
// Nodes into values: substitutions looked up, layers merged. It works lazily from the root, so that a field may refer
// to its own object's other fields; nothing is remembered between look-ups, the caps of Limits keep that affordable.

struct Resolver {
    private let root: ObjectNode
    private var steps = 0
    private var values = 0
    private var joinedBytes = 0
    private var depth = 0
    /// The origin of an assignment that a look-up needed while it was being computed.
    private var circle: Origin?

    /// One assignment, and the field it belongs to; layers are listed from the lowest to the highest.
    private struct Layer {
        var node: Node
        var field: FieldNode?
        var index = 0
    }

    private init(_ root: ObjectNode) {
        self.root = root
    }

    static func value(of root: ObjectNode) throws(ConfigError) -> Value {
        var resolver = Resolver(root)
        let value = try resolver.resolve([Layer(node: .object(root))], at: root.origin)
        return value ?? Value(.object(Object()), root.origin)
    }

    private mutating func enter(_ origin: Origin) throws(ConfigError) {
        depth += 1
        steps += 1
        if depth > Limits.resolverDepth {
            throw ConfigError(
                origin,
                "more than \(Limits.resolverDepth) objects or substitutions need one another here"
            )
        }
        if steps > Limits.resolverSteps {
            throw ConfigError(origin, "the substitutions of the configuration take too many steps to follow")
        }
    }

    private mutating func count(_ origin: Origin, bytes: Int = 0) throws(ConfigError) {
        values += 1
        joinedBytes += bytes
        if values > Limits.values || joinedBytes > Limits.resolvedBytes {
            throw ConfigError(origin, "the substitutions of the configuration expand to too many values")
        }
    }

    /// nil if nothing but missing optional substitutions was assigned.
    private mutating func resolve(_ layers: [Layer], at origin: Origin) throws(ConfigError) -> Value? {
        try enter(origin)
        defer { depth -= 1 }
        var objects: [ObjectLayer] = []
        search: for layer in layers.reversed() {
            if case .object(let object) = layer.node {
                objects.append(.node(object))
                continue
            }
            guard let value = try compute(layer) else { continue }
            switch value.kind {
            case .object(let object):
                objects.append(.value(object, value.origin))
            case .array(let items) where !objects.isEmpty && objects.allSatisfy(\.holdsIndexes):
                return try override(items, of: value.origin, with: objects)
            default:
                if objects.isEmpty { return value }
                break search
            }
        }
        guard let highest = objects.first else { return nil }
        return try merge(objects.reversed(), at: highest.origin)
    }

    private enum ObjectLayer {
        case node(ObjectNode)
        case value(Object, Origin)

        var origin: Origin {
            switch self {
            case .node(let node): node.origin
            case .value(_, let origin): origin
            }
        }

        var keys: [String] {
            switch self {
            case .node(let node): node.keys
            case .value(let object, _): object.fields.map(\.key)
            }
        }

        /// Whether it can stand for elements of an array: `name.1.field = x`.
        var holdsIndexes: Bool {
            !keys.isEmpty && keys.allSatisfy { ArrayIndex.parse($0) != nil }
        }

        func keyOrigin(_ key: String) -> Origin? {
            switch self {
            case .node(let node): node[key]?.keyOrigin
            case .value(let object, _): object.field(key)?.keyOrigin
            }
        }
    }

    /// The layers of one field; those being computed, and what was assigned after them, are left out.
    private mutating func layers(_ key: String, in object: ObjectLayer) -> [Layer] {
        switch object {
        case .value(let object, _):
            return object[key].map { [Layer(node: .value($0))] } ?? []
        case .node(let node):
            guard let field = node[key] else { return [] }
            let limit = field.computing ?? field.assignments.count
            if limit == 0, let first = field.assignments.first { circle = first.origin }
            return (0..<limit).map { Layer(node: field.assignments[$0], field: field, index: $0) }
        }
    }

    private mutating func merge(_ objects: [ObjectLayer], at origin: Origin) throws(ConfigError) -> Value {
        try count(origin)
        var merged = Object()
        var seen: Set<String> = []
        for object in objects {
            for key in object.keys where seen.insert(key).inserted {
                let keyOrigin = objects.reversed().lazy.compactMap { $0.keyOrigin(key) }.first ?? origin
                var all: [Layer] = []
                for object in objects { all += layers(key, in: object) }
                if all.isEmpty {
                    throw ConfigError(
                        keyOrigin,
                        "the value of \(JSONText.quoted(key)) contains itself; remove the substitution"
                    )
                }
                if let value = try resolve(all, at: keyOrigin) { merged.set(key, value, keyOrigin: keyOrigin) }
            }
        }
        return Value(.object(merged), origin)
    }

    /// `objects`, highest first, name elements of an array by 1-based index; the next free index appends.
    private mutating func override(
        _ items: [Value],
        of origin: Origin,
        with objects: [ObjectLayer]
    ) throws(ConfigError) -> Value {
        var items = items
        let ordered = Array(objects.reversed())
        let keys = Set(ordered.flatMap(\.keys))
        let indexes = keys.compactMap { key in ArrayIndex.parse(key).map { (key: key, index: $0) } }
        for (key, index) in indexes.sorted(by: { $0.index < $1.index }) {
            let place = ordered.reversed().lazy.compactMap { $0.keyOrigin(key) }.first ?? origin
            if index > items.count + 1 {
                throw ConfigError(
                    place,
                    "index \(index) is beyond the end of the array at \(origin); the next free index is \(items.count + 1)"
                )
            }
            var all: [Layer] = index <= items.count ? [Layer(node: .value(items[index - 1]))] : []
            for object in ordered { all += layers(key, in: object) }
            guard let value = try resolve(all, at: place) else { continue }
            if index <= items.count { items[index - 1] = value } else { items.append(value) }
        }
        return Value(.array(items), origin)
    }

    /// The value of an assignment that is not an object; its field counts as being computed meanwhile.
    private mutating func compute(_ layer: Layer) throws(ConfigError) -> Value? {
        let outer = layer.field?.computing
        layer.field?.computing = layer.index
        defer { layer.field?.computing = outer }
        switch layer.node {
        case .value(let value):
            try count(value.origin)
            return value
        case .array(let nodes, let origin):
            try count(origin)
            var items: [Value] = []
            for node in nodes {
                if let value = try resolve(Self.unfold(node), at: node.origin) { items.append(value) }
            }
            return Value(.array(items), origin)
        case .reference(let reference):
            return try lookUp(reference)
        case .join(let pieces, let origin):
            var values: [(value: Value, space: String)] = []
            for piece in pieces {
                guard let value = try resolve(Self.unfold(piece.node), at: piece.node.origin) else { continue }
                values.append((value, piece.space))
            }
            let joined = try Concatenation.join(values, at: origin)
            try count(origin, bytes: joined?.scalarText?.utf8.count ?? 0)
            if case .array(let items)? = joined?.kind {
                for item in items { try count(item.origin) }
            }
            return joined
        case .object, .layers:
            return try resolve(Self.unfold(layer.node), at: layer.node.origin)
        }
    }

    private static func unfold(_ node: Node) -> [Layer] {
        if case .layers(let nodes) = node { return nodes.map { Layer(node: $0) } }
        return [Layer(node: node)]
    }

    private mutating func lookUp(_ reference: Reference) throws(ConfigError) -> Value? {
        circle = nil
        for path in Self.candidates(reference) {
            let target = try find(path, for: reference)
            guard !target.isEmpty, let value = try resolve(target, at: reference.origin) else { continue }
            if reference.mustBeObject, value.object() == nil {
                throw ConfigError(
                    reference.origin,
                    "\(reference.text) stands beside an object but is \(value.kindName) (from \(value.origin))"
                )
            }
            return value
        }
        if reference.optional { return nil }
        if let circle {
            throw ConfigError(
                reference.origin,
                "\(reference.text) forms a cycle: the value at \(circle) needs it to be computed; break the cycle"
            )
        }
        throw ConfigError(
            reference.origin,
            "\(reference.text) refers to a key that is not set; set it, or write ${?\(PathExpression.text(reference.path))}"
        )
    }

    private static func candidates(_ reference: Reference) -> [[String]] {
        reference.prefix.isEmpty ? [reference.path] : [reference.prefix + reference.path, reference.path]
    }

    private mutating func find(_ path: [String], for reference: Reference) throws(ConfigError) -> [Layer] {
        var layers = [Layer(node: .object(root))]
        for key in path {
            layers = try descend(layers, key, at: reference.origin).layers
            if layers.isEmpty { break }
        }
        return layers
    }

    /// The layers of `key` in what the given layers merge to, without computing more of them than needed. `isObject` says
    /// whether they merge to an object, nil if nothing is set: what stands below a value that is none is gone.
    private mutating func descend(
        _ layers: [Layer],
        _ key: String,
        at origin: Origin
    ) throws(ConfigError) -> (layers: [Layer], isObject: Bool?) {
        try enter(origin)
        defer { depth -= 1 }
        /// Highest first.
        var found: [Layer] = []
        var isObject: Bool?
        for layer in layers.reversed() {
            steps += 1
            var object: ObjectLayer?
            switch layer.node {
            case .object(let node): object = .node(node)
            case .value(let value): object = Self.objectLayer(value)
            case .array: break
            case .reference(let reference):
                let target = try descend(through: reference, of: layer, key)
                guard let targetIsObject = target.isObject else { continue }
                guard targetIsObject else { return (found.reversed(), isObject ?? false) }
                found += target.layers.reversed()
                isObject = true
                continue
            case .join, .layers:
                guard let value = try compute(layer) else { continue }
                object = Self.objectLayer(value)
            }
            guard let object else { return (found.reversed(), isObject ?? false) }
            found += self.layers(key, in: object).reversed()
            isObject = true
        }
        return (found.reversed(), isObject)
    }

    private static func objectLayer(_ value: Value) -> ObjectLayer? {
        guard case .object(let object) = value.kind else { return nil }
        return .value(object, value.origin)
    }

    private mutating func descend(
        through reference: Reference,
        of layer: Layer,
        _ key: String
    ) throws(ConfigError) -> (layers: [Layer], isObject: Bool?) {
        let outer = layer.field?.computing
        layer.field?.computing = layer.index
        defer { layer.field?.computing = outer }
        for path in Self.candidates(reference) {
            let target = try find(path, for: reference)
            if !target.isEmpty { return try descend(target, key, at: reference.origin) }
        }
        return ([], nil)
    }
}

/// Elements of arrays addressed as keys, counted from 1 as EMQX does.
enum ArrayIndex {
    static func parse(_ key: String) -> Int? {
        guard let first = key.utf8.first, first >= UInt8(ascii: "1"), first <= UInt8(ascii: "9") else { return nil }
        return Int(key)
    }
}
