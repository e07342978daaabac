// SPDX-License-Identifier: Apache-2.0
// Memory for many small things of different sizes that live long, addressed by `Int32`: sizes are rounded to eight
// bytes, things of one size share pages, and nothing is written beside them. They never move. A page whose last block
// is given back is free for any size, or for the rest of the program.

struct BlockArena {
    private struct Page {
        /// In units of eight bytes; 0 = the page has no memory.
        var blockSize: UInt16 = 0
        var used: UInt16 = 0
        /// The first block that was given back, `none` = none is; each holds the next in its first two bytes.
        var free: UInt16 = BlockArena.none
        /// Where the blocks begin that were never given out.
        var fresh: UInt16 = 0
        /// Its neighbours in the list of the pages of its size that have room.
        var previous: Int32 = -1
        var next: Int32 = -1
    }

    /// The largest block.
    static var maximumSize: Int { 512 }

    /// With the allocator's own words this is 16 KB.
    private static var pageUnits: Int { 2046 }
    private static var none: UInt16 { .max }

    // Plain memory, all of it: who passes the arena on copies some words and counts no references.
    private var bases: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private var pages: UnsafeMutablePointer<Page>
    private var pageCapacity: Int32 = 8
    private var knownPages: Int32 = 0
    /// By block size: the first page that has room.
    private let roomy: UnsafeMutablePointer<Int32>
    /// The first page without memory; its `next` is another one.
    private var unallocated: Int32 = -1
    /// How many pages have memory.
    private(set) var pageCount = 0

    init() {
        bases = .allocate(capacity: Int(pageCapacity))
        pages = .allocate(capacity: Int(pageCapacity))
        roomy = .allocate(capacity: Self.maximumSize / 8 + 1)
        roomy.initialize(repeating: -1, count: Self.maximumSize / 8 + 1)
    }

    /// The address of a block in use.
    @inline(__always)
    subscript(block: Int32) -> UnsafeMutableRawPointer { reader[block] }

    /// Good until the next block is allocated.
    @inline(__always)
    var reader: BlockReader { BlockReader(bases: bases) }

    /// A block of at least `size` bytes, `maximumSize` at most. Its number is at most half of `Int32.max`: all blocks
    /// together are 8 GB at most.
    mutating func allocate(_ size: Int) -> Int32 {
        let units = (size + 7) / 8
        if roomy[units] < 0 { addPage(of: units) }
        let page = roomy[units]
        let i = Int(page)
        let block: UInt16
        if pages[i].free != Self.none {
            block = pages[i].free
            pages[i].free = bases[i].unsafelyUnwrapped.load(fromByteOffset: Int(block) * 8, as: UInt16.self)
        } else {
            block = pages[i].fresh
            pages[i].fresh += UInt16(units)
        }
        pages[i].used += 1
        if !hasRoom(i) { unlink(page) }
        return page << BlockReader.unitBits | Int32(block)
    }

    mutating func deallocate(_ block: Int32) {
        let page = block >> BlockReader.unitBits
        let i = Int(page)
        let wasFull = !hasRoom(i)
        let unit = UInt16(block & (1 << BlockReader.unitBits - 1))
        self[block].storeBytes(of: pages[i].free, as: UInt16.self)
        pages[i].free = unit
        pages[i].used -= 1
        if wasFull { link(page) }
        // One empty page stays, for a size of which things come and go.
        if pages[i].used == 0, pages[i].previous >= 0 || pages[i].next >= 0 { removePage(page) }
    }

    private func hasRoom(_ i: Int) -> Bool {
        pages[i].free != Self.none || Int(pages[i].fresh) + Int(pages[i].blockSize) <= Self.pageUnits
    }

    // MARK: Pages

    private mutating func addPage(of units: Int) {
        let page: Int32
        if unallocated >= 0 {
            page = unallocated
            unallocated = pages[Int(page)].next
        } else {
            if knownPages == pageCapacity { growPages() }
            page = knownPages
            precondition(page < Int32.max >> (BlockReader.unitBits + 1), "the filters of one event loop occupy 8 GB")
            knownPages += 1
        }
        pageCount += 1
        bases[Int(page)] = .allocate(byteCount: Self.pageUnits * 8, alignment: 8)
        pages[Int(page)] = Page(blockSize: UInt16(units))
        link(page)
    }

    private mutating func growPages() {
        let capacity = Int(pageCapacity)
        let moreBases = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: capacity * 2)
        let morePages = UnsafeMutablePointer<Page>.allocate(capacity: capacity * 2)
        moreBases.update(from: bases, count: capacity)
        morePages.update(from: pages, count: capacity)
        bases.deallocate()
        pages.deallocate()
        bases = moreBases
        pages = morePages
        pageCapacity *= 2
    }

    private mutating func removePage(_ page: Int32) {
        unlink(page)
        pageCount -= 1
        bases[Int(page)]?.deallocate()
        bases[Int(page)] = nil
        pages[Int(page)] = Page(next: unallocated)
        unallocated = page
    }

    private func link(_ page: Int32) {
        let size = Int(pages[Int(page)].blockSize)
        let first = roomy[size]
        pages[Int(page)].previous = -1
        pages[Int(page)].next = first
        if first >= 0 { pages[Int(first)].previous = page }
        roomy[size] = page
    }

    private func unlink(_ page: Int32) {
        let (previous, next) = (pages[Int(page)].previous, pages[Int(page)].next)
        if previous >= 0 {
            pages[Int(previous)].next = next
        } else {
            roomy[Int(pages[Int(page)].blockSize)] = next
        }
        if next >= 0 { pages[Int(next)].previous = previous }
        pages[Int(page)].previous = -1
        pages[Int(page)].next = -1
    }

    func deallocate() {
        for page in 0..<Int(knownPages) { bases[page]?.deallocate() }
        bases.deallocate()
        pages.deallocate()
        roomy.deallocate()
    }
}

/// Finds blocks: a copy of it costs nothing.
struct BlockReader {
    fileprivate let bases: UnsafeMutablePointer<UnsafeMutableRawPointer?>

    fileprivate static var unitBits: Int32 { 11 }

    @inline(__always)
    subscript(block: Int32) -> UnsafeMutableRawPointer {
        bases[Int(block >> Self.unitBits)].unsafelyUnwrapped + Int(block & (1 << Self.unitBits - 1)) * 8
    }
}
