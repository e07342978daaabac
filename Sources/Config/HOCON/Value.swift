// SPDX-License-Identifier: Apache-2.0
// A finished configuration value: no substitutions or includes are left in it. Every value knows where it was written.
// Units and types beyond JSON's are the schema's business.

public struct Value: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case null
        case bool(Bool)
        /// A JSON number, as it was written: joining it to a string must not change its digits.
        case number(String)
        case string(String)
        case array([Value])
        case object(Object)
    }

    public var kind: Kind
    public var origin: Origin

    public init(_ kind: Kind, _ origin: Origin) {
        self.kind = kind
        self.origin = origin
    }

    /// An article and a noun for messages, without the value itself, which may be a secret.
    var kindName: String {
        switch kind {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// What a scalar contributes to a joined string; nil for arrays and objects.
    var scalarText: String? {
        switch kind {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text), .string(let text): text
        case .array, .object: nil
        }
    }
}

/// Fields in the order in which their keys first appeared.
public struct Object: Sendable, Equatable {
    public struct Field: Sendable, Equatable {
        public let key: String
        public let keyOrigin: Origin
        public var value: Value
    }

    public private(set) var fields: [Field] = []
    private var index: [String: Int] = [:]

    public init() {}

    public subscript(key: String) -> Value? {
        index[key].map { fields[$0].value }
    }

    public func field(_ key: String) -> Field? {
        index[key].map { fields[$0] }
    }

    /// Adds the field, or replaces the value of the one with this key.
    public mutating func set(_ key: String, _ value: Value, keyOrigin: Origin) {
        if let position = index[key] {
            fields[position].value = value
        } else {
            index[key] = fields.count
            fields.append(Field(key: key, keyOrigin: keyOrigin, value: value))
        }
    }
}
