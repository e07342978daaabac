// SPDX-License-Identifier: Apache-2.0
// Taking the mask off a client's payload (RFC 6455, 5.3), which costs every byte of every client a pass: 32 bytes a
// step.

/// Copies `count` unmasked bytes to `target`, which is `source` or lies before it, even if they overlap: a step is read
/// before it is written. The lowest byte of `mask` is for the first byte; returns the mask for the byte behind the last.
func unmask(
    _ source: UnsafeRawPointer,
    to target: UnsafeMutableRawPointer,
    _ count: Int,
    _ mask: UInt32
) -> UInt32 {
    let word = UInt64(mask) | UInt64(mask) << 32
    var i = 0
    if count >= 32 {
        let block = SIMD4<UInt64>(repeating: word)
        while i &+ 32 <= count {
            let bytes = source.loadUnaligned(fromByteOffset: i, as: SIMD4<UInt64>.self) ^ block
            target.storeBytes(of: bytes, toByteOffset: i, as: SIMD4<UInt64>.self)
            i &+= 32
        }
    }
    while i &+ 8 <= count {
        let bytes = source.loadUnaligned(fromByteOffset: i, as: UInt64.self) ^ word
        target.storeBytes(of: bytes, toByteOffset: i, as: UInt64.self)
        i &+= 8
    }
    // Eight divides what is done, so the mask stands as it stood.
    var rest = mask
    while i < count {
        let byte = source.load(fromByteOffset: i, as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
        target.storeBytes(of: byte, toByteOffset: i, as: UInt8.self)
        rest = rest >> 8 | rest << 24
        i &+= 1
    }
    return rest
}
