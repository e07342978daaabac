// SPDX-License-Identifier: Apache-2.0
// PUBACK, PUBREC, PUBREL and PUBCOMP, which have one layout. The form without a reason code, which is nearly all of
// them, is decoded and encoded inline.

public struct AckPacket: Sendable {
    /// One of `.puback`, `.pubrec`, `.pubrel`, `.pubcomp`.
    public var type: PacketType
    public var packetIdentifier: UInt16
    public var reason: ReasonCode
    public var properties: Properties

    @inlinable
    public init(
        _ type: PacketType,
        packetIdentifier: UInt16,
        reason: ReasonCode = .success,
        properties: Properties = .empty
    ) {
        self.type = type
        self.packetIdentifier = packetIdentifier
        self.reason = reason
        self.properties = properties
    }

    @inlinable
    @inline(__always)
    public static func decode(
        _ body: ByteView,
        type: PacketType,
        version: ProtocolVersion
    ) throws(MalformedPacket) -> AckPacket {
        if body.count == 2 {
            let packetIdentifier = body.uint16(at: 0)
            if packetIdentifier != 0 { return AckPacket(type, packetIdentifier: packetIdentifier) }
        }
        return try decodeLong(body, type: type, version: version)
    }

    /// The Packet Identifier if `bytes`, the first of which begins an acknowledgement, start with one that is nothing but
    /// four bytes of success; else 0.
    @inlinable
    @inline(__always)
    public static func plainIdentifier(_ bytes: ByteView) -> UInt16 {
        bytes.count >= 4 && bytes[1] == 2 ? UInt16(bytes[2]) &<< 8 | UInt16(bytes[3]) : 0
    }

    @usableFromInline
    static func decodeLong(
        _ body: ByteView,
        type: PacketType,
        version: ProtocolVersion
    ) throws(MalformedPacket) -> AckPacket {
        var reader = ByteReader(body)
        let packetIdentifier = try reader.packetIdentifier(or: "the acknowledgement ends before its packet identifier")
        var packet = AckPacket(type, packetIdentifier: packetIdentifier)
        guard !reader.isAtEnd else { return packet }
        guard version == .v5 else { throw .malformed("bytes follow the packet identifier of the acknowledgement") }
        packet.reason = ReasonCode(rawValue: try reader.byte(or: "the acknowledgement ends before its reason code"))
        guard packet.reason.isDefined(in: type) else {
            throw .protocolError("the acknowledgement's reason code is not one of its packet type")
        }
        // A length of 3 leaves the properties out, too.
        if !reader.isAtEnd {
            packet.properties = try reader.properties(for: PropertyContext(type), version: version)
        }
        guard reader.isAtEnd else { throw .malformed("bytes follow the properties of the acknowledgement") }
        return packet
    }

    @inlinable
    public func encode(into buffer: inout ByteBuffer, version: ProtocolVersion) {
        if version != .v5 || (reason == .success && properties.isEmpty) {
            Self.appendSuccess(type, packetIdentifier: packetIdentifier, to: &buffer)
        } else {
            encodeLong(into: &buffer)
        }
    }

    @usableFromInline
    func encodeLong(into buffer: inout ByteBuffer) {
        let start = buffer.beginPacket(type)
        buffer.append(bigEndian: packetIdentifier)
        buffer.append(reason.rawValue)
        if !properties.isEmpty { buffer.append(section: properties) }
        buffer.endPacket(bodyAt: start)
    }

    /// The four bytes that mean success in every version.
    @inlinable
    @inline(__always)
    public static func appendSuccess(_ type: PacketType, packetIdentifier: UInt16, to buffer: inout ByteBuffer) {
        let first = UInt32(type.rawValue &<< 4 | (type == .pubrel ? 0b0010 : 0))
        let packet = first &<< 24 | 0x0002_0000 | UInt32(packetIdentifier)
        UnsafeMutableRawPointer(buffer.reserve(4)).storeBytes(of: packet.bigEndian, as: UInt32.self)
        buffer.commit(4)
    }
}
