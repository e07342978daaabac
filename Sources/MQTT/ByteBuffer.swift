// SPDX-License-Identifier: Apache-2.0
// A growable run of bytes that packets are encoded into. It frees nothing by itself: the owner calls `deallocate()`,
// because it stands inside structs that live in arenas, where a class would cost a reference count on each access.
// An empty buffer that was deallocated owns no memory: an idle connection keeps none.

public struct ByteBuffer: @unchecked Sendable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>?
    public var count = 0
    public var capacity = 0

    @inlinable
    public init() {}

    @inlinable
    public var isEmpty: Bool { count == 0 }

    /// The bytes written so far; valid until the next change.
    @inlinable
    public var view: ByteView {
        guard let base else { return .empty }
        return ByteView(UnsafePointer(base), count: count)
    }

    /// Room for `extra` (at least one) more bytes at the returned address; `commit` says how many of them were used.
    @inlinable
    @inline(__always)
    public mutating func reserve(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity &- count < extra { grow(extra) }
        return base.unsafelyUnwrapped + count
    }

    @inlinable
    @inline(__always)
    public mutating func commit(_ written: Int) {
        count &+= written
        assert(count <= capacity)
    }

    @inlinable
    public mutating func append(_ bytes: ByteView) {
        if bytes.isEmpty { return }
        let target = reserve(bytes.count)
        target.update(from: bytes.base, count: bytes.count)
        commit(bytes.count)
    }

    @inlinable
    public mutating func append(_ byte: UInt8) {
        reserve(1).pointee = byte
        commit(1)
    }

    /// Big-endian, as every integer of MQTT.
    @inlinable
    public mutating func append(bigEndian value: UInt16) {
        let target = reserve(2)
        target[0] = UInt8(truncatingIfNeeded: value >> 8)
        target[1] = UInt8(truncatingIfNeeded: value)
        commit(2)
    }

    @inlinable
    public mutating func append(bigEndian value: UInt32) {
        append(bigEndian: UInt16(truncatingIfNeeded: value >> 16))
        append(bigEndian: UInt16(truncatingIfNeeded: value))
    }

    /// Removes the first `n` bytes, moving the rest to the front.
    public mutating func removeFirst(_ n: Int) {
        assert(n <= count)
        count -= n
        guard let base, count > 0, n > 0 else { return }
        base.update(from: base + n, count: count)
    }

    /// Exchanges the `n` bytes from `start` on and all that follow them.
    public mutating func rotate(from start: Int, by n: Int) {
        assert(start >= 0 && n >= 0 && start + n <= count)
        let rest = count - start - n
        guard let base, rest > 0 else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: rest) { kept in
            guard let keep = kept.baseAddress else { return }
            keep.initialize(from: base + start + n, count: rest)
            (base + start + rest).update(from: base + start, count: n)
            (base + start).update(from: keep, count: rest)
        }
    }

    /// Forgets the bytes and keeps the memory.
    @inlinable
    public mutating func removeAll() { count = 0 }

    /// Cuts the bytes behind `newCount` off.
    @inlinable
    public mutating func truncate(to newCount: Int) {
        assert(newCount <= count)
        count = newCount
    }

    /// Gives the memory back; the buffer is empty and may be used again.
    public mutating func deallocate() {
        base?.deallocate()
        base = nil
        count = 0
        capacity = 0
    }

    @usableFromInline
    @inline(never)
    mutating func grow(_ extra: Int) {
        var newCapacity = Swift.max(capacity &* 2, 128)
        while newCapacity < count &+ extra { newCapacity &*= 2 }
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity)
        if let base {
            fresh.update(from: base, count: count)
            base.deallocate()
        }
        base = fresh
        capacity = newCapacity
    }
}
