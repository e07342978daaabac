// SPDX-License-Identifier: Apache-2.0
// Where to listen or to connect to, as the configuration says it.

import Glibc

public enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// A numeric address or a name, and a port. An empty host listens on every address, IPv4 and IPv6.
    case tcp(host: String, port: UInt16)
    /// The path of a Unix domain socket.
    case unix(path: String)

    public var description: String {
        switch self {
        case .tcp(let host, let port):
            if host.isEmpty {
                "*:\(port)"
            } else if host.utf8.contains(58) {
                "[\(host)]:\(port)"
            } else {
                "\(host):\(port)"
            }
        case .unix(let path): path
        }
    }

    /// False for a path that no Unix socket can have: the system gives it room for 107 bytes.
    public var isPossible: Bool {
        switch self {
        case .tcp: true
        case .unix(let path): withUnixSockaddr(path) { _, _ in true } ?? false
        }
    }
}

/// The system's form of a Unix socket path; nil if the path is empty, too long or contains a zero byte.
func withUnixSockaddr<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
        guard !bytes.isEmpty, bytes.count < target.count, !bytes.contains(0) else { return false }
        target.copyBytes(from: bytes)
        return true
    }
    if !fits { return nil }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

/// What is written is sent at once, if `noDelay`. Of what a peer does not take, the kernel holds 256 KB and no megabytes,
/// which nobody would count; the rest waits with the owner.
func setSending(_ fd: Int32, noDelay: Bool) {
    setOption(fd, Int32(IPPROTO_TCP), TCP_NODELAY, noDelay ? 1 : 0)
    setOption(fd, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, 262_144)
}

func setOption(_ fd: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
}
