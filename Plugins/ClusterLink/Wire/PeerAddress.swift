// SPDX-License-Identifier: Apache-2.0
// A publisher's address between its text ("10.0.0.7", "2001:db8::1") and the tuple of integers that Erlang uses: four
// of 8 bits or eight of 16.

import Glibc

struct PeerAddress {
    /// In text order; the first `count` are used.
    private(set) var parts: (UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16) = (0, 0, 0, 0, 0, 0, 0, 0)
    private(set) var count = 0

    /// The longest text of an IPv6 address, with a final NUL.
    static let textCapacity = Int(INET6_ADDRSTRLEN)

    subscript(index: Int) -> UInt16 {
        get { withUnsafeBytes(of: parts) { $0.load(fromByteOffset: (index & 7) * 2, as: UInt16.self) } }
        set {
            withUnsafeMutableBytes(of: &parts) {
                $0.storeBytes(of: newValue, toByteOffset: (index & 7) * 2, as: UInt16.self)
            }
        }
    }

    /// nil if the text is no address.
    init?(text: Bytes) {
        if parseIPv4(text) { return }
        guard text.count > 0, text.count < Self.textCapacity else { return nil }
        var groups = in6_addr()
        let parsed = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Self.textCapacity) { terminated in
            for index in 0..<text.count { terminated[index] = CChar(bitPattern: text.base[index]) }
            terminated[text.count] = 0
            return inet_pton(AF_INET6, terminated.baseAddress, &groups) == 1
        }
        guard parsed else { return nil }
        count = 8
        withUnsafeBytes(of: groups) { raw in
            for index in 0..<8 {
                self[index] = raw.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self).bigEndian
            }
        }
    }

    private mutating func parseIPv4(_ text: Bytes) -> Bool {
        guard text.count >= 7, text.count <= 15 else { return false }
        var part = 0
        var digits = 0
        var value: UInt16 = 0
        for byte in text.buffer {
            if byte == UInt8(ascii: "."), digits > 0, part < 3 {
                self[part] = value
                part += 1
                digits = 0
                value = 0
            } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 3 {
                value = value * 10 + UInt16(byte - UInt8(ascii: "0"))
                digits += 1
            } else {
                return false
            }
        }
        guard part == 3, digits > 0, value <= 255, self[0] <= 255, self[1] <= 255, self[2] <= 255 else { return false }
        self[3] = value
        count = 4
        return true
    }

    /// Reads a tuple of four or eight integers; anything else is skipped and gives nil.
    init?(_ reader: inout TermReader) throws(TermError) {
        guard try reader.peek() == Tag.smallTuple else {
            try reader.skip()
            return nil
        }
        let arity = try reader.tuple()
        guard arity == 4 || arity == 8 else {
            for _ in 0..<arity { try reader.skip() }
            return nil
        }
        for index in 0..<arity {
            let value = try reader.integer()
            guard value >= 0, value <= (arity == 4 ? 255 : 65_535) else { throw .badValue("peer address") }
            self[index] = UInt16(value)
        }
        count = arity
    }

    /// Writes the text without a final NUL and returns its length; `target` holds `textCapacity` bytes.
    func write(to target: UnsafeMutablePointer<UInt8>) -> Int {
        if count == 4 { return writeIPv4(to: target) }
        var groups = in6_addr()
        withUnsafeMutableBytes(of: &groups) { raw in
            for index in 0..<8 {
                raw.storeBytes(of: self[index].bigEndian, toByteOffset: index * 2, as: UInt16.self)
            }
        }
        return target.withMemoryRebound(to: CChar.self, capacity: Self.textCapacity) { text in
            inet_ntop(AF_INET6, &groups, text, socklen_t(Self.textCapacity)) == nil ? 0 : strlen(text)
        }
    }

    private func writeIPv4(to target: UnsafeMutablePointer<UInt8>) -> Int {
        var length = 0
        func put(_ byte: UInt8) {
            target[length] = byte
            length += 1
        }
        for index in 0..<4 {
            let value = UInt8(truncatingIfNeeded: self[index])
            if index > 0 { put(UInt8(ascii: ".")) }
            if value >= 100 { put(UInt8(ascii: "0") + value / 100) }
            if value >= 10 { put(UInt8(ascii: "0") + value / 10 % 10) }
            put(UInt8(ascii: "0") + value % 10)
        }
        return length
    }
}
