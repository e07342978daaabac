// SPDX-License-Identifier: Apache-2.0
// What MQTT asks of strings that came inside a term: the host checked the packet around them, not these.

enum Text {
    static let maximumLength = 65_535

    /// Well-formed UTF-8 of at most 65,535 bytes without U+0000. [MQTT-1.5.4-1] [MQTT-1.5.4-2]
    static func isValid(_ bytes: Bytes) -> Bool {
        guard bytes.count <= maximumLength else { return false }
        var index = 0
        while index < bytes.count {
            let byte = bytes.base[index]
            if byte == 0 { return false }
            if byte < 0x80 {
                index += 1
                continue
            }
            guard let length = sequenceLength(bytes.base + index, available: bytes.count - index) else { return false }
            index += length
        }
        return true
    }

    /// A name that may be published to: not empty, no wildcard. [MQTT-3.3.2-2] [MQTT-4.7.3-1]
    @inline(__always)
    static func isTopicName(_ bytes: Bytes) -> Bool {
        guard !bytes.isEmpty, isValid(bytes) else { return false }
        for byte in bytes.buffer where byte == UInt8(ascii: "#") || byte == UInt8(ascii: "+") { return false }
        return true
    }

    /// A filter whose wildcards stand alone in their level, `#` in the last one. [MQTT-4.7.1-1] [MQTT-4.7.1-2]
    static func isTopicFilter(_ bytes: Bytes) -> Bool {
        guard !bytes.isEmpty, isValid(bytes) else { return false }
        for index in 0..<bytes.count {
            let byte = bytes.base[index]
            guard byte == UInt8(ascii: "#") || byte == UInt8(ascii: "+") else { continue }
            let startsLevel = index == 0 || bytes.base[index - 1] == UInt8(ascii: "/")
            let isLast = index == bytes.count - 1
            let endsLevel = isLast || (byte == UInt8(ascii: "+") && bytes.base[index + 1] == UInt8(ascii: "/"))
            guard startsLevel, endsLevel else { return false }
        }
        return true
    }

    /// The length of the well-formed sequence at `start`: no overlong form, no surrogate, nothing above U+10FFFF.
    private static func sequenceLength(_ start: UnsafePointer<UInt8>, available: Int) -> Int? {
        let lead = start[0]
        let length: Int
        let second: ClosedRange<UInt8>
        switch lead {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard available >= length, second.contains(start[1]) else { return nil }
        for index in 2..<max(length, 2) where start[index] & 0xC0 != 0x80 { return nil }
        return length
    }
}
