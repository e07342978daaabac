// SPDX-License-Identifier: Apache-2.0
// One walk over a value and a schema side by side: unknown keys, wrong types, missing keys, defaults, units. It goes on
// after an error, so that a user sees all of them at once.

struct SchemaCheck {
    private let schema: Schema
    private(set) var errors: [ConfigError] = []

    init(_ schema: Schema) {
        self.schema = schema
    }

    /// The checked value; nil if it is absent and may be. `enclosing` is the place of the nearest written object.
    mutating func value(_ id: Int, _ written: Value?, path: String, enclosing: Origin) -> Value? {
        let node = schema.nodes[id]
        guard let written, written.kind != .null || node.type == .any else {
            return absent(id, node, path: path, enclosing: enclosing)
        }
        switch written.kind {
        case .object(let object) where node.allowsArray && !node.allowsObject && Self.elements(object) != nil:
            return array(node, Self.elements(object) ?? [], written.origin, path: path, enclosing: enclosing)
        case .object(let object) where id == 0 || node.allowsObject:
            return self.object(id, node, object, written.origin, path: path, enclosing: enclosing)
        case .array(let items) where node.allowsArray:
            return array(node, items, written.origin, path: path, enclosing: enclosing)
        default:
            return scalar(node, written, path: path)
        }
    }

    private mutating func absent(_ id: Int, _ node: Schema.Node, path: String, enclosing: Origin) -> Value? {
        if let fallback = node.fallback { return value(id, fallback, path: path, enclosing: enclosing) }
        if node.type?.isOptional == true { return nil }
        if id == 0 || node.allowsObject {
            return object(id, node, Object(), .fallback, path: path, enclosing: enclosing)
        }
        if node.type == nil { return Value(.array([]), .fallback) }
        errors.append(ConfigError(enclosing, "missing required key \(JSONText.quoted(path)): \(expectation(node))"))
        return nil
    }

    private mutating func object(
        _ id: Int,
        _ node: Schema.Node,
        _ object: Object,
        _ origin: Origin,
        path: String,
        enclosing: Origin
    ) -> Value {
        let enclosing = origin.isFallback ? enclosing : origin
        var checked = Object()
        for field in object.fields {
            guard let next = node.fields[field.key] ?? node.wildcard else {
                errors.append(unknown(field, node, isRoot: id == 0 && path.isEmpty, path: path))
                continue
            }
            let below = Self.join(path, field.key)
            if let value = value(next, field.value, path: below, enclosing: enclosing) {
                checked.set(field.key, value, keyOrigin: field.keyOrigin)
            }
        }
        for name in node.names where object[name] == nil {
            guard let next = node.fields[name] else { continue }
            if let value = value(next, nil, path: Self.join(path, name), enclosing: enclosing) {
                checked.set(name, value, keyOrigin: .fallback)
            }
        }
        return Value(.object(checked), origin)
    }

    private mutating func array(
        _ node: Schema.Node,
        _ items: [Value],
        _ origin: Origin,
        path: String,
        enclosing: Origin
    ) -> Value {
        guard let element = node.element else { return Value(.array(items), origin) }
        var checked: [Value] = []
        for (position, item) in items.enumerated() {
            let below = "\(path)[\(position)]"
            if item.kind == .null, schema.nodes[element].type != .any {
                errors.append(ConfigError(item.origin, "\(below) must not be null; remove the element"))
                continue
            }
            if let value = value(element, item, path: below, enclosing: enclosing) { checked.append(value) }
        }
        return Value(.array(checked), origin)
    }

    private mutating func scalar(_ node: Schema.Node, _ written: Value, path: String) -> Value? {
        guard let type = node.type, let kind = type.converted(written.kind) else {
            errors.append(
                ConfigError(written.origin, "\(path) must be \(expectation(node)), not \(shown(written, node))")
            )
            return nil
        }
        if case .number(let text) = kind, let number = NumberText.double(text), let rules = rules(node) {
            if number < rules.minimum ?? number || number > rules.maximum ?? number {
                errors.append(
                    ConfigError(written.origin, "\(path) must be \(expectation(node)), not \(shown(written, node))")
                )
                return nil
            }
        }
        return Value(kind, written.origin)
    }

    private func rules(_ node: Schema.Node) -> Setting? { node.rules.map { schema.settings[$0] } }

    private func expectation(_ node: Schema.Node) -> String {
        let type = node.type ?? (node.element == nil ? .object : .array(.any))
        var text = type.expectation
        let rules = rules(node)
        switch (rules?.minimum.map(Self.plain), rules?.maximum.map(Self.plain)) {
        case (let low?, let high?): text += ", from \(low) to \(high)"
        case (let low?, nil): text += ", at least \(low)"
        case (nil, let high?): text += ", at most \(high)"
        case (nil, nil): break
        }
        return text
    }

    private static func plain(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? String(number)
    }

    /// The written value as far as a message may show it.
    private func shown(_ value: Value, _ node: Schema.Node) -> String {
        guard rules(node)?.secret != true, let text = value.scalarText, text.utf8.count <= 60 else {
            return value.kindName
        }
        if case .string = value.kind { return "the string \(JSONText.quoted(text))" }
        return text
    }

    private func unknown(_ field: Object.Field, _ node: Schema.Node, isRoot: Bool, path: String) -> ConfigError {
        if isRoot, let plugin = schema.knownRoots[field.key] {
            return ConfigError(
                field.keyOrigin,
                "the root \(JSONText.quoted(field.key)) belongs to the plugin \(plugin), which is not in plugins; "
                    + "add { name = \(JSONText.quoted(plugin)) } or remove it"
            )
        }
        var message = "unknown key \(JSONText.quoted(field.key))"
        if !path.isEmpty { message += " in \(path)" }
        if let nearest = NearestName.find(field.key, among: node.names) {
            message += "; did you mean \(JSONText.quoted(nearest))?"
        } else if node.names.isEmpty {
            message += "; no keys are known here"
        } else if node.names.count <= 12 {
            message += "; known here: \(node.names.joined(separator: ", "))"
        }
        return ConfigError(field.keyOrigin, message)
    }

    private static func join(_ path: String, _ key: String) -> String {
        let key = PathExpression.text([key])
        return path.isEmpty ? key : "\(path).\(key)"
    }

    /// The elements of an array written as an object with the keys 1, 2, 3 … ; nil if it is not such an object.
    private static func elements(_ object: Object) -> [Value]? {
        let items = (1...max(1, object.fields.count)).compactMap { object[String($0)] }
        return items.isEmpty || items.count != object.fields.count ? nil : items
    }
}
