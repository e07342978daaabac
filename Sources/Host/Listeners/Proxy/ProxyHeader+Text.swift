// SPDX-License-Identifier: Apache-2.0
// Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 52100 1883` and CR LF.

import Reactor

extension ProxyHeader {
    static func parseText(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        let line = bytes.prefix(maximumTextLength)
        guard let end = line.indices.first(where: { line[$0] == 13 }) else {
            return line.count < maximumTextLength
                ? .incomplete : .malformed("its PROXY header has no end within \(maximumTextLength) bytes")
        }
        guard end + 1 < line.count else {
            return line.count < maximumTextLength
                ? .incomplete : .malformed("its PROXY header has no end within \(maximumTextLength) bytes")
        }
        guard line[end + 1] == 10 else { return .malformed("the line of its PROXY header does not end with CR LF") }
        let length = end + 2
        let words = line[textSignature.count..<end].split(separator: 32, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        // The rest of such a line means nothing.
        if words[0] == "UNKNOWN" { return .header(ProxyHeader(source: .unknown), length: length) }
        guard words[0] == "TCP4" || words[0] == "TCP6" else {
            return .malformed("its PROXY header is neither of TCP4 nor of TCP6 nor UNKNOWN")
        }
        guard words.count == 5, let sourcePort = port(words[3]), port(words[4]) != nil,
            let source = address(words[1], ofIPv6: words[0] == "TCP6", sourcePort),
            address(words[2], ofIPv6: words[0] == "TCP6", 0) != nil
        else {
            return .malformed("its PROXY header does not have two \(words[0]) addresses and two ports")
        }
        return .header(ProxyHeader(source: .address(source)), length: length)
    }

    private static func address(_ text: String, ofIPv6: Bool, _ port: UInt16) -> SocketAddress? {
        text.contains(":") == ofIPv6 ? SocketAddress(strict: text, port: port) : nil
    }

    /// Without sign and leading zeros.
    private static func port(_ text: String) -> UInt16? {
        guard let number = UInt16(text), String(number) == text else { return nil }
        return number
    }
}
