// SPDX-License-Identifier: Apache-2.0
// Reading a checked configuration: by path, as the type the schema promised. A reader answers nil when the key is
// absent or of another kind; after a schema check only absence is left.

extension Value {
    /// The value at a path such as `cluster.links[0].server`; keys with dots are quoted: `listeners.tcp."a.b".bind`.
    /// The empty path is the value itself.
    public func lookup(_ path: String) -> Value? {
        guard let steps = AccessPath.parse(path) else { return nil }
        var current = self
        for step in steps {
            switch (step, current.kind) {
            case (.key(let key), .object(let object)):
                guard let next = object[key] else { return nil }
                current = next
            case (.index(let index), .array(let items)):
                guard index < items.count else { return nil }
                current = items[index]
            default:
                return nil
            }
        }
        return current
    }

    public func string(at path: String = "") -> String? {
        guard case .string(let text)? = lookup(path)?.kind else { return nil }
        return text
    }

    public func bool(at path: String = "") -> Bool? {
        guard case .bool(let value)? = lookup(path)?.kind else { return nil }
        return value
    }

    /// A whole number; `1.0` and `1e3` count as whole, `1.5` is not.
    public func int(at path: String = "") -> Int? {
        guard case .number(let text)? = lookup(path)?.kind else { return nil }
        return NumberText.int(text)
    }

    public func double(at path: String = "") -> Double? {
        guard case .number(let text)? = lookup(path)?.kind else { return nil }
        return NumberText.double(text)
    }

    public func array(at path: String = "") -> [Value]? {
        guard case .array(let items)? = lookup(path)?.kind else { return nil }
        return items
    }

    public func object(at path: String = "") -> Object? {
        guard case .object(let object)? = lookup(path)?.kind else { return nil }
        return object
    }
}

enum AccessPath {
    enum Step: Equatable {
        case key(String)
        case index(Int)
    }

    /// The steps of a path; nil if it is not one.
    static func parse(_ path: String) -> [Step]? {
        var steps: [Step] = []
        var rest = Substring(path).utf8
        while let first = rest.first {
            switch first {
            case UInt8(ascii: "["):
                guard let end = rest.firstIndex(of: UInt8(ascii: "]")),
                    let digits = String(rest[rest.index(after: rest.startIndex)..<end]),
                    let index = Int(digits), index >= 0
                else { return nil }
                steps.append(.index(index))
                rest = rest[rest.index(after: end)...]
            case UInt8(ascii: "\""):
                let start = rest.index(after: rest.startIndex)
                guard let end = rest[start...].firstIndex(of: UInt8(ascii: "\"")), let key = String(rest[start..<end])
                else { return nil }
                steps.append(.key(key))
                rest = rest[rest.index(after: end)...]
            default:
                let end = rest.firstIndex { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") } ?? rest.endIndex
                guard end > rest.startIndex, let key = String(rest[..<end]) else { return nil }
                steps.append(.key(key))
                rest = rest[end...]
            }
            if rest.first == UInt8(ascii: ".") {
                rest = rest.dropFirst()
                if rest.isEmpty { return nil }
            } else if let next = rest.first, next != UInt8(ascii: "[") {
                return nil
            }
        }
        return steps
    }
}
