// SPDX-License-Identifier: Apache-2.0
// Storage for the structs of the message path, addressed by `Int32`: an index costs nothing to copy, needs no
// reference count and can be kept in tables. Slots are in chunks that never move, so a pointer stays good until its
// slot is released. Released slots hold the number of the next one: a copy of the arena is some words, no reference.

struct Arena<Element> {
    private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    private var chunkCount = 0
    private var chunkCapacity = 8
    /// The slot that was released last, -1 = none is free.
    private var free: Int32 = -1
    private var freeCount: Int32 = 0
    private var used: Int32 = 0

    private static var chunkBits: Int { 8 }
    private static var chunkSize: Int { 1 << chunkBits }

    init() {
        assert(MemoryLayout<Element>.size >= MemoryLayout<Int32>.size)
        chunks = .allocate(capacity: chunkCapacity)
    }

    /// How many slots are in use.
    var count: Int { Int(used - freeCount) }

    /// One past the highest index that was ever in use.
    var limit: Int32 { used }

    /// The slot at `index`, which must be in use.
    @inline(__always)
    subscript(index: Int32) -> UnsafeMutablePointer<Element> {
        assert(index >= 0 && index < used)
        return chunks[Int(index) >> Self.chunkBits] + (Int(index) & (Self.chunkSize - 1))
    }

    /// The index the next `insert` will give.
    var nextIndex: Int32 { free >= 0 ? free : used }

    /// Takes a slot, the most recently released one first, since its memory is likely still in the cache.
    mutating func insert(_ element: Element) -> Int32 {
        if free >= 0 {
            let index = free
            free = nextFree(index)
            freeCount -= 1
            self[index].initialize(to: element)
            return index
        }
        let index = used
        if Int(index) >> Self.chunkBits == chunkCount { addChunk() }
        used += 1
        self[index].initialize(to: element)
        return index
    }

    mutating func remove(_ index: Int32) {
        self[index].deinitialize(count: 1)
        UnsafeMutableRawPointer(self[index]).storeBytes(of: free, as: Int32.self)
        free = index
        freeCount += 1
    }

    private func nextFree(_ index: Int32) -> Int32 { UnsafeRawPointer(self[index]).load(as: Int32.self) }

    private mutating func addChunk() {
        if chunkCount == chunkCapacity {
            let larger = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: chunkCapacity * 2)
            larger.update(from: chunks, count: chunkCount)
            chunks.deallocate()
            chunks = larger
            chunkCapacity *= 2
        }
        chunks[chunkCount] = .allocate(capacity: Self.chunkSize)
        chunkCount += 1
    }

    /// The slots in use.
    var indices: [Int32] {
        var released: Set<Int32> = []
        var next = free
        while next >= 0 {
            released.insert(next)
            next = nextFree(next)
        }
        return (0..<used).filter { !released.contains($0) }
    }

    /// Ends the elements that are left and gives the chunks back.
    func deallocate() {
        for index in indices { self[index].deinitialize(count: 1) }
        for i in 0..<chunkCount { chunks[i].deallocate() }
        chunks.deallocate()
    }
}
