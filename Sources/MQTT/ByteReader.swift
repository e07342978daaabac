// SPDX-License-Identifier: Apache-2.0
// Reads the fields of a packet body in order. Each read names the fault to report if the body ends first.

@usableFromInline
struct ByteReader {
    @usableFromInline let bytes: ByteView
    @usableFromInline var position = 0

    @inlinable
    @inline(__always)
    init(_ bytes: ByteView) { self.bytes = bytes }

    @inlinable
    @inline(__always)
    var isAtEnd: Bool { position == bytes.count }

    @inlinable
    @inline(__always)
    var rest: ByteView { bytes.dropFirst(position) }

    @inlinable
    @inline(__always)
    mutating func byte(or text: StaticString) throws(MalformedPacket) -> UInt8 {
        guard position < bytes.count else { throw .malformed(text) }
        position &+= 1
        return bytes[position &- 1]
    }

    @inlinable
    @inline(__always)
    mutating func uint16(or text: StaticString) throws(MalformedPacket) -> UInt16 {
        guard bytes.count &- position >= 2 else { throw .malformed(text) }
        position &+= 2
        return bytes.uint16(at: position &- 2)
    }

    /// Bytes behind a two-byte length.
    @inlinable
    @inline(__always)
    mutating func prefixed(or text: StaticString) throws(MalformedPacket) -> ByteView {
        guard bytes.count &- position >= 2 else { throw .malformed(text) }
        let start = position &+ 2
        let length = Int(bytes.uint16(at: position))
        guard length <= bytes.count &- start else { throw .malformed(text) }
        position = start &+ length
        return bytes.slice(start, position)
    }

    /// A two-byte identifier, which is never 0. [MQTT-2.2.1-3] [MQTT-2.2.1-4]
    mutating func packetIdentifier(or text: StaticString) throws(MalformedPacket) -> UInt16 {
        let identifier = try uint16(or: text)
        guard identifier != 0 else { throw .malformed("the packet identifier is 0") }
        return identifier
    }

    /// The property section of an MQTT 5 packet; empty in older versions, which have none.
    mutating func properties(
        for context: PropertyContext,
        version: ProtocolVersion
    ) throws(MalformedPacket) -> Properties {
        guard version.hasProperties else { return .empty }
        return try Properties.decode(at: &position, in: bytes, for: context)
    }
}

extension ByteView {
    /// Big-endian, unchecked: the caller has compared `offset` with `count`.
    @inlinable
    @inline(__always)
    func uint16(at offset: Int) -> UInt16 {
        assert(offset >= 0 && offset &+ 2 <= count)
        return UInt16(bigEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    @inlinable
    @inline(__always)
    func uint32(at offset: Int) -> UInt32 {
        assert(offset >= 0 && offset &+ 4 <= count)
        return UInt32(bigEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
