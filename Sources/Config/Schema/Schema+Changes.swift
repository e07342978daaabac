// SPDX-License-Identifier: Apache-2.0
// What a reload needs to know: which keys differ between two checked configurations, and which of those only a restart
// can bring into force. It also hides secrets from whoever wants to show a configuration.

/// A key whose value differs; `path` as messages write it, `origin` the place of the new value, or of the old one if
/// there is no new.
public struct Change: Sendable, Equatable {
    public let path: String
    public let origin: Origin
    public let reloadable: Bool

    public init(path: String, origin: Origin, reloadable: Bool) {
        self.path = path
        self.origin = origin
        self.reloadable = reloadable
    }
}

extension Schema {
    public func changes(from old: Value, to new: Value) -> [Change] {
        var changes: [Change] = []
        compare(0, old, new, path: "", reloadable: false, into: &changes)
        return changes
    }

    private func compare(
        _ id: Int?,
        _ old: Value?,
        _ new: Value?,
        path: String,
        reloadable: Bool,
        into changes: inout [Change]
    ) {
        let node = id.map { nodes[$0] }
        let reloadable = reloadable || id.flatMap { setting($0) }?.reloadable == true
        switch (old?.kind, new?.kind) {
        case (.object(let before)?, .object(let after)?):
            let keys = after.fields.map(\.key) + before.fields.map(\.key).filter { after[$0] == nil }
            for key in keys {
                let below = path.isEmpty ? PathExpression.text([key]) : "\(path).\(PathExpression.text([key]))"
                let next = node?.fields[key] ?? node?.wildcard
                compare(next, before[key], after[key], path: below, reloadable: reloadable, into: &changes)
            }
        case (.array(let before)?, .array(let after)?) where before.count == after.count:
            for (position, pair) in zip(before, after).enumerated() {
                let below = "\(path)[\(position)]"
                compare(node?.element, pair.0, pair.1, path: below, reloadable: reloadable, into: &changes)
            }
        default:
            if old?.json == new?.json { return }
            let origin = (new ?? old)?.origin ?? .fallback
            changes.append(Change(path: path, origin: origin, reloadable: reloadable))
        }
    }

    /// The value with `******` in place of secrets that are set.
    public func redacted(_ value: Value) -> Value { redacted(0, value) }

    private func redacted(_ id: Int?, _ value: Value) -> Value {
        guard let id else { return value }
        let node = nodes[id]
        if setting(id)?.secret == true { return Value(.string("******"), value.origin) }
        switch value.kind {
        case .object(var object):
            for field in object.fields {
                let below = redacted(node.fields[field.key] ?? node.wildcard, field.value)
                object.set(field.key, below, keyOrigin: field.keyOrigin)
            }
            return Value(.object(object), value.origin)
        case .array(let items):
            return Value(.array(items.map { redacted(node.element, $0) }), value.origin)
        case .null, .bool, .number, .string:
            return value
        }
    }
}
