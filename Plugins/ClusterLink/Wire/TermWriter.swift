// SPDX-License-Identifier: Apache-2.0
// Writes Erlang's external term format into a buffer that is used again for the next term, byte for byte as an Erlang
// of release 26 or later would: the shortest integer form, strings as binaries, atoms with tag 119. It does not compress.

package struct TermWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    package private(set) var count = 0

    package init(capacity: Int = 1024) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// What was written since ``begin()``; valid until the next change.
    package var bytes: Bytes { Bytes(UnsafePointer(base), count: count) }

    /// Forgets the last term and starts a new one.
    package mutating func begin() {
        count = 0
        byte(Tag.version)
    }

    /// Gives memory above `limit` back after an unusually large term.
    package mutating func shrink(to limit: Int) {
        guard capacity > limit else { return }
        base.deallocate()
        capacity = limit
        base = .allocate(capacity: limit)
        count = 0
    }

    // MARK: Terms

    package mutating func integer(_ value: Int64) {
        if value >= 0, value <= 255 {
            reserve(2)
            put(Tag.smallInteger)
            put(UInt8(value))
        } else if let small = Int32(exactly: value) {
            reserve(5)
            put(Tag.integer)
            put(bigEndian: UInt32(bitPattern: small))
        } else {
            bigInteger(value)
        }
    }

    private mutating func bigInteger(_ value: Int64) {
        var magnitude = value.magnitude
        let digits = (64 - magnitude.leadingZeroBitCount + 7) / 8
        reserve(3 + digits)
        put(Tag.smallBig)
        put(UInt8(digits))
        put(value < 0 ? 1 : 0)
        for _ in 0..<digits {
            put(UInt8(truncatingIfNeeded: magnitude))
            magnitude >>= 8
        }
    }

    @inline(__always)
    package mutating func binary(_ value: Bytes) {
        binaryHead(value.count)
        append(value)
    }

    /// A binary of `count` bytes, which the caller appends.
    @inline(__always)
    package mutating func binaryHead(_ count: Int) {
        reserve(5)
        put(Tag.binary)
        put(bigEndian: UInt32(truncatingIfNeeded: count))
    }

    @inline(__always)
    package mutating func atom(_ name: StaticString) {
        let size = name.utf8CodeUnitCount
        reserve(2 + size)
        put(Tag.smallAtomUTF8)
        put(UInt8(truncatingIfNeeded: size))
        (base + count).update(from: name.utf8Start, count: size)
        count &+= size
    }

    package mutating func boolean(_ value: Bool) {
        if value { atom("true") } else { atom("false") }
    }

    /// Arities of this plugin are below 256.
    @inline(__always)
    package mutating func tuple(_ arity: UInt8) {
        reserve(2)
        put(Tag.smallTuple)
        put(arity)
    }

    @inline(__always)
    package mutating func map(_ pairs: Int) {
        reserve(5)
        put(Tag.map)
        put(bigEndian: UInt32(truncatingIfNeeded: pairs))
    }

    /// The head of a list of `elements`, which follow, then ``endList(_:)``. Elements must not all be bytes: Erlang
    /// writes such a list in another form.
    package mutating func list(_ elements: Int) {
        guard elements > 0 else {
            byte(Tag.emptyList)
            return
        }
        reserve(5)
        put(Tag.list)
        put(bigEndian: UInt32(truncatingIfNeeded: elements))
    }

    package mutating func endList(_ elements: Int) {
        if elements > 0 { byte(Tag.emptyList) }
    }

    // MARK: Bytes

    @inline(__always)
    package mutating func append(_ value: Bytes) {
        reserve(value.count)
        (base + count).update(from: value.base, count: value.count)
        count &+= value.count
    }

    package mutating func append(bigEndian value: UInt64) {
        reserve(8)
        put(bigEndian: UInt32(truncatingIfNeeded: value >> 32))
        put(bigEndian: UInt32(truncatingIfNeeded: value))
    }

    @inline(__always)
    package mutating func byte(_ value: UInt8) {
        reserve(1)
        put(value)
    }

    /// Room for `extra` more bytes; every `put` stands behind one.
    @inline(__always)
    package mutating func reserve(_ extra: Int) {
        if capacity &- count < extra { grow(extra) }
    }

    @inline(__always)
    private mutating func put(_ value: UInt8) {
        base[count] = value
        count &+= 1
    }

    @inline(__always)
    private mutating func put(bigEndian value: UInt32) {
        UnsafeMutableRawPointer(base + count).storeBytes(of: value.bigEndian, as: UInt32.self)
        count &+= 4
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        var larger = capacity * 2
        while larger < count + extra { larger *= 2 }
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        fresh.update(from: base, count: count)
        base.deallocate()
        base = fresh
        capacity = larger
    }
}
