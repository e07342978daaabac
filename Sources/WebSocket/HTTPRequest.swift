// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/1.1 request (RFC 9112), read strictly: what two readers could understand in two ways, such as
// folded lines, bare line feeds or a repeated Host, is refused instead of repaired.

struct HTTPRequest {
    let method: Substring
    let target: RequestTarget
    /// Names in lower case, in the order they came.
    private(set) var fields: [(name: String, value: Substring)] = []

    /// Fields whose meaning would depend on which one of several is taken.
    private static let single: Set<String> = [
        "host", "origin", "sec-websocket-key", "sec-websocket-version", "content-length", "transfer-encoding",
    ]

    /// `head` ends with the line end of its last line; the empty line is not part of it.
    init(head: ArraySlice<UInt8>) throws(HTTPResponse) {
        // Other encodings may stand in fields that nobody reads here, such as cookies.
        var lines = Self.lines(String(decoding: head, as: UTF8.self))
        let words = lines.removeFirst().split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[0].utf8.allSatisfy(Self.isTokenCharacter) else {
            throw HTTPResponse(.badRequest, "The request line is malformed.")
        }
        guard words[2] == "HTTP/1.1" else {
            throw words[2].hasPrefix("HTTP/")
                ? HTTPResponse(.versionNotSupported, "WebSocket needs HTTP/1.1.")
                : HTTPResponse(.badRequest, "The request line is malformed.")
        }
        method = words[0]
        guard !method.isEmpty, words[1].utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
            let target = RequestTarget(words[1])
        else {
            throw HTTPResponse(.badRequest, "The request line is malformed.")
        }
        self.target = target
        for line in lines { try add(line) }
    }

    /// Only CR LF ends a line: a CR or LF alone stays in its line, where it is malformed.
    private static func lines(_ text: String) -> [Substring] {
        var lines: [Substring] = []
        var rest = Substring(text)
        // Characters, not bytes: CR LF is one of them.
        while let end = rest.firstIndex(of: "\r\n") {
            lines.append(rest[..<end])
            rest = rest[rest.index(after: end)...]
        }
        return lines.isEmpty ? [rest] : lines
    }

    private mutating func add(_ line: Substring) throws(HTTPResponse) {
        let bytes = line.utf8
        if bytes.first == 0x20 || bytes.first == 0x09 {
            throw HTTPResponse(.badRequest, "A header field is folded over several lines.")
        }
        guard let colon = bytes.firstIndex(of: 0x3A), colon > bytes.startIndex,
            bytes[..<colon].allSatisfy(Self.isTokenCharacter)
        else { throw HTTPResponse(.badRequest, "A header field has no proper name.") }
        let value = line[bytes.index(after: colon)...].trimmingBlanks()
        guard value.utf8.allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F }) else {
            throw HTTPResponse(.badRequest, "A header field holds a control character.")
        }
        let name = line[..<colon].lowercased()
        if Self.single.contains(name), fields.contains(where: { $0.name == name }) {
            throw HTTPResponse(.badRequest, "The header field \(name) comes twice.")
        }
        fields.append((name, value))
    }

    /// The value of a field that stands once, or first. `name` in lower case.
    func value(_ name: String) -> Substring? { fields.first { $0.name == name }?.value }

    /// The elements of a field that is a list, which may be spread over several fields of the same name.
    func list(_ name: String) -> [Substring] {
        fields.filter { $0.name == name }.flatMap { $0.value.elements }
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}

extension Substring {
    func trimmingBlanks() -> Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    /// Of a comma-separated list, without empty ones.
    var elements: [Substring] { split(separator: ",").map { $0.trimmingBlanks() }.filter { !$0.isEmpty } }
}
