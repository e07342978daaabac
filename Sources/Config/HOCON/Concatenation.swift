// SPDX-License-Identifier: Apache-2.0
// Several values on one line: strings and numbers join to a string with the white space between them, arrays to one
// array, objects to one object. Kinds do not mix; what a substitution stands for is checked when it is known.

enum Concatenation {
    /// What the parser makes of the pieces of one line.
    static func node(_ pieces: [Node.Piece], at origin: Origin) throws(ConfigError) -> Node {
        if pieces.count == 1 { return pieces[0].node }
        var kinds: Set<Kind> = []
        for piece in pieces {
            guard let kind = kind(piece.node) else { continue }
            kinds.insert(kind)
            if kinds.count > 1 {
                throw ConfigError(
                    piece.node.origin,
                    "\(kind.rawValue) cannot be joined to what stands before it on the line; "
                        + "put a comma or a new line between two values"
                )
            }
        }
        switch kinds.first {
        case .object:
            return .layers(
                pieces.map { piece in
                    guard case .reference(var reference) = piece.node else { return piece.node }
                    reference.mustBeObject = true
                    return .reference(reference)
                }
            )
        case .string:
            var text = ""
            for piece in pieces {
                guard case .value(let value) = piece.node, let scalar = value.scalarText else {
                    return .join(pieces, origin)
                }
                text += piece.space + scalar
            }
            return .value(Value(.string(text), origin))
        case .array, nil:
            return .join(pieces, origin)
        }
    }

    private enum Kind: String {
        case object = "an object"
        case array = "an array"
        case string = "a string"
    }

    private static func kind(_ node: Node) -> Kind? {
        switch node {
        case .value: .string
        case .object: .object
        case .array: .array
        case .reference, .join, .layers: nil
        }
    }

    /// Joins values that are known; the white space before each counts only between strings.
    static func join(_ pieces: [(value: Value, space: String)], at origin: Origin) throws(ConfigError) -> Value? {
        guard let first = pieces.first else { return nil }
        if pieces.count == 1, first.space.isEmpty { return first.value }
        switch first.value.kind {
        case .array:
            var items: [Value] = []
            for piece in pieces {
                guard case .array(let more) = piece.value.kind else { throw mixed(piece.value, first.value, origin) }
                items += more
            }
            return Value(.array(items), origin)
        case .object:
            var merged = first.value
            for piece in pieces.dropFirst() {
                guard case .object = piece.value.kind else { throw mixed(piece.value, first.value, origin) }
                merged = merged.merging(piece.value)
            }
            return merged
        case .null, .bool, .number, .string:
            var text = ""
            for piece in pieces {
                guard let scalar = piece.value.scalarText else { throw mixed(piece.value, first.value, origin) }
                text += piece.space + scalar
            }
            return Value(.string(text), origin)
        }
    }

    private static func mixed(_ value: Value, _ first: Value, _ origin: Origin) -> ConfigError {
        ConfigError(
            origin,
            "\(value.kindName) (from \(value.origin)) cannot be joined to \(first.kindName) (from \(first.origin))"
        )
    }
}

extension Value {
    /// This object with the fields of another; where both have an object under a key, those merge too.
    fileprivate func merging(_ other: Value) -> Value {
        guard case .object(var object) = kind, case .object(let more) = other.kind else { return other }
        for field in more.fields {
            let value = object[field.key].map { $0.merging(field.value) } ?? field.value
            object.set(field.key, value, keyOrigin: field.keyOrigin)
        }
        return Value(.object(object), other.origin)
    }
}
