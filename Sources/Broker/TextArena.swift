// SPDX-License-Identifier: Apache-2.0
// Structs of a fixed size, each with a text behind it in the same block of memory, so that who compares the text has the
// struct in the cache. A text that is too long for a block stands elsewhere.

import MQTT

struct TextArena<Header: BitwiseCopyable> {
    private var blocks = BlockArena()
    private(set) var count = 0

    /// Pages of memory in use.
    var pageCount: Int { blocks.pageCount }

    /// Good until the next `insert`.
    @inline(__always)
    var reader: TextReader<Header> { TextReader(blocks: blocks.reader) }

    /// The struct at `index`, which must be in use. It stays where it is.
    @inline(__always)
    subscript(index: Int32) -> UnsafeMutablePointer<Header> { reader[index] }

    @inline(__always)
    func text(of index: Int32) -> ByteView { reader.text(of: index) }

    /// `text` has 65,535 bytes at most.
    mutating func insert(_ header: Header, text: ByteView) -> Int32 {
        typealias Layout = TextReader<Header>
        count += 1
        let isInside = text.count <= Layout.longestInside
        let index = blocks.allocate(Layout.textOffset + (isInside ? text.count : MemoryLayout<UInt>.size))
        let block = blocks[index]
        block.initializeMemory(as: Header.self, to: header)
        block.storeBytes(of: UInt16(text.count), toByteOffset: Layout.lengthOffset, as: UInt16.self)
        let inside = block + Layout.textOffset
        if isInside {
            inside.copyMemory(from: text.base, byteCount: text.count)
        } else {
            let outside = UnsafeMutableRawPointer.allocate(byteCount: text.count, alignment: 1)
            outside.copyMemory(from: text.base, byteCount: text.count)
            inside.storeBytes(of: UInt(bitPattern: outside), as: UInt.self)
        }
        return index
    }

    mutating func remove(_ index: Int32) {
        count -= 1
        deallocateText(of: index)
        blocks.deallocate(index)
    }

    /// For what is left when the arena ends, which does not know where it is.
    func deallocateText(of index: Int32) {
        let text = text(of: index)
        if text.count > TextReader<Header>.longestInside { text.base.deallocate() }
    }

    func deallocate() { blocks.deallocate() }
}

/// Finds the structs and their texts: a copy of it costs nothing.
struct TextReader<Header: BitwiseCopyable> {
    fileprivate let blocks: BlockReader

    fileprivate static var lengthOffset: Int { MemoryLayout<Header>.size }
    fileprivate static var textOffset: Int { lengthOffset + MemoryLayout<UInt16>.size }
    /// Longer texts are behind a pointer.
    fileprivate static var longestInside: Int { BlockArena.maximumSize - textOffset }

    @inline(__always)
    subscript(index: Int32) -> UnsafeMutablePointer<Header> { blocks[index].assumingMemoryBound(to: Header.self) }

    @inline(__always)
    func text(of index: Int32) -> ByteView {
        let block = blocks[index]
        let count = Int(block.loadUnaligned(fromByteOffset: Self.lengthOffset, as: UInt16.self))
        let inside = block + Self.textOffset
        if count > Self.longestInside { return Self.view(at: inside.loadUnaligned(as: UInt.self), count) }
        return ByteView(UnsafePointer(inside.assumingMemoryBound(to: UInt8.self)), count: count)
    }

    @inline(never)
    private static func view(at address: UInt, _ count: Int) -> ByteView {
        ByteView(UnsafePointer<UInt8>(bitPattern: address).unsafelyUnwrapped, count: count)
    }
}
