// SPDX-License-Identifier: Apache-2.0
// Where a packet starts and ends in a run of received bytes. What the packet says is for the decoder of its type.

public struct FixedHeader: Sendable {
    public let type: PacketType
    public let flags: UInt8
    /// The bytes of the fixed header itself: 2...5.
    public let headerLength: Int
    /// The remaining length: the bytes behind the fixed header.
    public let length: Int

    @inlinable
    public init(type: PacketType, flags: UInt8, headerLength: Int, length: Int) {
        self.type = type
        self.flags = flags
        self.headerLength = headerLength
        self.length = length
    }

    @inlinable
    public var packetLength: Int { headerLength &+ length }

    /// The packet's bytes behind the fixed header, in the `bytes` that ``parse(_:maximumPacketSize:version:)`` saw.
    @inlinable
    public func body(in bytes: ByteView) -> ByteView { bytes.slice(headerLength, packetLength) }
}

public enum Framing: Sendable {
    case packet(FixedHeader)
    /// More bytes have to come: the packet needs at least `needed` in all, counted from its first byte.
    case incomplete(needed: Int)
    case malformed(MalformedPacket)
}

extension FixedHeader {
    /// Finds the packet at the start of `bytes`. `maximumPacketSize` counts the fixed header, too. [MQTT-3.2.2-15]
    ///
    /// The length has to be written in the fewest bytes only in MQTT 5 [MQTT-1.5.5-1]: 3.1.1 has no such rule, and
    /// small clients are known that always write four. Before the CONNECT has told the version, pass `.v311`.
    @inlinable
    @inline(__always)
    public static func parse(
        _ bytes: ByteView,
        maximumPacketSize: Int = VariableByteInteger.maximum + 5,
        version: ProtocolVersion = .v311
    ) -> Framing {
        guard bytes.count >= 2 else { return parseShort(bytes, version: version) }
        let first = bytes[0]
        guard first & 0xF0 == 0x30 || flagsAreValid(first, version: version) else { return firstByteFault(first) }
        var length = Int(bytes[1])
        var headerLength = 2
        if length >= 0x80 {
            switch longLength(bytes, version: version) {
            case .packet(let header):
                length = header.length
                headerLength = header.headerLength
            case let other: return other
            }
        }
        let total = headerLength &+ length
        if total > maximumPacketSize { return tooLarge }
        if total > bytes.count { return .incomplete(needed: total) }
        let type = PacketType(rawValue: first &>> 4).unsafelyUnwrapped
        return .packet(FixedHeader(type: type, flags: first & 0x0F, headerLength: headerLength, length: length))
    }

    /// For every type but PUBLISH, whose flags its decoder checks. [MQTT-2.1.3-1]
    @inlinable
    @inline(__always)
    static func flagsAreValid(_ first: UInt8, version: ProtocolVersion) -> Bool {
        // One nibble a packet type: the flags it requires. Type 0 is forbidden and requires what no nibble can be.
        let type = first &>> 4
        let required = UInt8(truncatingIfNeeded: 0x0000_0202_0200_0000 as UInt64 &>> (UInt64(type) &* 4)) & 0x0F
        let flags = first & 0x0F
        if type != 0 && flags == required { return true }
        // MQTT 3.1 sets DUP when it sends one of these three again.
        return version == .v31 && required == 0b0010 && flags == 0b1010
    }

    @usableFromInline
    static func parseShort(_ bytes: ByteView, version: ProtocolVersion) -> Framing {
        guard bytes.count == 1 else { return .incomplete(needed: 2) }
        let first = bytes[0]
        if first & 0xF0 == 0x30 || flagsAreValid(first, version: version) { return .incomplete(needed: 2) }
        return firstByteFault(first)
    }

    @usableFromInline
    @inline(never)
    // [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1]
    static func firstByteFault(_ first: UInt8) -> Framing {
        first < 0x10
            ? .malformed(.malformed("the packet type is 0, which is forbidden"))
            : .malformed(.malformed("the flag bits of the fixed header are not those of its packet type"))
    }

    @usableFromInline
    static var tooLarge: Framing {
        .malformed(MalformedPacket(.packetTooLarge, "the packet is larger than the maximum packet size"))
    }

    /// The remaining length where it takes more than one byte; the header's type and flags mean nothing.
    @usableFromInline
    static func longLength(_ bytes: ByteView, version: ProtocolVersion) -> Framing {
        var length = 0
        var i = 1
        while i <= 4 {
            guard i < bytes.count else { return .incomplete(needed: i + 1) }
            let byte = bytes[i]
            length |= Int(byte & 0x7F) &<< (7 &* (i &- 1))
            if byte < 0x80 {
                if byte == 0 && version == .v5 {
                    return .malformed(.malformed("the remaining length is written in more bytes than it needs"))
                }
                return .packet(FixedHeader(type: .publish, flags: 0, headerLength: i + 1, length: length))
            }
            i &+= 1
        }
        return .malformed(.malformed("the remaining length has more than four bytes"))
    }
}
