// SPDX-License-Identifier: Apache-2.0
// The smallest file that passes for a shared library: one loaded segment, a dynamic section, a hash table and two
// symbols, each part at a place that tests know, to break it there.

@testable import Host

struct TinyELF {
    enum Place {
        static let programHeaders = 64
        static let dynamic = 192
        static let strings = 320
        static let symbols = 448
        static let hash = 544
        static let code = 600
        static let end = 640
    }

    enum Hash {
        case sysv
        case gnu
    }

    static let names = ["first", "second"]

    private(set) var bytes = [UInt8](repeating: 0, count: Place.end)

    init(_ hash: Hash = .sysv) {
        put(0, [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1])
        put(16, UInt16(3))
        put(18, Machine.ours)
        put(32, UInt64(Place.programHeaders))
        put(54, UInt16(56))
        put(56, UInt16(2))
        segment(0, type: 1, offset: 0, size: Place.end)
        segment(1, type: 2, offset: Place.dynamic, size: 6 * 16)
        let table: UInt64 = hash == .sysv ? 4 : 0x6FFF_FEF5
        for (index, entry) in [
            (5, UInt64(Place.strings)), (10, 64), (6, UInt64(Place.symbols)), (table, UInt64(Place.hash)), (1, 20),
            (0, 0),
        ].enumerated() {
            put(Place.dynamic + index * 16, entry.0)
            put(Place.dynamic + index * 16 + 8, entry.1)
        }
        put(Place.strings + 1, Array("first\0second\0".utf8))
        put(Place.strings + 20, Array("libneeded.so.1\0".utf8))
        symbol(1, name: 1)
        symbol(2, name: 7)
        switch hash {
        case .sysv:
            // One bucket: 2 -> 1 -> end.
            for (index, word) in [1, 3, 2, 0, 0, 1].enumerated() { put(Place.hash + index * 4, UInt32(word)) }
        case .gnu:
            // One bucket, one word of filter, hashed symbols from 1 on.
            for (index, word) in [1, 1, 1, 0, 0, 0, 1].enumerated() { put(Place.hash + index * 4, UInt32(word)) }
            put(Place.hash + 28, Self.gnuHash("first") & ~1)
            put(Place.hash + 32, Self.gnuHash("second") | 1)
        }
    }

    mutating func put<Value: FixedWidthInteger>(_ offset: Int, _ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { put(offset, Array($0)) }
    }

    mutating func put(_ offset: Int, _ values: [UInt8]) {
        bytes.replaceSubrange(offset..<offset + values.count, with: values)
    }

    /// nil: it passes.
    func problem(exports: [String] = names) -> ELFProblem? {
        bytes.withUnsafeBytes { buffer in
            do throws(ELFProblem) {
                _ = try ELFImage(buffer, exports: exports)
                return nil
            } catch {
                return error
            }
        }
    }

    private mutating func segment(_ index: Int, type: UInt32, offset: Int, size: Int) {
        let start = Place.programHeaders + index * 56
        put(start, type)
        put(start + 4, UInt32(5))
        put(start + 8, UInt64(offset))
        put(start + 16, UInt64(offset))
        put(start + 32, UInt64(size))
        put(start + 40, UInt64(size))
    }

    private mutating func symbol(_ index: Int, name: UInt32) {
        let start = Place.symbols + index * 24
        put(start, name)
        put(start + 4, UInt8(0x12))
        put(start + 6, UInt16(1))
        put(start + 8, UInt64(Place.code))
    }

    private static func gnuHash(_ name: String) -> UInt32 { name.utf8.reduce(5381) { $0 &* 33 &+ UInt32($1) } }
}
