// SPDX-License-Identifier: Apache-2.0
// Base 64 as SCRAM writes it (RFC 4648, section 4): with padding, and nothing that is not of its alphabet.

enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for byte in group { bits = bits << 8 | UInt32(byte) }
            bits <<= UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place > group.count ? padding : alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)])
            }
        }
        return text
    }

    /// Nil if the text is not base 64.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var digits = 0
        var paddings = 0
        for letter in text {
            if letter == padding {
                paddings += 1
                bits <<= 6
            } else {
                guard paddings == 0, let value = value(of: letter) else { return nil }
                bits = bits << 6 | UInt32(value)
            }
            digits += 1
            guard digits == 4 else { continue }
            for place in 0..<3 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * place))) }
            bits = 0
            digits = 0
        }
        guard paddings <= 2 else { return nil }
        // Bits that padding cuts off have to be zero, or two texts would mean the same.
        guard bytes.suffix(paddings).allSatisfy({ $0 == 0 }) else { return nil }
        bytes.removeLast(paddings)
        return bytes
    }

    private static func value(of letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): letter - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): letter - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): letter - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
