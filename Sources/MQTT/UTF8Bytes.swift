// SPDX-License-Identifier: Apache-2.0
// UTF-8 as MQTT wants it: well-formed, no surrogates, no U+0000. Other control characters and non-characters, which the
// standard only says should not be used, are in DiscouragedText.swift. [MQTT-1.5.4-1] [MQTT-1.5.4-2]

public enum UTF8Bytes {
    /// Whether `bytes` may stand in a UTF-8 string field. ASCII is tested eight bytes a step. [MQTT-1.5.4-3]
    @inlinable
    public static func isWellFormed(_ bytes: ByteView) -> Bool {
        let count = bytes.count
        guard count >= 8 else {
            return count == 0 || !hasHighBitOrZero(shortWord(bytes)) || isWellFormedSlowly(bytes)
        }
        let p = UnsafeRawPointer(bytes.base)
        var suspect = hasHighBitOrZero(p.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
        var i = 0
        while i &+ 8 < count && !suspect {
            suspect = hasHighBitOrZero(p.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            i &+= 8
        }
        return !suspect || isWellFormedSlowly(bytes)
    }

    /// Whether one of the eight bytes is above 0x7F or is zero.
    @inlinable
    @inline(__always)
    static func hasHighBitOrZero(_ word: UInt64) -> Bool {
        // A zero byte borrows into its high bit; a false alarm needs a high bit anyway.
        (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 != 0
    }

    /// All bytes of a run of 1...7, some of them twice, filled up with spaces.
    @inlinable
    @inline(__always)
    static func shortWord(_ bytes: ByteView) -> UInt64 {
        let count = bytes.count
        if count >= 4 {
            let p = UnsafeRawPointer(bytes.base)
            let tail = p.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            return UInt64(p.loadUnaligned(as: UInt32.self)) | UInt64(tail) << 32
        }
        let edges = UInt64(bytes[0]) | UInt64(bytes[count &- 1]) << 8
        return edges | UInt64(bytes[count / 2]) << 16 | 0x2020_2020_2000_0000
    }

    /// One scalar a step.
    @usableFromInline
    @inline(never)
    static func isWellFormedSlowly(_ bytes: ByteView) -> Bool {
        var i = 0
        while i < bytes.count {
            let first = bytes[i]
            if first < 0x80 {
                if first == 0 { return false }
                i &+= 1
                continue
            }
            let length = scalarLength(bytes, at: i)
            if length == 0 { return false }
            i &+= length
        }
        return true
    }

    /// The length of the multi-byte scalar at `i`, 0 if it is ill-formed. The ranges of the second byte exclude
    /// overlong forms, surrogates and everything above U+10FFFF.
    static func scalarLength(_ bytes: ByteView, at i: Int) -> Int {
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch bytes[i] {
        case 0xC2...0xDF: length = 2
        case 0xE0:
            length = 3
            low = 0xA0
        case 0xED:
            length = 3
            high = 0x9F
        case 0xE1...0xEF: length = 3
        case 0xF0:
            length = 4
            low = 0x90
        case 0xF1...0xF3: length = 4
        case 0xF4:
            length = 4
            high = 0x8F
        default: return 0
        }
        guard length <= bytes.count &- i else { return 0 }
        let second = bytes[i &+ 1]
        guard second >= low && second <= high else { return 0 }
        var k = 2
        while k < length {
            if bytes[i &+ k] & 0xC0 != 0x80 { return 0 }
            k &+= 1
        }
        return length
    }
}
