// SPDX-License-Identifier: Apache-2.0
// All settings of the host and of its plugins, as one tree. Building it checks the declarations themselves: types that
// contradict each other, defaults that do not fit.

public struct Schema: Sendable {
    /// Small, as there is one for each key: settings are numbers into `settings`.
    struct Node: Sendable {
        var setting: Int?
        /// The setting, or for elements the one of their array: whose bounds and secrecy hold.
        var rules: Int?
        /// Of the setting, or of an array's elements; nil where only keys below are declared.
        var type: SettingType?
        var names: [String] = []
        var fields: [String: Int] = [:]
        var wildcard: Int?
        var element: Int?
        var fallback: Value?

        var hasKeys: Bool { !names.isEmpty || wildcard != nil }

        var allowsObject: Bool { type.map(\.admitsObject) ?? hasKeys }

        var allowsArray: Bool {
            type.map { $0.element != nil } ?? (element != nil)
        }
    }

    public private(set) var settings: [Setting] = []
    /// Roots that plugins own which are not loaded: root → plugin, for a better message.
    public let knownRoots: [String: String]
    /// The root is number 0.
    private(set) var nodes: [Node] = [Node()]

    public init(_ settings: [Setting], knownRoots: [String: String] = [:]) throws(ConfigError) {
        self.knownRoots = knownRoots
        try add(settings)
    }

    /// The same with more settings. Nothing that is declared already is read again: that is most of what a schema costs.
    public func adding(_ more: [Setting]) throws(ConfigError) -> Schema {
        var schema = self
        try schema.add(more)
        return schema
    }

    private mutating func add(_ more: [Setting]) throws(ConfigError) {
        if more.isEmpty { return }
        let first = settings.count
        settings += more
        var declared: [Int] = []
        for number in first..<settings.count {
            if let id = try declare(number) { declared.append(id) }
        }
        for id in nodes.indices { try checkShape(id) }
        // What a default inside objects and arrays has to hold depends on the keys below it.
        let affected = first == 0 ? [] : nodes.indices.filter { nodes[$0].fallback?.scalarText == nil }
        try parseFallbacks(declared)
        for id in affected + declared { try checkFallback(id) }
    }

    /// The node; nil if it has been declared before.
    private mutating func declare(_ number: Int) throws(ConfigError) -> Int? {
        guard let steps = settings[number].steps else {
            throw ConfigError(
                Setting.origin(settings[number].path),
                "this is not a path such as cluster.links[].server or listeners.tcp.*.bind"
            )
        }
        var id = 0
        for step in steps { id = child(of: id, step) }
        if let other = nodes[id].setting {
            // The same plugin may be loaded more than once.
            if settings[other] == settings[number] { return nil }
            throw ConfigError(
                Setting.origin(settings[number].path),
                "the key is declared twice, with different types or defaults"
            )
        }
        let declared = id
        var type = settings[number].type
        nodes[id].setting = number
        nodes[id].rules = number
        nodes[id].type = type
        while let element = type.element {
            id = child(of: id, .element)
            nodes[id].type = nodes[id].type ?? element
            nodes[id].rules = nodes[id].rules ?? number
            type = element
        }
        return declared
    }

    private mutating func child(of id: Int, _ step: Setting.Step) -> Int {
        let existing: Int? =
            switch step {
            case .key(let name): nodes[id].fields[name]
            case .wildcard: nodes[id].wildcard
            case .element: nodes[id].element
            }
        if let existing { return existing }
        let new = nodes.count
        nodes.append(Node())
        switch step {
        case .key(let name):
            nodes[id].fields[name] = new
            nodes[id].names.append(name)
        case .wildcard: nodes[id].wildcard = new
        case .element: nodes[id].element = new
        }
        return new
    }

    private func checkShape(_ id: Int) throws(ConfigError) {
        let hasKeys = nodes[id].hasKeys
        let hasElement = nodes[id].element != nil
        guard hasKeys || hasElement else { return }
        if (hasKeys && !nodes[id].allowsObject) || (hasElement && !nodes[id].allowsArray)
            || (nodes[id].type == nil && hasKeys && hasElement)
        {
            let own = setting(id)
            let below = settings.first { $0.path != own?.path && leads($0, through: id) }
            throw ConfigError(
                Setting.origin((below ?? own)?.path ?? ""),
                "the key lies below one that is declared as \(nodes[id].type?.description ?? "both an array and an object")"
            )
        }
    }

    private func leads(_ setting: Setting, through id: Int) -> Bool {
        var current = 0
        for step in setting.steps ?? [] {
            let next: Int? =
                switch step {
                case .key(let name): nodes[current].fields[name]
                case .wildcard: nodes[current].wildcard
                case .element: nodes[current].element
                }
            guard let next else { return false }
            if next == id { return true }
            current = next
        }
        return false
    }

    private mutating func parseFallbacks(_ ids: [Int]) throws(ConfigError) {
        // A few texts are the defaults of most settings.
        var known: [String: Value] = [:]
        for id in ids {
            guard let setting = setting(id), let text = setting.fallback else { continue }
            if known[text] == nil { known[text] = try setting.parsedFallback(text) }
            nodes[id].fallback = known[text]
        }
    }

    private func checkFallback(_ id: Int) throws(ConfigError) {
        guard let setting = setting(id), let fallback = nodes[id].fallback else { return }
        var check = SchemaCheck(self)
        _ = check.value(id, fallback, path: setting.path, enclosing: .fallback)
        if let error = check.errors.first {
            throw ConfigError(Setting.origin(setting.path), "the default does not fit: \(error.message)")
        }
    }

    /// What is declared at a node.
    func setting(_ id: Int) -> Setting? { nodes[id].setting.map { settings[$0] } }

    /// The value with defaults filled in and units turned into plain numbers, and everything that is wrong with it.
    /// `prefix` is where the value stands in the whole configuration, for messages.
    public func validate(_ value: Value, under prefix: String = "") -> (value: Value, errors: [ConfigError]) {
        var check = SchemaCheck(self)
        let checked = check.value(0, value, path: prefix, enclosing: value.origin)
        return (checked ?? value, check.errors)
    }

    /// The same for what is below one root, whatever is wrong with the others.
    public func validate(_ value: Value, at root: String) -> (value: Value?, errors: [ConfigError]) {
        guard let id = nodes[0].fields[root] else { return (nil, []) }
        var check = SchemaCheck(self)
        let checked = check.value(id, value.object()?[root], path: root, enclosing: value.origin)
        return (checked, check.errors)
    }
}

extension Setting {
    fileprivate func parsedFallback(_ text: String) throws(ConfigError) -> Value? {
        let place = Self.origin(path)
        var parser = try Parser(Array(text.utf8), file: place.file, loader: Loader())
        let root = ObjectNode(place)
        root.assign(["value"], try parser.onlyValue(), keyOrigin: place)
        return try Resolver.value(of: root).lookup("value")?.withOrigin(.fallback)
    }
}

extension Value {
    fileprivate func withOrigin(_ origin: Origin) -> Value {
        switch kind {
        case .array(let items):
            return Value(.array(items.map { $0.withOrigin(origin) }), origin)
        case .object(let object):
            var moved = Object()
            for field in object.fields { moved.set(field.key, field.value.withOrigin(origin), keyOrigin: origin) }
            return Value(.object(moved), origin)
        case .null, .bool, .number, .string:
            return Value(kind, origin)
        }
    }
}
