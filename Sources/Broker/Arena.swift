// SPDX-License-Identifier: Apache-2.0
// Storage for the structs of the message path, addressed by `Int32`: an index costs nothing to copy, needs no
// reference count and can be kept in tables. Slots are in chunks that never move, so a pointer stays good until its
// slot is released.

struct Arena<Element> {
    private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    private var chunkCount = 0
    private var chunkCapacity = 8
    private var free: [Int32] = []
    private var used: Int32 = 0

    private static var chunkBits: Int { 8 }
    private static var chunkSize: Int { 1 << chunkBits }

    init() {
        chunks = .allocate(capacity: chunkCapacity)
    }

    /// How many slots are in use.
    var count: Int { Int(used) - free.count }

    /// One past the highest index that was ever in use.
    var limit: Int32 { used }

    /// The slot at `index`, which must be in use.
    @inline(__always)
    subscript(index: Int32) -> UnsafeMutablePointer<Element> {
        assert(index >= 0 && index < used)
        return chunks[Int(index) >> Self.chunkBits] + (Int(index) & (Self.chunkSize - 1))
    }

    /// The index the next `insert` will give.
    var nextIndex: Int32 { free.last ?? used }

    /// Takes a slot, the most recently released one first, since its memory is likely still in the cache.
    mutating func insert(_ element: Element) -> Int32 {
        if let index = free.popLast() {
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
        free.append(index)
    }

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
        let released = Set(free)
        return (0..<used).filter { !released.contains($0) }
    }

    /// Ends the elements that are left and gives the chunks back.
    func deallocate() {
        for index in indices { self[index].deinitialize(count: 1) }
        for i in 0..<chunkCount { chunks[i].deallocate() }
        chunks.deallocate()
    }
}
