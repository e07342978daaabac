// SPDX-License-Identifier: Apache-2.0
// The bytes of an ELF file, read at offsets that the file itself names and that are therefore not to be trusted.
// Every read is compared with the length first and answers nil outside of it; no sum of two offsets can overflow.

struct ELFBytes {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var count: UInt64 { UInt64(bytes.count) }

    /// Whether `length` bytes from `offset` on lie inside the file.
    func holds(_ offset: UInt64, _ length: UInt64) -> Bool {
        offset <= count && length <= count - offset
    }

    /// The little-endian integer at `offset`.
    func load<Value: FixedWidthInteger>(_ offset: UInt64, as type: Value.Type) -> Value? {
        guard holds(offset, UInt64(MemoryLayout<Value>.size)) else { return nil }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(offset), as: Value.self))
    }

    /// Whether the NUL-terminated text at `offset`, which ends before `end`, is `text`.
    func text(at offset: UInt64, end: UInt64, equals text: String) -> Bool {
        let wanted = UInt64(text.utf8.count)
        guard wanted < end, offset < end - wanted, holds(offset, wanted + 1) else { return false }
        var position = Int(offset)
        for byte in text.utf8 {
            if bytes[position] != byte { return false }
            position += 1
        }
        return bytes[position] == 0
    }

    /// The NUL-terminated text at `offset`, nil if it does not end before `end` or is longer than `limit` bytes.
    func text(at offset: UInt64, end: UInt64, limit: Int = 1024) -> String? {
        guard offset < end, holds(offset, end - offset) else { return nil }
        let run = bytes[Int(offset)..<Int(end)].prefix(limit + 1)
        guard let terminator = run.firstIndex(of: 0) else { return nil }
        return String(decoding: run[..<terminator], as: UTF8.self)
    }

    /// The first bytes of the file, at most `count` of them.
    func prefix(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
    }
}
