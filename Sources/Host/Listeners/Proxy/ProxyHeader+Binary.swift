// SPDX-License-Identifier: Apache-2.0
// Version 2: a signature, command, family and length; two addresses; then fields of a type, a length and a value, of
// which those are read that say something of the client's TLS.

import Reactor

/// Big-endian numbers out of bytes whose bounds are checked.
private struct Reader {
    private var rest: Slice<UnsafeRawBufferPointer>

    init(_ bytes: Slice<UnsafeRawBufferPointer>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ count: Int) -> Slice<UnsafeRawBufferPointer>? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        take(MemoryLayout<Number>.size)?.reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }
}

extension ProxyHeader {
    private static let fixedLength = 16

    static func parseBinary(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        // What is wrong is said as early as it can be seen.
        if bytes.count > 12, bytes[12] >> 4 != 2 {
            return .malformed("its PROXY header is of the unknown version \(bytes[12] >> 4)")
        }
        if bytes.count > 12, bytes[12] & 15 > 1 {
            return .malformed("its PROXY header has the unknown command \(bytes[12] & 15)")
        }
        guard bytes.count >= fixedLength else { return .incomplete }
        let length = fixedLength + Int(bytes[14]) << 8 + Int(bytes[15])
        guard length <= maximumBinaryLength else {
            return .malformed("its PROXY header is longer than \(maximumBinaryLength) bytes")
        }
        guard bytes.count >= length else { return .incomplete }
        // The proxy speaks for itself, and whatever else it says is to be ignored.
        if bytes[12] & 15 == 0 { return .header(ProxyHeader(source: .proxyItself), length: length) }
        var reader = Reader(bytes[fixedLength..<length])
        let source: Source?
        switch bytes[13] {
        case 0x00: return .header(ProxyHeader(source: .unknown), length: length)
        case 0x11, 0x12: source = takeIPv4(&reader)
        case 0x21, 0x22: source = takeIPv6(&reader)
        // Two paths of 108 bytes.
        case 0x31, 0x32: source = reader.take(216).map { _ in .unix }
        default:
            return .malformed("its PROXY header has the unknown family 0x\(String(bytes[13], radix: 16))")
        }
        guard let source else { return .malformed("its PROXY header is too short for its addresses") }
        var header = ProxyHeader(source: source)
        if let fault = header.takeFields(&reader, of: bytes[..<length]) {
            return .malformed(fault)
        }
        return .header(header, length: length)
    }

    private static func takeIPv4(_ reader: inout Reader) -> Source? {
        guard let address = reader.number(UInt32.self), reader.take(4) != nil, let port = reader.number(UInt16.self),
            reader.take(2) != nil
        else { return nil }
        return .address(SocketAddress(ipv4: address, port: port))
    }

    private static func takeIPv6(_ reader: inout Reader) -> Source? {
        guard let high = reader.number(UInt64.self), let low = reader.number(UInt64.self), reader.take(16) != nil,
            let port = reader.number(UInt16.self), reader.take(2) != nil
        else { return nil }
        return .address(SocketAddress(ipv6: high, low, port: port))
    }

    // MARK: Fields

    private enum Field {
        static let authority: UInt8 = 0x02
        static let checksum: UInt8 = 0x03
        static let tls: UInt8 = 0x20
        static let commonName: UInt8 = 0x22
    }

    /// What is wrong with them; nil if nothing is.
    private mutating func takeFields(_ reader: inout Reader, of header: Slice<UnsafeRawBufferPointer>) -> String? {
        var seen: Set<UInt8> = []
        while !reader.isAtEnd {
            guard let type = reader.number(UInt8.self), let length = reader.number(UInt16.self),
                let value = reader.take(Int(length))
            else { return "a field of its PROXY header is cut off" }
            let isRead = [Field.authority, Field.checksum, Field.tls].contains(type)
            guard !isRead || seen.insert(type).inserted else { return "a field of its PROXY header stands there twice" }
            switch type {
            case Field.authority:
                guard let text = Self.text(value) else { return "the authority in its PROXY header is not text" }
                authority = text
            case Field.checksum:
                guard value.count == 4, Self.matches(checksum: value, of: header) else {
                    return "the checksum of its PROXY header is wrong"
                }
            case Field.tls:
                if let fault = takeTLS(value) { return fault }
            default: break
            }
        }
        return nil
    }

    private mutating func takeTLS(_ value: Slice<UnsafeRawBufferPointer>) -> String? {
        var reader = Reader(value)
        guard let client = reader.number(UInt8.self), let verdict = reader.number(UInt32.self) else {
            return "the TLS field of its PROXY header is cut off"
        }
        isTLS = client & 1 != 0
        // A certificate on this connection, or on an earlier one of the same TLS session; 0: the proxy has verified it.
        let isVerified = isTLS && client & 6 != 0 && verdict == 0
        while !reader.isAtEnd {
            guard let type = reader.number(UInt8.self), let length = reader.number(UInt16.self),
                let value = reader.take(Int(length))
            else { return "the TLS field of its PROXY header is cut off" }
            guard type == Field.commonName else { continue }
            guard let name = Self.text(value) else { return "the common name in its PROXY header is not text" }
            guard commonName == nil else { return "a field of its PROXY header stands there twice" }
            if isVerified { commonName = name }
        }
        return nil
    }

    /// Nil if it is no UTF-8, empty, or has a zero byte inside, which pretends to be a shorter text.
    private static func text(_ value: Slice<UnsafeRawBufferPointer>) -> String? {
        value.isEmpty || value.contains(0) ? nil : String(validating: value, as: UTF8.self)
    }

    /// CRC-32C over the whole header, the checksum itself counted as zeros.
    private static func matches(
        checksum: Slice<UnsafeRawBufferPointer>,
        of header: Slice<UnsafeRawBufferPointer>
    ) -> Bool {
        var crc = UInt32.max
        for index in header.indices {
            crc ^= checksum.indices.contains(index) ? 0 : UInt32(header[index])
            for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
        }
        return checksum.elementsEqual(withUnsafeBytes(of: (~crc).bigEndian, Array.init))
    }
}
