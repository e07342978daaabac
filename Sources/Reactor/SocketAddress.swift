// SPDX-License-Identifier: Apache-2.0
// An IPv4 or IPv6 address with a port, in 24 bytes: every idle connection keeps one. A Unix socket's peer has no
// address of its own and is told by its family alone.

import CLinux
import Glibc

public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    public enum Family: UInt8, Sendable {
        case ipv4
        case ipv6
        case unix
    }

    /// The address as a 128-bit number; IPv4 uses the last 32 bits.
    private let high: UInt64
    private let low: UInt64
    private let scope: UInt32
    public let port: UInt16
    public let family: Family

    public static let unix = SocketAddress(high: 0, low: 0, scope: 0, port: 0, family: .unix)

    private init(high: UInt64, low: UInt64, scope: UInt32, port: UInt16, family: Family) {
        self.high = high
        self.low = low
        self.scope = scope
        self.port = port
        self.family = family
    }

    /// From what the system filled in. An IPv4 peer of a dual-stack listener (::ffff:a.b.c.d) becomes IPv4.
    init(_ storage: sockaddr_storage) {
        self = withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let v4 = bytes.loadUnaligned(as: sockaddr_in.self)
                return Self.v4(UInt32(bigEndian: v4.sin_addr.s_addr), port: UInt16(bigEndian: v4.sin_port))
            case AF_INET6:
                let v6 = bytes.loadUnaligned(as: sockaddr_in6.self)
                let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8
                let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
                let port = UInt16(bigEndian: v6.sin6_port)
                if high == 0, low >> 32 == 0xFFFF { return Self.v4(UInt32(truncatingIfNeeded: low), port: port) }
                return SocketAddress(high: high, low: low, scope: v6.sin6_scope_id, port: port, family: .ipv6)
            default: return .unix
            }
        }
    }

    private static func v4(_ address: UInt32, port: UInt16) -> SocketAddress {
        SocketAddress(high: 0, low: UInt64(address), scope: 0, port: port, family: .ipv4)
    }

    public init(ipv4 address: UInt32, port: UInt16) { self = Self.v4(address, port: port) }

    /// From the two halves of the number. An IPv4 address written as IPv6 (::ffff:a.b.c.d) becomes IPv4.
    public init(ipv6 high: UInt64, _ low: UInt64, port: UInt16) {
        if high == 0, low >> 32 == 0xFFFF {
            self = Self.v4(UInt32(truncatingIfNeeded: low), port: port)
        } else {
            self.init(high: high, low: low, scope: 0, port: port, family: .ipv6)
        }
    }

    /// The standard's own notation, four decimal numbers or an IPv6 address, and nothing else that the system's
    /// look-up would take, such as "127.1".
    public init?(strict text: String, port: UInt16 = 0) {
        // The system would read the text up to it.
        if text.utf8.contains(0) { return nil }
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self = Self.v4(UInt32(bigEndian: v4.s_addr), port: port)
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            let (high, low) = withUnsafeBytes(of: v6) { bytes in
                (
                    UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
            self.init(ipv6: high, low, port: port)
        } else {
            return nil
        }
    }

    /// Whether the first `bits` of both addresses are the same; those of different families share nothing.
    public func shares(_ bits: Int, with other: SocketAddress) -> Bool {
        guard family == other.family, family != .unix else { return false }
        // Shifts by a whole word or more give 0: then nothing is compared.
        let width = family == .ipv4 ? 32 : 128
        let rest = width - min(max(bits, 0), width)
        return (low ^ other.low) >> min(rest, 64) == 0 && (high ^ other.high) >> max(rest - 64, 0) == 0
    }

    /// A numeric address ("127.0.0.1", "::1"); nil for a name.
    public init?(numeric host: String, port: UInt16) {
        guard case .success(let all) = Self.resolve(host, port: port, flags: AI_NUMERICHOST), let first = all.first
        else { return nil }
        self = first
    }

    /// The peer of a connected socket.
    static func peer(of fd: Int32) -> SocketAddress { read(fd, getpeername) }

    /// The own end of a socket.
    static func local(of fd: Int32) -> SocketAddress { read(fd, getsockname) }

    private static func read(
        _ fd: Int32,
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(fd, $0, &length) }
        }
        return result == 0 ? SocketAddress(storage) : .unix
    }

    /// Addresses of a name or a numeric host. Names block: call this off the loop.
    static func resolve(_ host: String, port: UInt16, flags: Int32 = 0) -> Result<[SocketAddress], ReactorError> {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &list)
        if result != 0 {
            let text = gai_strerror(result).map { String(cString: $0) } ?? "error \(result)"
            return .failure(ReactorError(text.prefix(1).lowercased() + text.dropFirst()))
        }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var entry = list
        while let current = entry {
            var storage = sockaddr_storage()
            if let address = current.pointee.ai_addr {
                memcpy(&storage, address, min(Int(current.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size))
                found.append(SocketAddress(storage))
            }
            entry = current.pointee.ai_next
        }
        return .success(found)
    }

    /// The system's form of an IP address, for bind and connect.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length: Int
        if family == .ipv6 {
            var v6 = sockaddr_in6()
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            v6.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &v6.sin6_addr) { bytes in
                bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
                bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            length = MemoryLayout<sockaddr_in6>.size
            memcpy(&storage, &v6, length)
        } else {
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            v4.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
            length = MemoryLayout<sockaddr_in>.size
            memcpy(&storage, &v4, length)
        }
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }

    /// Whether the peer is on this machine: 127.0.0.0/8, ::1 or a Unix socket.
    public var isLoopback: Bool {
        switch family {
        case .ipv4: low >> 24 == 127
        case .ipv6: high == 0 && low == 1
        case .unix: true
        }
    }

    /// The address without the port: "10.0.0.7", "2001:db8::1", "" for a Unix socket.
    public var host: String {
        switch family {
        case .unix: ""
        case .ipv4: ipv4Host
        case .ipv6: ipv6Host
        }
    }

    /// Each connection asks for it, and the system's way of writing it costs a microsecond.
    private var ipv4Host: String {
        String(unsafeUninitializedCapacity: 15) { text in
            var count = 0
            func add(_ byte: UInt8) {
                text[count] = byte
                count += 1
            }
            for place in 0..<4 {
                if place > 0 { add(UInt8(ascii: ".")) }
                let number = UInt8(truncatingIfNeeded: low >> UInt64(24 - 8 * place))
                if number >= 100 { add(UInt8(ascii: "0") + number / 100) }
                if number >= 10 { add(UInt8(ascii: "0") + number / 10 % 10) }
                add(UInt8(ascii: "0") + number % 10)
            }
            return count
        }
    }

    private var ipv6Host: String {
        withSockaddr { address, length in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { text in
                let result = getnameinfo(
                    address,
                    length,
                    text.baseAddress,
                    socklen_t(text.count),
                    nil,
                    0,
                    NI_NUMERICHOST
                )
                guard result == 0, let base = text.baseAddress else { return "" }
                return String(cString: base)
            }
        }
    }

    /// "10.0.0.7:52100", "[2001:db8::1]:52100" or "unix socket".
    public var description: String {
        switch family {
        case .ipv4: "\(host):\(port)"
        case .ipv6: "[\(host)]:\(port)"
        case .unix: "unix socket"
        }
    }
}
