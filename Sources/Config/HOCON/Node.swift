// SPDX-License-Identifier: Apache-2.0
// What the parser builds and the resolver consumes: values that may still hold substitutions. A field keeps its
// assignments in order, since a substitution may look back at an earlier one (`a = ${a} [x]`) and objects merge.

enum Node {
    case value(Value)
    case object(ObjectNode)
    case array([Node], Origin)
    case reference(Reference)
    /// Pieces on one line, at least one of them a substitution, none an object.
    case join([Piece], Origin)
    /// Objects and substitutions on one line: `${base} { x = 1 }`. The later ones win, as with repeated keys.
    case layers([Node])

    struct Piece {
        var node: Node
        var space: String
    }

    var origin: Origin {
        switch self {
        case .value(let value): value.origin
        case .object(let object): object.origin
        case .array(_, let origin), .join(_, let origin): origin
        case .reference(let reference): reference.origin
        case .layers(let nodes): nodes.first?.origin ?? .fallback
        }
    }
}

struct Reference {
    var path: [String]
    var optional: Bool
    /// Where the file that holds it was included: `${x}` then means `prefix.x` first.
    var prefix: [String]
    var origin: Origin
    /// It stands beside an object, so it has to be one.
    var mustBeObject = false

    var text: String { "${\(optional ? "?" : "")\(PathExpression.text(path))}" }
}

final class ObjectNode {
    let origin: Origin
    private(set) var keys: [String] = []
    private var fields: [String: FieldNode] = [:]

    init(_ origin: Origin) {
        self.origin = origin
    }

    subscript(key: String) -> FieldNode? { fields[key] }

    func field(_ key: String, _ origin: Origin) -> FieldNode {
        if let field = fields[key] {
            field.keyOrigin = origin
            return field
        }
        let field = FieldNode(origin)
        fields[key] = field
        keys.append(key)
        return field
    }

    func assign(_ path: [String], _ node: Node, keyOrigin: Origin) {
        guard let last = path.last else { return }
        var object = self
        for key in path.dropLast() {
            object = object.field(key, keyOrigin).openObject()
        }
        object.field(last, keyOrigin).assign(node)
    }

    func merge(_ other: ObjectNode) {
        for key in other.keys {
            guard let theirs = other.fields[key] else { continue }
            let ours = field(key, theirs.keyOrigin)
            for node in theirs.assignments { ours.assign(node) }
        }
    }
}

final class FieldNode {
    /// Where the key was written last.
    var keyOrigin: Origin
    private(set) var assignments: [Node] = []
    /// Set while the resolver computes an assignment of this field: substitutions then see only the earlier ones.
    var computing: Int?

    init(_ keyOrigin: Origin) {
        self.keyOrigin = keyOrigin
    }

    func assign(_ node: Node) {
        switch node {
        case .layers(let nodes):
            for node in nodes { assign(node) }
        case .object(let object):
            if case .object(let existing)? = assignments.last {
                existing.merge(object)
            } else {
                assignments.append(node)
            }
        case .value:
            // It hides whatever was assigned before and needs none of it.
            assignments = [node]
        case .array, .reference, .join:
            assignments.append(node)
        }
    }

    /// The object that a dotted key adds to.
    func openObject() -> ObjectNode {
        if case .object(let existing)? = assignments.last { return existing }
        let object = ObjectNode(keyOrigin)
        assignments.append(.object(object))
        return object
    }
}
