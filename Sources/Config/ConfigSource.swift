// SPDX-License-Identifier: Apache-2.0
// The way in: texts, files and environment variables in rising precedence become one value tree. Substitutions are
// computed last, over everything, so that a file may refer to what a later one or the environment sets.

public struct ConfigSource {
    private let root: ObjectNode
    private let loader = Loader()

    /// `name` is what messages call the configuration as a whole, usually its main file.
    public init(name: String) {
        root = ObjectNode(Origin(file: name, line: 1, column: 1))
    }

    /// What is odd but not wrong, for the log: missing optional includes, environment variables nobody reads.
    public var warnings: [ConfigError] { loader.warnings }

    /// Adds a file's fields over what is there. A file that does not exist is an error only if it is required.
    public func add(file: String, required: Bool = true) throws(ConfigError) {
        if let object = try loader.object(in: file, includedAt: nil) {
            root.merge(object)
        } else if required {
            throw ConfigError(Origin(file: file), "the configuration file does not exist")
        }
    }

    /// Adds the fields of a text; `file` is its name in messages, and what its includes are relative to.
    public func add(text: String, file: String) throws(ConfigError) {
        try add(bytes: Array(text.utf8), file: file)
    }

    public func add(bytes: [UInt8], file: String) throws(ConfigError) {
        if bytes.count > Limits.fileBytes {
            throw ConfigError(Origin(file: file), "the text is larger than \(Limits.fileBytes >> 20) MB")
        }
        var parser = try Parser(bytes, file: file, loader: loader)
        root.merge(try parser.document())
    }

    /// Adds what variables such as `ISTHMUS_CLUSTER__NAME=b` set: `__` separates keys, case does not matter. The text is
    /// HOCON, or what it is if that is not HOCON and the key takes a text. The schema says which keys exist; variables for
    /// others are ignored with a warning. Answers the names of the variables that were used.
    @discardableResult
    public func add(
        environment: [(name: String, value: String)],
        prefix: String = "ISTHMUS_",
        schema: Schema
    ) throws(ConfigError) -> [String] {
        var used: [String] = []
        for variable in environment.sorted(by: { $0.name < $1.name }) where variable.name.hasPrefix(prefix) {
            let origin = Origin(file: "$\(variable.name)")
            let words = EnvironmentName.words(variable.name.dropFirst(prefix.count))
            switch schema.match(words, existing: root) {
            case .unknown(let reason):
                loader.warn(ConfigError(origin, "the variable is ignored: \(reason)"))
            case .path(let path, let form):
                root.assign(path, try node(variable.value, form, at: path, origin), keyOrigin: origin)
                used.append(variable.name)
            }
        }
        return used
    }

    private func node(
        _ text: String,
        _ form: Schema.TextForm,
        at path: [String],
        _ origin: Origin
    ) throws(ConfigError) -> Node {
        let first = text.utf8.first { $0 > UInt8(ascii: " ") }
        let isStructure = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        let mayBeText = form == .always || form == .ofScalars && !isStructure
        let raw = Node.value(Value(.string(text), Origin(file: origin.file, line: 1, column: 1)))
        do throws(ConfigError) {
            var parser = try Parser(Array(text.utf8), file: origin.file, loader: loader)
            parser.path = path
            let node = try parser.onlyValue()
            if !parser.lexer.sawComment { return node }
            // A "#" in a password is part of it.
            if mayBeText { return raw }
            loader.warn(ConfigError(origin, "\"#\" or \"//\" starts a comment in the value; put text in double quotes"))
            return node
        } catch {
            if mayBeText { return raw }
            throw error
        }
    }

    /// All of it, with substitutions carried out and not yet checked against a schema.
    public func value() throws(ConfigError) -> Value {
        try Resolver.value(of: root)
    }

    /// The value of one file.
    public static func load(_ path: String) throws(ConfigError) -> Value {
        let source = ConfigSource(name: path)
        try source.add(file: path)
        return try source.value()
    }

    /// The value of one text.
    public static func parse(_ text: String, file: String) throws(ConfigError) -> Value {
        let source = ConfigSource(name: file)
        try source.add(text: text, file: file)
        return try source.value()
    }
}

enum EnvironmentName {
    /// `CLUSTER__LINKS` is cluster, links.
    static func words(_ name: Substring) -> [String] {
        let bytes = Array(name.lowercased().utf8)
        var words: [[UInt8]] = [[]]
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "_"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "_") {
                words.append([])
                index += 2
            } else {
                words[words.count - 1].append(bytes[index])
                index += 1
            }
        }
        return words.map { String(decoding: $0, as: UTF8.self) }
    }
}
