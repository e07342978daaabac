// SPDX-License-Identifier: Apache-2.0
// Topic filters: what a SUBSCRIBE carries, and whether one filter matches one name. Looking a name up among many
// filters is not done here.

public enum TopicFilter {
    /// Whether `filter` may be subscribed to: 1...65,535 bytes of well-formed UTF-8, `#` only as the whole last
    /// level, `+` only as a whole level. [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.7.3-3] [MQTT-4.7.3-2]
    public static func validate(_ filter: ByteView) -> Bool {
        !filter.isEmpty && filter.count <= 65_535 && UTF8Bytes.isWellFormed(filter) && hasWellPlacedWildcards(filter)
    }

    static func hasWellPlacedWildcards(_ filter: ByteView) -> Bool {
        let last = filter.count &- 1
        var i = 0
        while i <= last {
            let byte = filter[i]
            if byte == .hash || byte == .plus {
                if i > 0 && filter[i &- 1] != .slash { return false }
                if i < last && (byte == .hash || filter[i &+ 1] != .slash) { return false }
            }
            i &+= 1
        }
        return true
    }

    /// Whether `filter` contains a wildcard character.
    @inlinable
    public static func isWildcard(_ filter: ByteView) -> Bool {
        var i = 0
        while i < filter.count {
            // `+` is 0x2B and `#` is 0x23.
            if filter[i] & 0xF7 == 0x23 { return true }
            i &+= 1
        }
        return false
    }

    /// Whether the valid filter `filter` matches the valid topic name `name`. A shared subscription's filter is
    /// matched without its `$share/GROUP/`.
    public static func matches(_ filter: ByteView, _ name: ByteView) -> Bool {
        guard let first = filter.buffer.first, let start = name.buffer.first else { return false }
        // [MQTT-4.7.2-1]
        if start == .dollar && (first == .hash || first == .plus) { return false }
        return matches(filter, from: 0, name, from: 0)
    }

    /// Whether what follows in the filter, from the beginning of a level on, matches what follows in the name.
    @inlinable
    public static func matches(_ filter: ByteView, from filterStart: Int, _ name: ByteView, from nameStart: Int) -> Bool
    {
        var f = filterStart
        var n = nameStart
        while f < filter.count {
            let byte = filter[f]
            if byte == .hash { return true }
            if byte == .plus {
                while n < name.count && name[n] != .slash { n &+= 1 }
                f &+= 1
                continue
            }
            if n == name.count {
                // "a/#" matches "a": the multi-level wildcard includes the parent level. [MQTT-4.7.1-1]
                return byte == .slash && f &+ 2 == filter.count && filter[f &+ 1] == .hash
            }
            if byte != name[n] { return false }
            f &+= 1
            n &+= 1
        }
        return n == name.count
    }
}

extension UInt8 {
    @inlinable
    static var slash: UInt8 { 0x2F }
    @inlinable
    static var plus: UInt8 { 0x2B }
    @inlinable
    static var hash: UInt8 { 0x23 }
    @inlinable
    static var dollar: UInt8 { 0x24 }
}
