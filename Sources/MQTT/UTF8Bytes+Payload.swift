// SPDX-License-Identifier: Apache-2.0
// UTF-8 in a payload: any well-formed text, U+0000 included, which a UTF-8 string field must not have.

extension UTF8Bytes {
    /// Whether `bytes` are well-formed UTF-8. ASCII is tested eight bytes a step.
    public static func isWellFormedText(_ bytes: ByteView) -> Bool {
        let p = UnsafeRawPointer(bytes.base)
        var i = 0
        while i < bytes.count {
            if i &+ 8 <= bytes.count,
                p.loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                i &+= 8
            } else if bytes[i] < 0x80 {
                i &+= 1
            } else {
                let length = scalarLength(bytes, at: i)
                if length == 0 { return false }
                i &+= length
            }
        }
        return true
    }
}
