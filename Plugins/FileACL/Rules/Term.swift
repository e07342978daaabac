// SPDX-License-Identifier: Apache-2.0
// Erlang terms with the places they were written at, and the parser that makes them from tokens. It knows nothing of
// rules; it stops at the first mistake, since after a missing bracket every further complaint would be a guess.

struct Term {
    indirect enum Kind {
        case atom(String)
        case string([UInt8])
        case integer(Int)
        case list([Term])
        case tuple([Term])
    }
    let kind: Kind
    let start: Position
    /// The offset after the last byte.
    let end: Int

    /// What an error sentence calls it.
    var description: String {
        switch kind {
        case .atom(let name): "the word \(name)"
        case .string(let bytes): "the string \"\(String(decoding: bytes, as: UTF8.self))\""
        case .integer(let value): "the number \(value)"
        case .list(let items): items.isEmpty ? "an empty list" : "a list"
        case .tuple: "a tuple in braces"
        }
    }

    var atom: String? {
        if case .atom(let name) = kind { name } else { nil }
    }

    var string: [UInt8]? {
        if case .string(let bytes) = kind { bytes } else { nil }
    }

    var list: [Term]? {
        if case .list(let items) = kind { items } else { nil }
    }

    var tuple: [Term]? {
        if case .tuple(let items) = kind { items } else { nil }
    }

    func mistake(_ sentence: String) -> Mistake { Mistake(start, sentence) }
}

struct TermParser {
    private var lexer: Lexer
    private var token: Token
    /// Deeper than any rule needs, and far from the end of the stack.
    private static let depthLimit = 32

    init(_ text: [UInt8]) throws(Mistake) {
        lexer = Lexer(text)
        token = try lexer.next()
    }

    /// The next term with its dot, or nil at the end of the file.
    mutating func next() throws(Mistake) -> Term? {
        if token.kind == .end { return nil }
        if token.kind == .dot { throw Mistake(token.start, "There is no rule before this dot: remove the dot.") }
        let term = try parse(0)
        guard token.kind == .dot else {
            throw Mistake(token.start, missingDot(after: term))
        }
        try advance()
        return term
    }

    private func missingDot(after term: Term) -> String {
        switch token.kind {
        case .end: "The last rule of the file does not end with a dot: add one."
        case .rightBrace, .rightBracket: "This closing bracket has no opening one: remove it."
        case .comma: "Rules are separated by a dot and a new line, not by a comma."
        default: "The rule before this place, of line \(term.start.line), does not end with a dot: add one."
        }
    }

    private mutating func parse(_ depth: Int) throws(Mistake) -> Term {
        let start = token.start
        guard depth < Self.depthLimit else {
            throw Mistake(start, "The terms are nested more than \(Self.depthLimit) deep.")
        }
        switch token.kind {
        case .leftBrace: return try items(.rightBrace, "}", depth) { .tuple($0) }
        case .leftBracket: return try items(.rightBracket, "]", depth) { .list($0) }
        case .leftBinary: return try binary()
        case .string: return try strings()
        case .atom(let name): return try leaf(.atom(name))
        case .integer(let value): return try leaf(.integer(value))
        case .end: throw Mistake(start, "The file ends in the middle of a rule.")
        case .comma: throw Mistake(start, "A value is missing before this comma.")
        default: throw Mistake(start, "A value is missing here.")
        }
    }

    private mutating func items(
        _ close: Token.Kind,
        _ bracket: String,
        _ depth: Int,
        _ make: ([Term]) -> Term.Kind
    ) throws(Mistake) -> Term {
        let start = token.start
        try advance()
        var items: [Term] = []
        while token.kind != close {
            if !items.isEmpty {
                guard token.kind == .comma else { throw unclosed(start, bracket) }
                try advance()
                if token.kind == close { throw Mistake(token.start, "A value is missing after the last comma.") }
            }
            items.append(try parse(depth + 1))
        }
        let end = token.end
        try advance()
        return Term(kind: make(items), start: start, end: end)
    }

    private func unclosed(_ start: Position, _ bracket: String) -> Mistake {
        let opened = "the bracket opened at \(start.line):\(start.column)"
        return switch token.kind {
        case .end, .dot: Mistake(token.start, "A \(bracket) is missing before this place: it closes \(opened).")
        case .rightBrace, .rightBracket: Mistake(token.start, "This should be \(bracket), which closes \(opened).")
        default: Mistake(token.start, "A comma or \(bracket) is missing before this place.")
        }
    }

    private mutating func leaf(_ kind: Term.Kind) throws(Mistake) -> Term {
        let term = Term(kind: kind, start: token.start, end: token.end)
        try advance()
        return term
    }

    /// Neighbouring strings are one string.
    private mutating func strings() throws(Mistake) -> Term {
        let start = token.start
        var end = token.end
        var bytes: [UInt8] = []
        while case .string(let more) = token.kind {
            bytes += more
            end = token.end
            try advance()
        }
        return Term(kind: .string(bytes), start: start, end: end)
    }

    /// `<<"text">>` or `<<"text"/utf8>>`, after the tokens were seen to begin so.
    private mutating func binary() throws(Mistake) -> Term {
        let start = token.start
        try advance()
        var bytes: [UInt8] = []
        if case .string = token.kind { bytes = try strings().string ?? [] }
        if token.kind == .slash {
            try advance()
            guard token.kind == .atom("utf8") else { throw Mistake(token.start, "Only /utf8 can stand here.") }
            try advance()
        }
        guard token.kind == .rightBinary else {
            throw Mistake(token.start, "A binary is written <<\"text\">>: its >> is missing here.")
        }
        return Term(kind: .string(bytes), start: start, end: try end())
    }

    private mutating func end() throws(Mistake) -> Int {
        let end = token.end
        try advance()
        return end
    }

    private mutating func advance() throws(Mistake) { token = try lexer.next() }
}
