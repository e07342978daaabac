// SPDX-License-Identifier: Apache-2.0
// Erlang's tokens, as far as an acl.conf uses them: punctuation, atoms, strings with their escapes, integers, and
// comments from % to the end of the line. A string ends on its line: Erlang would let it run on to the next quote of
// the file, and the complaint would come from a place far from the mistake.

struct Token: Equatable {
    enum Kind: Equatable {
        case leftBrace
        case rightBrace
        case leftBracket
        case rightBracket
        case leftBinary
        case rightBinary
        case comma
        case slash
        case dot
        case atom(String)
        case string([UInt8])
        case integer(Int)
        case end
    }
    let kind: Kind
    let start: Position
    /// The offset after the last byte.
    let end: Int
}

struct Lexer {
    let text: [UInt8]
    private(set) var position = Position()

    init(_ text: [UInt8]) {
        self.text = text
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { position.offset = 3 }
    }

    mutating func next() throws(Mistake) -> Token {
        skipBlanks()
        let start = position
        let kind = try scan()
        return Token(kind: kind, start: start, end: position.offset)
    }

    private mutating func scan() throws(Mistake) -> Token.Kind {
        guard let byte = peek() else { return .end }
        let start = position
        switch byte {
        case UInt8(ascii: "{"): return take(.leftBrace)
        case UInt8(ascii: "}"): return take(.rightBrace)
        case UInt8(ascii: "["): return take(.leftBracket)
        case UInt8(ascii: "]"): return take(.rightBracket)
        case UInt8(ascii: ","): return take(.comma)
        case UInt8(ascii: "/"): return take(.slash)
        case UInt8(ascii: "<") where peek(1) == byte: return take(.leftBinary, 2)
        case UInt8(ascii: ">") where peek(1) == byte: return take(.rightBinary, 2)
        case UInt8(ascii: "."):
            advance()
            guard peek().map({ $0 <= UInt8(ascii: " ") || $0 == UInt8(ascii: "%") }) ?? true else {
                throw Mistake(start, "The dot that ends a rule must be followed by a space or a new line.")
            }
            return .dot
        case UInt8(ascii: "\""): return .string(try quoted(byte, "string"))
        case UInt8(ascii: "'"): return .atom(String(decoding: try quoted(byte, "quoted atom"), as: UTF8.self))
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): return try integer()
        case UInt8(ascii: "a")...UInt8(ascii: "z"): return .atom(word())
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
            let name = word()
            throw Mistake(
                start,
                "\(name) begins with a capital letter or _, which is no word of this language: write it in lower case "
                    + "or in double quotes."
            )
        default:
            throw Mistake(start, "The character \(character(at: start.offset)) does not belong here.")
        }
    }

    private mutating func integer() throws(Mistake) -> Token.Kind {
        let start = position
        advance()
        while let byte = peek(), isWordByte(byte) || byte == UInt8(ascii: "#") { advance() }
        let digits = String(decoding: text[start.offset..<position.offset], as: UTF8.self)
        guard let value = Int(digits) else { throw Mistake(start, "\(digits) is not a whole number.") }
        return .integer(value)
    }

    private mutating func word() -> String {
        let start = position.offset
        while let byte = peek(), isWordByte(byte) { advance() }
        return String(decoding: text[start..<position.offset], as: UTF8.self)
    }

    private mutating func quoted(_ quote: UInt8, _ what: String) throws(Mistake) -> [UInt8] {
        let start = position
        var bytes: [UInt8] = []
        advance()
        while let byte = peek(), byte != UInt8(ascii: "\n") {
            advance()
            if byte == quote { return bytes }
            if byte == UInt8(ascii: "\\") {
                try appendEscape(to: &bytes)
            } else {
                bytes.append(byte)
            }
        }
        throw Mistake(
            start,
            "The \(what) that begins here is not closed on its line: add a \(Character(Unicode.Scalar(quote)))."
        )
    }

    private mutating func appendEscape(to bytes: inout [UInt8]) throws(Mistake) {
        let start = position
        guard let byte = peek(), byte != UInt8(ascii: "\n") else { return }
        advance()
        switch byte {
        case UInt8(ascii: "x"): bytes += try hexEscape(start)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            var value = UInt32(byte - UInt8(ascii: "0"))
            for _ in 0..<2 {
                guard let digit = peek(), (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else { break }
                value = value * 8 + UInt32(digit - UInt8(ascii: "0"))
                advance()
            }
            bytes += try utf8(value, start)
        case UInt8(ascii: "^"):
            guard let control = peek(), control >= UInt8(ascii: "@"), control <= UInt8(ascii: "z") else {
                throw Mistake(start, "\\^ must be followed by a letter.")
            }
            advance()
            bytes.append(control & 31)
        default: bytes.append(singleEscapes[byte] ?? byte)
        }
    }

    /// `\xHH` and `\x{H...}`, after the x.
    private mutating func hexEscape(_ start: Position) throws(Mistake) -> [UInt8] {
        let braces = peek() == UInt8(ascii: "{")
        if braces { advance() }
        var value: UInt32 = 0
        var digits = 0
        while digits < (braces ? 8 : 2), let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue {
            value = value << 4 | UInt32(digit)
            digits += 1
            advance()
        }
        let complete = braces ? digits > 0 && peek() == UInt8(ascii: "}") : digits == 2
        guard complete else {
            throw Mistake(start, "\\x must be followed by two hexadecimal digits, or by some between { and }.")
        }
        if braces { advance() }
        return try utf8(value, start)
    }

    private func utf8(_ value: UInt32, _ start: Position) throws(Mistake) -> [UInt8] {
        guard let scalar = Unicode.Scalar(value) else {
            throw Mistake(start, "\\x{\(String(value, radix: 16))} is no Unicode character.")
        }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func skipBlanks() {
        while let byte = peek() {
            if byte == UInt8(ascii: "%") {
                while let byte = peek(), byte != UInt8(ascii: "\n") { advance() }
            } else if byte <= UInt8(ascii: " ") {
                advance()
            } else {
                return
            }
        }
    }

    private mutating func take(_ kind: Token.Kind, _ count: Int = 1) -> Token.Kind {
        for _ in 0..<count { advance() }
        return kind
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        let index = position.offset + ahead
        return index < text.count ? text[index] : nil
    }

    private mutating func advance() {
        if text[position.offset] == UInt8(ascii: "\n") {
            position.line += 1
            position.column = 1
        } else if position.offset + 1 == text.count || text[position.offset + 1] & 0xC0 != 0x80 {
            position.column += 1
        }
        position.offset += 1
    }

    private func character(at offset: Int) -> String {
        String(String(decoding: text[offset..<min(offset + 4, text.count)], as: UTF8.self).prefix(1))
    }
}

private let singleEscapes: [UInt8: UInt8] = [
    UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "r"): 13, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12,
    UInt8(ascii: "v"): 11, UInt8(ascii: "e"): 27, UInt8(ascii: "s"): 32, UInt8(ascii: "d"): 127,
]

private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "@"):
        true
    default: false
    }
}
