// SPDX-License-Identifier: Apache-2.0
// Bytes into tokens. White space on a line is kept with the token after it, because it is part of a joined string;
// newlines are tokens, because they end values. Strings are read in Lexer+Strings.swift.

struct Token {
    enum Kind: Equatable {
        case openBrace
        case closeBrace
        case openBracket
        case closeBracket
        case comma
        case newline
        /// `=` or `:`
        case separator
        case plusEquals
        case quoted(String)
        case unquoted(String)
        case substitution(path: [String], optional: Bool)
        case end
    }

    var kind: Kind
    var origin: Origin
    /// The white space between the previous token of the line and this one.
    var space: String

    /// How a message names the token.
    var name: String {
        switch kind {
        case .openBrace: "\"{\""
        case .closeBrace: "\"}\""
        case .openBracket: "\"[\""
        case .closeBracket: "\"]\""
        case .comma: "a comma"
        case .newline: "the end of the line"
        case .separator: "\"=\" or \":\""
        case .plusEquals: "\"+=\""
        case .quoted: "a quoted string"
        case .unquoted(let text): text.utf8.count > 40 ? "a word" : JSONText.quoted(text)
        case .substitution: "a substitution"
        case .end: "the end of the file"
        }
    }
}

struct Lexer {
    let bytes: [UInt8]
    let file: String
    private(set) var position = 0
    private(set) var sawComment = false
    private var line = 1
    private var column = 1

    /// Refuses what is not UTF-8, so that every later cut at an ASCII byte is text.
    init(_ bytes: [UInt8], file: String) throws(ConfigError) {
        self.bytes = bytes
        self.file = file
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            advance(to: error.byteOffsets.lowerBound)
            throw ConfigError(origin, "the text is not UTF-8 from here on; save the file as UTF-8")
        }
    }

    var origin: Origin { Origin(file: file, line: line, column: column) }

    func byte(_ offset: Int = 0) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    func has(_ text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
        for offset in 0..<text.utf8CodeUnitCount where bytes[position + offset] != text.utf8Start[offset] {
            return false
        }
        return true
    }

    mutating func advance(to end: Int) {
        while position < end {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xc0 != 0x80 {
                column += 1
            }
        }
    }

    func text(_ start: Int, _ end: Int) -> String { String(decoding: bytes[start..<end], as: UTF8.self) }

    mutating func next() throws(ConfigError) -> Token {
        let start = position
        skipWhitespace()
        let space = start == position ? "" : text(start, position)
        if byte() == UInt8(ascii: "#") || has("//") {
            sawComment = true
            advance(to: bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count)
        }
        let origin = origin
        return Token(kind: try kind(), origin: origin, space: space)
    }

    private mutating func kind() throws(ConfigError) -> Token.Kind {
        guard let first = byte() else { return .end }
        let punctuation: Token.Kind? =
            switch first {
            case UInt8(ascii: "{"): .openBrace
            case UInt8(ascii: "}"): .closeBrace
            case UInt8(ascii: "["): .openBracket
            case UInt8(ascii: "]"): .closeBracket
            case UInt8(ascii: ","): .comma
            case UInt8(ascii: "\n"): .newline
            case UInt8(ascii: "="), UInt8(ascii: ":"): .separator
            default: nil
            }
        if let punctuation {
            advance(to: position + 1)
            return punctuation
        }
        switch first {
        case UInt8(ascii: "\""):
            return .quoted(try quotedString())
        case UInt8(ascii: "$"):
            return try substitution()
        case UInt8(ascii: "+") where byte(1) == UInt8(ascii: "="):
            advance(to: position + 2)
            return .plusEquals
        default:
            return .unquoted(try unquotedText())
        }
    }

    /// White space of one line: ASCII's, Unicode's separators and the byte order mark, but not the newline.
    mutating func skipWhitespace() {
        while true {
            let length = whitespaceLength()
            if length == 0 { return }
            advance(to: position + length)
        }
    }

    private func whitespaceLength() -> Int {
        switch (byte() ?? 0, byte(1) ?? 0, byte(2) ?? 0) {
        case (0x20, _, _), (0x09, _, _), (0x0b...0x0d, _, _), (0x1c...0x1f, _, _): 1
        case (0xc2, 0xa0, _): 2
        case (0xe1, 0x9a, 0x80): 3
        case (0xe2, 0x80, 0x80...0x8a), (0xe2, 0x80, 0xa8...0xa9), (0xe2, 0x80, 0xaf), (0xe2, 0x81, 0x9f): 3
        case (0xe3, 0x80, 0x80), (0xef, 0xbb, 0xbf): 3
        default: 0
        }
    }

    /// A word outside quotes. Unlike HOCON proper, `@` may be in it, as users of EMQX's node names expect.
    mutating func unquotedText() throws(ConfigError) -> String {
        let start = position
        // A number first: it alone may hold a "+", in its exponent.
        advance(to: position + NumberText.prefixLength(bytes, from: position))
        while let byte = byte(), !has("//"), whitespaceLength() == 0, !Self.endsWord(byte) {
            if byte < 0x20 || byte == 0x7f {
                throw ConfigError(origin, "a control character may only be written inside double quotes, as an escape")
            }
            if Self.needsQuotes(byte) {
                let character = String(UnicodeScalar(byte))
                throw ConfigError(
                    origin,
                    "the character \(JSONText.quoted(character)) is not allowed here; put the text in double quotes"
                )
            }
            advance(to: position + 1)
        }
        return text(start, position)
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","),
            UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "$"),
            UInt8(ascii: "\n"):
            true
        default:
            false
        }
    }

    private static func needsQuotes(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "+"), UInt8(ascii: "`"), UInt8(ascii: "^"), UInt8(ascii: "?"), UInt8(ascii: "!"),
            UInt8(ascii: "*"), UInt8(ascii: "&"), UInt8(ascii: "\\"):
            true
        default:
            false
        }
    }
}
