// SPDX-License-Identifier: Apache-2.0
// Topic names: what a PUBLISH carries. This runs for each PUBLISH, so ASCII names are tested eight bytes a step;
// anything else goes to a scalar loop.

public enum TopicName {
    /// Whether `name` may be published to: 1...65,535 bytes of well-formed UTF-8 without U+0000, `+` and `#`.
    /// [MQTT-3.3.2-1] [MQTT-3.3.2-2] [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.7.3-3] [MQTT-4.7.0-1]
    @inlinable
    @inline(__always)
    public static func validate(_ name: ByteView) -> Bool {
        let count = name.count
        if count >= 8 {
            if count > 65_535 { return false }
            let p = UnsafeRawPointer(name.base)
            var suspect = suspiciousBits(p.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
            var i = 0
            while i &+ 8 < count {
                suspect |= suspiciousBits(p.loadUnaligned(fromByteOffset: i, as: UInt64.self))
                i &+= 8
            }
            return suspect & 0x8080_8080_8080_8080 == 0 || validateSlowly(name)
        }
        if count == 0 { return false }
        return suspiciousBits(UTF8Bytes.shortWord(name)) & 0x8080_8080_8080_8080 == 0 || validateSlowly(name)
    }

    /// Sets the high bit of some byte if a byte of `word` is above 0x7F, zero, `+` or `#`. The two wildcards differ
    /// in one bit, so one test finds both.
    @inlinable
    @inline(__always)
    static func suspiciousBits(_ word: UInt64) -> UInt64 {
        let wildcard = (word & 0xF7F7_F7F7_F7F7_F7F7) ^ 0x2323_2323_2323_2323
        return word | (word &- 0x0101_0101_0101_0101) | (wildcard &- 0x0101_0101_0101_0101)
    }

    @usableFromInline
    @inline(never)
    static func validateSlowly(_ name: ByteView) -> Bool {
        !TopicFilter.isWildcard(name) && UTF8Bytes.isWellFormedSlowly(name)
    }

    /// What is wrong with a topic name of a PUBLISH that ``validate(_:)`` refused.
    @usableFromInline
    @inline(never)
    static func publishFault(_ name: ByteView) -> MalformedPacket {
        if name.isEmpty { return MalformedPacket(.topicNameInvalid, "the PUBLISH topic name is empty") }
        if !UTF8Bytes.isWellFormed(name) { return .malformed("the PUBLISH topic name is not well-formed UTF-8") }
        return MalformedPacket(.topicNameInvalid, "the PUBLISH topic name contains a wildcard")
    }
}
