// SPDX-License-Identifier: Apache-2.0
// The length encoding of MQTT: seven bits a byte, at most four bytes. [MQTT-1.5.5-1]

public enum VariableByteInteger {
    @inlinable
    public static var maximum: Int { 268_435_455 }

    /// How many bytes `value` takes.
    @inlinable
    public static func size(_ value: Int) -> Int {
        if value < 128 { return 1 }
        if value < 16_384 { return 2 }
        return value < 2_097_152 ? 3 : 4
    }

    /// The value at `offset`, which then stands behind it. `nil` if the bytes end first, if there are more than four
    /// of them, or if fewer would have done. [MQTT-1.5.5-1]
    @inlinable
    public static func decode(_ bytes: ByteView, at offset: inout Int) -> Int? {
        var value = 0
        var shift = 0
        var position = offset
        while shift <= 21 {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position &+= 1
            value |= Int(byte & 0x7F) &<< shift
            if byte < 0x80 {
                if byte == 0 && shift > 0 { return nil }
                offset = position
                return value
            }
            shift &+= 7
        }
        return nil
    }

    /// Writes `value` (0...``maximum``) at `target` and returns how many bytes it took.
    @inlinable
    @discardableResult
    public static func encode(_ value: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
        assert(value >= 0 && value <= maximum)
        var rest = value
        var written = 0
        while rest >= 128 {
            target[written] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest &>>= 7
            written &+= 1
        }
        target[written] = UInt8(truncatingIfNeeded: rest)
        return written &+ 1
    }
}
