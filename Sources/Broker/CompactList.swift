// SPDX-License-Identifier: Apache-2.0
// A list of eight-byte elements that mostly has one: twelve bytes, that one among them, and no allocation before the
// second.

package struct CompactList<Element: BitwiseCopyable>: BitwiseCopyable {
    /// The one element itself, or the address of the array, in front of which its capacity stands.
    private var storage: UInt64 = 0
    private var used: Int32 = 0

    private static var headerSize: Int { 8 }

    init() { assert(MemoryLayout<Element>.size == 8) }

    @inline(__always)
    var count: Int { Int(used) }
    @inline(__always)
    var isEmpty: Bool { used == 0 }

    @inline(__always)
    subscript(i: Int) -> Element {
        get {
            assert(i >= 0 && i < count)
            return used == 1 ? unsafeBitCast(storage, to: Element.self) : array[i]
        }
        set {
            assert(i >= 0 && i < count)
            if used == 1 { storage = unsafeBitCast(newValue, to: UInt64.self) } else { array[i] = newValue }
        }
    }

    @inline(__always)
    private var array: UnsafeMutablePointer<Element> {
        UnsafeMutablePointer(bitPattern: UInt(storage)).unsafelyUnwrapped
    }

    package mutating func append(_ element: Element) { insert(element, at: count) }

    mutating func insert(_ element: Element, at position: Int) {
        assert(position >= 0 && position <= count)
        if used == 0 {
            storage = unsafeBitCast(element, to: UInt64.self)
            used = 1
            return
        }
        if used == 1 {
            let first = self[0]
            storage = Self.allocate(4)
            array[0] = first
        } else if count == capacity {
            resize(count + (count + 1) / 2)
        }
        if position < count { (array + position + 1).update(from: array + position, count: count - position) }
        array[position] = element
        used += 1
    }

    /// Takes the element at `i` out; those behind it move up.
    mutating func remove(at i: Int) {
        assert(i >= 0 && i < count)
        if used > 1 { (array + i).update(from: array + i + 1, count: count - i - 1) }
        shorten()
    }

    /// Takes the element at `i` out. The last one, if it is another, has its place now.
    package mutating func removeSwapping(at i: Int) {
        assert(i >= 0 && i < count)
        if used > 1 { array[i] = array[count - 1] }
        shorten()
    }

    mutating func swapAt(_ i: Int, _ j: Int) {
        let other = self[i]
        self[i] = self[j]
        self[j] = other
    }

    /// The last element is not in the list any more.
    private mutating func shorten() {
        used -= 1
        if used == 1 {
            let last = array[0]
            deallocateArray()
            storage = unsafeBitCast(last, to: UInt64.self)
        } else if used > 1, count * 4 <= capacity {
            resize(capacity / 2)
        }
    }

    func deallocate() {
        if used > 1 { deallocateArray() }
    }

    // MARK: The array

    private var capacity: Int {
        UnsafeRawPointer(array).load(fromByteOffset: -Self.headerSize, as: Int.self)
    }

    private mutating func resize(_ newCapacity: Int) {
        let fresh = Self.allocate(newCapacity)
        UnsafeMutablePointer<Element>(bitPattern: UInt(fresh)).unsafelyUnwrapped.update(from: array, count: count)
        deallocateArray()
        storage = fresh
    }

    private func deallocateArray() { (UnsafeMutableRawPointer(array) - Self.headerSize).deallocate() }

    /// The address of an array.
    private static func allocate(_ capacity: Int) -> UInt64 {
        let block = UnsafeMutableRawPointer.allocate(byteCount: headerSize + capacity * 8, alignment: 8)
        block.storeBytes(of: capacity, as: Int.self)
        return UInt64(UInt(bitPattern: block + headerSize))
    }
}
