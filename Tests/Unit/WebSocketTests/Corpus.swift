// SPDX-License-Identifier: Apache-2.0
// Loads the samples of Tests/Corpus/websocket.

import Foundation
import Testing

struct Sample: CustomTestStringConvertible, Sendable {
    let name: String
    let expectation: String
    let bytes: [UInt8]

    var testDescription: String { name }
}

enum Corpus {
    static let goodFields = [
        "Host: broker.example", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: mqtt",
    ].map { $0 + "\\r\\n" }.joined()

    static func handshakes() throws -> [Sample] {
        try lines("handshakes.txt").map { name, expectation, text in
            let whole = text.replacingOccurrences(of: "{good}", with: goodFields)
                .replacingOccurrences(of: "{long}", with: String(repeating: "a", count: 9000))
            return Sample(name: name, expectation: expectation, bytes: unescaped(whole))
        }
    }

    static func frames() throws -> [Sample] {
        try lines("frames.txt").map { Sample(name: $0, expectation: $1, bytes: hex($2)) }
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap { $0.hexDigitValue.map(UInt8.init) }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func lines(_ file: String) throws -> [(String, String, String)] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let url = folder.appendingPathComponent("../../Corpus/websocket/\(file)").standardized
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
            let fields = $0.split(separator: "|", maxSplits: 2).map { $0.trimmingCharacters(in: .whitespaces) }
            return (fields[0], fields[1], fields[2])
        }
    }

    private static func unescaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == 0x5C, let letter = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch letter {
            case 0x72: bytes.append(13)
            case 0x6E: bytes.append(10)
            case 0x74: bytes.append(9)
            case 0x78:
                bytes.append(UInt8(String(rest.prefix(2)) ?? "", radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            default: bytes.append(letter)
            }
        }
        return bytes
    }
}
