// SPDX-License-Identifier: Apache-2.0
// A borrowed run of bytes: what decoding yields and the message path passes around instead of `String` or `[UInt8]`.
// It owns nothing and retains nothing: it is valid as long as the memory it was cut from, usually until the end of
// the call that received the bytes.

public struct ByteView: @unchecked Sendable {
    public let base: UnsafePointer<UInt8>
    public let count: Int

    @inlinable
    public init(_ base: UnsafePointer<UInt8>, count: Int) {
        self.base = base
        self.count = count
    }

    /// A view of `buffer`; an empty buffer without a base address gives ``empty``.
    @inlinable
    public init(_ buffer: UnsafeRawBufferPointer) {
        guard let address = buffer.baseAddress else {
            self = .empty
            return
        }
        self.init(address.assumingMemoryBound(to: UInt8.self), count: buffer.count)
    }

    /// A view that lives for ever, for literals.
    @inlinable
    public init(_ literal: StaticString) {
        self.init(literal.utf8Start, count: literal.utf8CodeUnitCount)
    }

    /// No bytes, at an address that may be read from for zero bytes.
    @inlinable
    public static var empty: ByteView { ByteView("") }

    @inlinable
    public var isEmpty: Bool { count == 0 }

    /// The byte at `index`, unchecked in release builds: callers have compared `index` with `count`.
    @inlinable
    public subscript(index: Int) -> UInt8 {
        assert(index >= 0 && index < count)
        return base[index]
    }

    /// The bytes from `start` up to, not including, `end`.
    @inlinable
    public func slice(_ start: Int, _ end: Int) -> ByteView {
        assert(start >= 0 && start <= end && end <= count)
        return ByteView(base + start, count: end - start)
    }

    @inlinable
    public func dropFirst(_ n: Int) -> ByteView { slice(n, count) }

    @inlinable
    public var raw: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    @inlinable
    public var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    /// A copy as text, ill-formed UTF-8 repaired. For logs and the control path only: it allocates.
    public var string: String { String(decoding: buffer, as: UTF8.self) }

    @inlinable
    public func hasPrefix(_ prefix: ByteView) -> Bool {
        count >= prefix.count && memoryEqual(base, prefix.base, prefix.count)
    }

    /// A 64-bit hash for in-process tables, eight bytes a step, with the seed of ``seedHashes()``.
    @inlinable
    public var hash64: UInt64 { hashBytes(base, count) }
}

extension ByteView: Equatable {
    @inlinable
    public static func == (a: ByteView, b: ByteView) -> Bool {
        a.count == b.count && memoryEqual(a.base, b.base, a.count)
    }
}

extension ByteView: ExpressibleByStringLiteral {
    @inlinable
    public init(stringLiteral value: StaticString) { self.init(value) }
}

/// Eight bytes a step; the short tail is compared by overlapping loads, so no byte loop is left.
@inlinable
func memoryEqual(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let x = UnsafeRawPointer(a)
    let y = UnsafeRawPointer(b)
    if count >= 8 {
        var i = 0
        while i &+ 8 <= count {
            let left = x.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            if left != y.loadUnaligned(fromByteOffset: i, as: UInt64.self) { return false }
            i &+= 8
        }
        return x.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            == y.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    }
    var i = 0
    while i < count {
        if a[i] != b[i] { return false }
        i &+= 1
    }
    return true
}

/// A lazily made constant would be asked about at every hash whether it is there.
private nonisolated(unsafe) var hashSeed: UInt64 = 0x2545_F491_4F6C_DD1D

/// Gives this process its own seed, so that nobody can choose names that collide: that of Swift's own tables, which
/// SWIFT_DETERMINISTIC_HASHING=1 makes repeatable. Before the first table is filled, and before the second thread.
public func seedHashes() { hashSeed = UInt64(bitPattern: Int64(Hasher().finalize())) }

/// Multiply-and-fold over eight-byte words; the tail is read by overlapping loads.
@usableFromInline
func hashBytes(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    let p = UnsafeRawPointer(bytes)
    var state = hashSeed ^ (UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15)
    var i = 0
    while i &+ 8 <= count {
        state = fold(state ^ p.loadUnaligned(fromByteOffset: i, as: UInt64.self), 0xE703_7ED1_A0B4_28DB)
        i &+= 8
    }
    let rest = count &- i
    var tail: UInt64 = 0
    if rest >= 4 {
        let head = p.loadUnaligned(fromByteOffset: i, as: UInt32.self)
        let last = p.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        tail = UInt64(head) | UInt64(last) << 32
    } else if rest > 0 {
        tail = UInt64(bytes[i]) | UInt64(bytes[i &+ rest / 2]) << 8 | UInt64(bytes[count &- 1]) << 16
    }
    return fold(state ^ tail, 0x8EBC_6AF0_9C88_C6E3)
}

@inline(__always)
private func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}
