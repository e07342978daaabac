// SPDX-License-Identifier: Apache-2.0
// All settings of the host and of its plugins, as one tree. Building it checks the declarations themselves: types that
// contradict each other, defaults that do not fit.

public struct Schema: Sendable {
    struct Node: Sendable {
        var setting: Setting?
        /// The setting, or for elements the one of their array: whose bounds and secrecy hold.
        var rules: Setting?
        /// Of the setting, or of an array's elements; nil where only keys below are declared.
        var type: SettingType?
        var names: [String] = []
        var fields: [String: Int] = [:]
        var wildcard: Int?
        var element: Int?
        var fallback: Value?

        var hasKeys: Bool { !names.isEmpty || wildcard != nil }

        var allowsObject: Bool {
            type.map { $0.members.contains(.object) } ?? hasKeys
        }

        var allowsArray: Bool {
            type.map { $0.element != nil } ?? (element != nil)
        }
    }

    public let settings: [Setting]
    /// Roots that plugins own which are not loaded: root → plugin, for a better message.
    public let knownRoots: [String: String]
    /// The root is number 0.
    private(set) var nodes: [Node] = [Node()]

    public init(_ settings: [Setting], knownRoots: [String: String] = [:]) throws(ConfigError) {
        self.settings = settings
        self.knownRoots = knownRoots
        for setting in settings { try declare(setting) }
        for id in nodes.indices { try checkShape(id) }
        for id in nodes.indices { try parseFallback(id) }
        for node in nodes { try checkFallback(node) }
    }

    private mutating func declare(_ setting: Setting) throws(ConfigError) {
        let place = Setting.origin(setting.path)
        guard let steps = setting.steps else {
            throw ConfigError(place, "this is not a path such as cluster.links[].server or listeners.tcp.*.bind")
        }
        var id = 0
        for step in steps { id = child(of: id, step) }
        if let other = nodes[id].setting {
            // The same plugin may be loaded more than once.
            if other == setting { return }
            throw ConfigError(place, "the key is declared twice, with different types or defaults")
        }
        nodes[id].setting = setting
        nodes[id].rules = setting
        nodes[id].type = setting.type
        var type = setting.type
        while let element = type.element {
            id = child(of: id, .element)
            nodes[id].type = nodes[id].type ?? element
            nodes[id].rules = nodes[id].rules ?? setting
            type = element
        }
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
        let node = nodes[id]
        if (node.hasKeys && !node.allowsObject) || (node.element != nil && !node.allowsArray)
            || (node.type == nil && node.hasKeys && node.element != nil)
        {
            let below = settings.first { $0.path != node.setting?.path && leads($0, through: id) }
            throw ConfigError(
                Setting.origin((below ?? node.setting)?.path ?? ""),
                "the key lies below one that is declared as \(node.type?.description ?? "both an array and an object")"
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

    private mutating func parseFallback(_ id: Int) throws(ConfigError) {
        guard let setting = nodes[id].setting, let text = setting.fallback else { return }
        let place = Setting.origin(setting.path)
        var parser = try Parser(Array(text.utf8), file: place.file, loader: Loader())
        let root = ObjectNode(place)
        root.assign(["value"], try parser.onlyValue(), keyOrigin: place)
        nodes[id].fallback = try Resolver.value(of: root).lookup("value")?.withOrigin(.fallback)
    }

    private func checkFallback(_ node: Node) throws(ConfigError) {
        guard let setting = node.setting, let fallback = node.fallback, let steps = setting.steps else { return }
        var id = 0
        for step in steps {
            switch step {
            case .key(let name): id = nodes[id].fields[name] ?? 0
            case .wildcard: id = nodes[id].wildcard ?? 0
            case .element: id = nodes[id].element ?? 0
            }
        }
        var check = SchemaCheck(self)
        _ = check.value(id, fallback, path: setting.path, enclosing: Setting.origin(setting.path))
        if let error = check.errors.first {
            throw ConfigError(Setting.origin(setting.path), "the default does not fit: \(error.message)")
        }
    }

    /// The value with defaults filled in and units turned into plain numbers, and everything that is wrong with it.
    /// `prefix` is where the value stands in the whole configuration, for messages.
    public func validate(_ value: Value, under prefix: String = "") -> (value: Value, errors: [ConfigError]) {
        var check = SchemaCheck(self)
        let checked = check.value(0, value, path: prefix, enclosing: value.origin)
        return (checked ?? value, check.errors)
    }
}

extension Value {
    func withOrigin(_ origin: Origin) -> Value {
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
