// SPDX-License-Identifier: Apache-2.0
// What a request asks for (RFC 9112, 3.2), and the paths that are served. Paths are compared segment by segment, decoded,
// without the slash that may stand at the end: what libraries and proxies write in several ways is one path.

/// A request target in origin form, `/mqtt?x`, or absolute form, `http://host/mqtt`.
struct RequestTarget {
    /// Of the path, percent-decoded; none for the root.
    let segments: [[UInt8]]

    /// Nil if it has neither form, or if an escape of the path is none.
    init?(_ text: Substring) {
        var path = text
        if text.utf8.first != 0x2F {
            // The host in it takes the place of the Host field, and all hosts are the same here.
            guard let rest = Self.afterScheme(text) else { return nil }
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            guard !authority.isEmpty, !authority.contains("@") else { return nil }
            path = rest.dropFirst(authority.count)
        }
        guard let segments = Self.segments(of: path.prefix { $0 != "?" }) else { return nil }
        self.segments = segments
    }

    private static func afterScheme(_ text: Substring) -> Substring? {
        guard let mark = text.firstRange(of: "://") else { return nil }
        guard ["http", "https", "ws", "wss"].contains(text[..<mark.lowerBound].lowercased()) else { return nil }
        return text[mark.upperBound...]
    }

    static func segments(of path: Substring) -> [[UInt8]]? {
        var segments = path.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        // In front of the first slash, and behind the last one, there is nothing.
        if segments.first?.isEmpty == true { segments.removeFirst() }
        if segments.last?.isEmpty == true { segments.removeLast() }
        var decoded: [[UInt8]] = []
        for segment in segments {
            guard let bytes = Self.decode(segment) else { return nil }
            decoded.append(bytes)
        }
        return decoded
    }

    private static func decode(_ segment: Substring.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = segment
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46, 0x61...0x66: byte & 0xDF - 0x37
        default: nil
        }
    }
}

/// The path of `mqtt_path`: `/mqtt`, or with all that is below it `/mqtt/[...]`.
public struct PathPattern: Sendable, CustomStringConvertible {
    static let mqtt = PathPattern(segments: [Array("mqtt".utf8)], servesBelow: false, description: "/mqtt")

    private let segments: [[UInt8]]
    private let servesBelow: Bool
    /// As it was written.
    public let description: String

    private init(segments: [[UInt8]], servesBelow: Bool, description: String) {
        self.segments = segments
        self.servesBelow = servesBelow
        self.description = description
    }

    /// Nil if no request could have the path, or if it has other brackets or a segment that begins with a colon, which
    /// mean something in EMQX.
    public init?(_ text: String) {
        let rest = "/[...]"
        let servesBelow = text.hasSuffix(rest)
        let path = servesBelow ? text.dropLast(rest.count) : text[...]
        guard text.hasPrefix("/"), !path.contains(where: { "?#[]".contains($0) }), !path.contains("/:"),
            let segments = RequestTarget.segments(of: path)
        else { return nil }
        self.init(segments: segments, servesBelow: servesBelow, description: text)
    }

    func matches(_ target: RequestTarget) -> Bool {
        servesBelow ? target.segments.starts(with: segments) : target.segments == segments
    }
}
