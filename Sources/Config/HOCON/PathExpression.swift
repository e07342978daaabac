// SPDX-License-Identifier: Apache-2.0
// Dotted paths, in keys and in substitutions: `a.b."c.d"` has the segments a, b and c.d.

enum PathExpression {
    enum Piece {
        case quoted(String)
        case unquoted(String)
    }

    static func segments(_ pieces: [Piece], at origin: Origin) throws(ConfigError) -> [String] {
        var segments: [String] = []
        // Between two segments there must be exactly one dot outside quotes.
        var wantsDot = false
        for piece in pieces {
            switch piece {
            case .quoted(let text):
                if wantsDot { throw ConfigError(origin, "a \".\" is missing before the quoted part of the key") }
                segments.append(text)
                wantsDot = true
            case .unquoted(let text):
                for (position, part) in text.split(separator: ".", omittingEmptySubsequences: false).enumerated() {
                    if position > 0 {
                        if !wantsDot { throw emptySegment(origin) }
                        wantsDot = false
                    }
                    if part.isEmpty { continue }
                    if wantsDot { throw ConfigError(origin, "a \".\" is missing after the quoted part of the key") }
                    segments.append(String(part))
                    wantsDot = true
                }
            }
        }
        if !wantsDot { throw emptySegment(origin) }
        return segments
    }

    private static func emptySegment(_ origin: Origin) -> ConfigError {
        ConfigError(origin, "a part of the key is empty; write an empty part as \"\", or remove the \".\"")
    }

    /// How a message writes a path.
    static func text(_ segments: [String]) -> String {
        segments.map { segment in
            let plain = segment.utf8.count <= 100 && segment.utf8.allSatisfy(Self.isPlain)
            return plain && !segment.isEmpty ? segment : JSONText.quoted(segment)
        }.joined(separator: ".")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...:
            true
        default: false
        }
    }
}
