// SPDX-License-Identifier: Apache-2.0
// Quoted strings in their three forms ("…" with JSON escapes, """…""" as it stands, """~ … ~""" without its common
// indentation) and `${path}` substitutions.

extension Lexer {
    mutating func quotedString() throws(ConfigError) -> String {
        if has("\"\"\"") { return try multilineString() }
        let opening = origin
        advance(to: position + 1)
        var out: [UInt8] = []
        while let byte = byte() {
            switch byte {
            case UInt8(ascii: "\""):
                advance(to: position + 1)
                return String(decoding: out, as: UTF8.self)
            case UInt8(ascii: "\\"):
                try escape(into: &out)
            case UInt8(ascii: "\n"):
                throw unclosed(opening)
            case 0..<0x20 where byte != UInt8(ascii: "\t"):
                throw ConfigError(origin, "a control character in a string must be written as an escape such as \\n")
            default:
                out.append(byte)
                advance(to: position + 1)
            }
        }
        throw unclosed(opening)
    }

    private func unclosed(_ opening: Origin) -> ConfigError {
        ConfigError(
            opening,
            "the string that starts here is not closed on its line; add the closing quote, or use \"\"\" for several lines"
        )
    }

    private mutating func escape(into out: inout [UInt8]) throws(ConfigError) {
        let place = origin
        let plain: UInt8? =
            switch byte(1) {
            case UInt8(ascii: "\""): UInt8(ascii: "\"")
            case UInt8(ascii: "\\"): UInt8(ascii: "\\")
            case UInt8(ascii: "/"): UInt8(ascii: "/")
            case UInt8(ascii: "b"): 0x08
            case UInt8(ascii: "f"): 0x0c
            case UInt8(ascii: "n"): 0x0a
            case UInt8(ascii: "r"): 0x0d
            case UInt8(ascii: "t"): 0x09
            default: nil
            }
        if let plain {
            out.append(plain)
            advance(to: position + 2)
            return
        }
        guard byte(1) == UInt8(ascii: "u") else {
            throw ConfigError(place, "unknown escape in a string; write a backslash itself as \\\\")
        }
        var scalar = try hexadecimal(place)
        if scalar & 0xfc00 == 0xd800, has("\\u") {
            let low = try hexadecimal(place)
            if low & 0xfc00 == 0xdc00 { scalar = 0x10000 + (scalar & 0x3ff) << 10 + low & 0x3ff }
        }
        guard let character = UnicodeScalar(scalar) else {
            throw ConfigError(
                place,
                "half of a surrogate pair in a \\u escape; write both halves, or the character itself"
            )
        }
        out += Character(character).utf8
    }

    /// Reads `\uXXXX`, which starts at the position.
    private mutating func hexadecimal(_ place: Origin) throws(ConfigError) -> UInt32 {
        var scalar: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = byte(offset).flatMap({ Character(UnicodeScalar($0)).hexDigitValue }) else {
                throw ConfigError(place, "a \\u escape needs four hexadecimal digits")
            }
            scalar = scalar << 4 | UInt32(digit)
        }
        advance(to: position + 6)
        return scalar
    }

    private mutating func multilineString() throws(ConfigError) -> String {
        let opening = origin
        advance(to: position + 3)
        var stripsIndentation = false
        for marker: StaticString in ["~\n", "~\r\n"] where has(marker) {
            advance(to: position + marker.utf8CodeUnitCount)
            stripsIndentation = true
            break
        }
        let start = position
        while byte() != nil, !has("\"\"\"") { advance(to: position + 1) }
        guard byte() != nil else {
            throw ConfigError(opening, "the string that starts here is never closed; add the closing \"\"\"")
        }
        // Of a longer run of quotes the last three close, the others belong to the text.
        while byte(3) == UInt8(ascii: "\"") { advance(to: position + 1) }
        var end = position
        advance(to: position + 3)
        if !stripsIndentation { return text(start, end) }
        if end > start, bytes[end - 1] == UInt8(ascii: "~") { end -= 1 }
        return Self.withoutIndentation(bytes[start..<end])
    }

    /// Removes the smallest indentation of any line that holds text. Blank lines and the line of the closing quotes do
    /// not count, and lose at most as much.
    private static func withoutIndentation(_ text: ArraySlice<UInt8>) -> String {
        let space = UInt8(ascii: " ")
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let indentation =
            lines.filter { line in line.contains { $0 != space && $0 != UInt8(ascii: "\r") } }
            .map { $0.prefix { $0 == space }.count }
            .min() ?? 0
        let stripped = lines.map { $0.dropFirst(min(indentation, $0.prefix { $0 == space }.count)) }
        return String(decoding: Array(stripped.joined(separator: [UInt8(ascii: "\n")])), as: UTF8.self)
    }

    mutating func substitution() throws(ConfigError) -> Token.Kind {
        let opening = origin
        guard has("${") else {
            throw ConfigError(opening, "\"$\" starts a substitution such as ${path}; put the text in double quotes")
        }
        advance(to: position + 2)
        let optional = byte() == UInt8(ascii: "?")
        if optional { advance(to: position + 1) }
        var pieces: [PathExpression.Piece] = []
        skipWhitespace()
        while let byte = byte(), byte != UInt8(ascii: "}") {
            switch byte {
            case UInt8(ascii: "\""):
                pieces.append(.quoted(try quotedString()))
            case UInt8(ascii: "\n"), UInt8(ascii: "{"), UInt8(ascii: "$"), UInt8(ascii: "["), UInt8(ascii: "]"),
                UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "#"):
                throw ConfigError(opening, "the substitution that starts here must be a path followed by \"}\"")
            default:
                let word = try unquotedText()
                guard !word.isEmpty else {
                    throw ConfigError(opening, "the substitution that starts here must be a path followed by \"}\"")
                }
                pieces.append(.unquoted(word))
            }
            let end = position
            skipWhitespace()
            if end != position, self.byte() != UInt8(ascii: "}") {
                throw ConfigError(origin, "white space in a substitution's path; put the key in double quotes")
            }
        }
        guard byte() != nil, !pieces.isEmpty else {
            throw ConfigError(opening, "the substitution that starts here must be a path followed by \"}\"")
        }
        advance(to: position + 1)
        return .substitution(path: try PathExpression.segments(pieces, at: opening), optional: optional)
    }
}
