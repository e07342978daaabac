// SPDX-License-Identifier: Apache-2.0
// Tokens into nodes: objects, arrays, keys and the values of one line. It follows HOCON, with what EMQX users know:
// keys without white space, no "+=". Include statements are in Parser+Include.swift; it computes nothing.

struct Parser {
    var lexer: Lexer
    let loader: Loader
    /// The key path of the object being read, for `${…}` in included files; nil inside arrays, which have no path.
    var path: [String]?
    /// The path under which this file was included.
    let prefix: [String]
    private var token: Token
    private var depth: Int

    init(
        _ bytes: [UInt8],
        file: String,
        loader: Loader,
        prefix: [String] = [],
        depth: Int = 0
    ) throws(ConfigError) {
        lexer = try Lexer(bytes, file: file)
        self.loader = loader
        self.prefix = prefix
        self.depth = depth
        path = prefix
        token = try lexer.next()
    }

    var current: Token { token }
    var nesting: Int { depth }

    mutating func advance() throws(ConfigError) {
        token = try lexer.next()
    }

    /// Whether there was a newline.
    @discardableResult
    mutating func skipNewlines() throws(ConfigError) -> Bool {
        var found = false
        while token.kind == .newline {
            found = true
            try advance()
        }
        return found
    }

    func unexpected(_ expected: String) -> ConfigError {
        ConfigError(token.origin, "expected \(expected), found \(token.name)")
    }

    /// A whole file: fields, with or without braces around them.
    mutating func document() throws(ConfigError) -> ObjectNode {
        let start = token.origin
        try skipNewlines()
        let object: ObjectNode
        switch token.kind {
        case .openBrace:
            object = try self.object()
            try skipNewlines()
        case .openBracket:
            throw ConfigError(
                token.origin,
                "a configuration file holds keys, not an array; write a key before the \"[\""
            )
        default:
            object = ObjectNode(start)
            try fields(into: object, until: .end, opening: start)
        }
        switch token.kind {
        case .end: return object
        case .closeBrace:
            throw ConfigError(token.origin, "this \"}\" closes nothing; remove it or add the missing \"{\"")
        default: throw unexpected("the end of the file after the closing \"}\"")
        }
    }

    /// A text that is one value, as in an environment variable.
    mutating func onlyValue() throws(ConfigError) -> Node {
        try skipNewlines()
        if token.kind == .end { return .value(Value(.string(""), token.origin)) }
        let node = try value(of: .text)
        try skipNewlines()
        guard token.kind == .end else { throw unexpected("one value; put text with \":\" or \"=\" in double quotes") }
        return node
    }

    private mutating func enter() throws(ConfigError) {
        depth += 1
        if depth > Limits.nesting {
            throw ConfigError(token.origin, "more than \(Limits.nesting) objects and arrays are nested here")
        }
    }

    private mutating func object() throws(ConfigError) -> ObjectNode {
        let object = ObjectNode(token.origin)
        try enter()
        try advance()
        try fields(into: object, until: .closeBrace, opening: object.origin)
        if token.kind != .closeBrace {
            throw ConfigError(object.origin, "the object that starts here is not closed; add the missing \"}\"")
        }
        try advance()
        depth -= 1
        return object
    }

    private mutating func fields(into object: ObjectNode, until end: Token.Kind, opening: Origin) throws(ConfigError) {
        try skipNewlines()
        while token.kind != end {
            if token.kind == .end {
                throw ConfigError(opening, "the object that starts here is not closed; add the missing \"}\"")
            }
            if token.kind == .closeBrace { return }
            try field(into: object)
            try separator(until: end, between: "fields")
        }
    }

    /// Between two fields or elements: newlines, and at most one comma.
    private mutating func separator(until end: Token.Kind, between things: String) throws(ConfigError) {
        let newline = try skipNewlines()
        if token.kind == .comma {
            try advance()
            try skipNewlines()
            if token.kind == .comma { throw ConfigError(token.origin, "two commas in a row; remove one") }
        } else if !newline, token.kind != end, token.kind != .end, token.kind != .closeBrace {
            throw unexpected("a comma or a new line between two \(things)")
        }
    }

    private mutating func field(into object: ObjectNode) throws(ConfigError) {
        let keyOrigin = token.origin
        if token.kind == .unquoted("include") {
            try include(into: object)
            return
        }
        let key = try self.key()
        if depth + key.count > Limits.nesting {
            throw ConfigError(keyOrigin, "more than \(Limits.nesting) objects and arrays are nested here")
        }
        let outer = path
        path = path.map { $0 + key }
        depth += key.count - 1
        try skipNewlines()
        switch token.kind {
        case .separator:
            try advance()
            try skipNewlines()
        case .openBrace:
            break
        case .plusEquals:
            let target = PathExpression.text(key)
            throw ConfigError(token.origin, "\"+=\" is not supported; write \(target) = ${?\(target)} [ … ] instead")
        default:
            throw ConfigError(
                keyOrigin,
                "\"=\", \":\" or \"{\" must follow the key \(Self.name(key)), not \(token.name)"
            )
        }
        let node = try value(of: .field(key, keyOrigin))
        depth -= key.count - 1
        path = outer
        object.assign(key, node, keyOrigin: keyOrigin)
    }

