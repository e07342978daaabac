// SPDX-License-Identifier: Apache-2.0
// What stands in front of a frame's payload (RFC 6455, 5.2): reading a client's, writing ours.

struct FrameHeader: Equatable {
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    enum Parsed {
        case header(FrameHeader)
        case incomplete
        case broken(FrameEnd)
    }

    static let maximumControlPayload = 125
    /// Two bytes, eight of length, four of mask.
    static let maximumLength = 14

    let opcode: Opcode
    let isFinal: Bool
    /// Of the payload.
    let length: Int
    /// The lowest byte is for the payload's first one.
    let mask: UInt32
    let headerLength: Int

    /// Reads a client's header. What is wrong is told by the first two bytes alone where they tell it.
    @inline(__always)
    static func parse(_ bytes: UnsafeRawPointer, available: Int) -> Parsed {
        guard available >= 2 else { return .incomplete }
        let first = bytes.load(as: UInt8.self)
        let second = bytes.load(fromByteOffset: 1, as: UInt8.self)
        guard first & 0x70 == 0, let opcode = Opcode(rawValue: first & 0x0F), second & 0x80 != 0 else {
            return .broken(fault(first, second))
        }
        let isFinal = first & 0x80 != 0
        var length = Int(second & 0x7F)
        var headerLength = 6
        if opcode.isControl {
            guard isFinal, length <= maximumControlPayload else {
                return .broken(.broken(.protocolError, "a control frame is fragmented or too long"))
            }
        } else if length > 125 {
            headerLength = length == 126 ? 8 : 14
            guard available >= headerLength else { return .incomplete }
            guard let long = longLength(bytes + 2, isShort: length == 126) else {
                return .broken(.broken(.protocolError, "a frame's length is not written in the fewest bytes"))
            }
            length = long
        }
        guard available >= headerLength else { return .incomplete }
        let mask = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: headerLength - 4, as: UInt32.self))
        return .header(
            FrameHeader(opcode: opcode, isFinal: isFinal, length: length, mask: mask, headerLength: headerLength)
        )
    }

    /// nil if a shorter form would have done, or if the highest bit is set, which it must not.
    private static func longLength(_ bytes: UnsafeRawPointer, isShort: Bool) -> Int? {
        if isShort {
            let length = Int(UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self)))
            return length > 125 ? length : nil
        }
        guard let length = Int(exactly: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))) else { return nil }
        return length > 0xFFFF ? length : nil
    }

    private static func fault(_ first: UInt8, _ second: UInt8) -> FrameEnd {
        if first & 0x70 != 0 {
            return .broken(.protocolError, "a frame has reserved bits, for no extension was agreed on")
        }
        if Opcode(rawValue: first & 0x0F) == nil {
            return .broken(.protocolError, "a frame has the unknown opcode \(first & 0x0F)")
        }
        return .broken(.protocolError, "a client's frame is not masked")
    }

    /// Writes a server's header, which is never masked, and returns its length: 2, 4 or 10.
    static func write(_ opcode: Opcode, length: Int, to bytes: UnsafeMutableRawPointer) -> Int {
        bytes.storeBytes(of: 0x80 | opcode.rawValue, as: UInt8.self)
        if length <= 125 {
            bytes.storeBytes(of: UInt8(length), toByteOffset: 1, as: UInt8.self)
            return 2
        }
        if length <= 0xFFFF {
            bytes.storeBytes(of: 126, toByteOffset: 1, as: UInt8.self)
            bytes.storeBytes(of: UInt16(length).bigEndian, toByteOffset: 2, as: UInt16.self)
            return 4
        }
        bytes.storeBytes(of: 127, toByteOffset: 1, as: UInt8.self)
        bytes.storeBytes(of: UInt64(length).bigEndian, toByteOffset: 2, as: UInt64.self)
        return 10
    }
}