    private static func name(_ key: [String]) -> String { JSONText.quoted(PathExpression.text(key)) }

    private mutating func key() throws(ConfigError) -> [String] {
        let origin = token.origin
        var pieces: [PathExpression.Piece] = []
        while true {
            switch token.kind {
            case .quoted(let text): pieces.append(.quoted(text))
            case .unquoted(let text): pieces.append(.unquoted(text))
            default:
                if pieces.isEmpty { throw unexpected("a key") }
                return try PathExpression.segments(pieces, at: origin)
            }
            if pieces.count > 1, !token.space.isEmpty {
                throw ConfigError(
                    token.origin,
                    "white space in a key; put the key in double quotes, or \"=\" between key and value"
                )
            }
            try advance()
        }
    }

    private mutating func array() throws(ConfigError) -> Node {
        let opening = token.origin
        let outer = path
        path = nil
        try enter()
        try advance()
        var items: [Node] = []
        try skipNewlines()
        while token.kind != .closeBracket {
            if token.kind == .end {
                throw ConfigError(
                    opening,
                    "the array that starts here is not closed; add the missing \"]\" (\"#\" and \"//\" start comments outside quotes)"
                )
            }
            items.append(try value(of: .array(opening)))
            if token.kind == .closeBrace { throw unexpected("\"]\" at the end of the array") }
            try separator(until: .closeBracket, between: "elements")
        }
        try advance()
        depth -= 1
        path = outer
        return .array(items, opening)
    }

    /// What a value belongs to, for messages.
    private enum Holder {
        case field([String], Origin)
        case array(Origin)
        case text

        var place: String {
            switch self {
            case .field(let key, _): "for the key \(Parser.name(key))"
            case .array(let opening): "in the array that starts at \(opening)"
            case .text: "here"
            }
        }

        /// The error for a `=` where a value goes on or, without one, should start.
        func misplaced(_ token: Token, value: Origin?) -> ConfigError {
            guard let value else { return ConfigError(token.origin, "expected a value \(place), found \(token.name)") }
            switch self {
            case .field(let key, let origin) where value.line > origin.line:
                return ConfigError(
                    origin,
                    "the key \(Parser.name(key)) has no value; write one, or \"\" for an empty one"
                )
            case .array(let opening):
                return ConfigError(
                    token.origin,
                    "\(token.name) in the array that starts at \(opening); close the array with \"]\", which \"#\" and "
                        + "\"//\" hide outside quotes, or put the text in double quotes"
                )
            case .field, .text:
                return ConfigError(
                    token.origin,
                    "\(token.name) inside a value; put the text in double quotes, or a comma before the next key"
                )
            }
        }
    }

    /// Everything up to the end of the line, a comma or a closing bracket.
    private mutating func value(of holder: Holder) throws(ConfigError) -> Node {
        let origin = token.origin
        var pieces: [Node.Piece] = []
        while true {
            let space = pieces.isEmpty ? "" : token.space
            switch token.kind {
            case .openBrace:
                pieces.append(Node.Piece(node: .object(try object()), space: space))
            case .openBracket:
                pieces.append(Node.Piece(node: try array(), space: space))
            case .quoted(let text):
                pieces.append(Node.Piece(node: .value(Value(.string(text), token.origin)), space: space))
                try advance()
            case .unquoted(let text):
                pieces.append(Node.Piece(node: .value(Value(Self.kind(of: text), token.origin)), space: space))
                try advance()
            case .substitution(let target, let optional):
                let reference = Reference(path: target, optional: optional, prefix: prefix, origin: token.origin)
                pieces.append(Node.Piece(node: .reference(reference), space: space))
                try advance()
            case .newline, .comma, .closeBrace, .closeBracket, .end:
                if pieces.isEmpty { throw unexpected("a value \(holder.place)") }
                return try Concatenation.node(pieces, at: origin)
            case .separator, .plusEquals:
                // What cannot be joined is the likelier mistake: `a { } b = 1`.
                if !pieces.isEmpty { _ = try Concatenation.node(pieces, at: origin) }
                throw holder.misplaced(token, value: pieces.isEmpty ? nil : origin)
            }
            try loader.countValue(at: origin)
        }
    }

    private static func kind(of word: String) -> Value.Kind {
        switch word {
        case "true": .bool(true)
        case "false": .bool(false)
        case "null": .null
        default: NumberText.isNumber(word) ? .number(word) : .string(word)
        }
    }
}
