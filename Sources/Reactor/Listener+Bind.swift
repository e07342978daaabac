// SPDX-License-Identifier: Apache-2.0
// Making the listening socket, or only looking whether it could be made, and the sentences for what may go wrong.

import CLinux
import Glibc

extension Listener {
    /// Throws if somebody else listens on the TCP address already. A listener with `reusePort` would share the port
    /// with that one without a word. Nobody can connect meanwhile: a connection made now would be lost.
    public static func checkVacancy(host: String, port: UInt16) throws(ReactorError) {
        Glibc.close(try bindTCP(host: host, port: port, ListenerOptions()))
    }
}

func listenTCP(host: String, port: UInt16, _ options: ListenerOptions) throws(ReactorError) -> Int32 {
    let fd = try bindTCP(host: host, port: port, options)
    if listen(fd, options.backlog) == 0 { return fd }
    let number = errno
    close(fd)
    throw ReactorError(bindSentence(number, host: host.isEmpty ? "every address" : host, port: port))
}

/// A name is looked up here and now, which may block: binding is a matter of start-up.
private func bindTCP(host: String, port: UInt16, _ options: ListenerOptions) throws(ReactorError) -> Int32 {
    let resolved = SocketAddress.resolve(host.isEmpty ? "::" : host, port: port, flags: AI_PASSIVE)
    let address: SocketAddress
    switch resolved {
    case .success(let all) where !all.isEmpty: address = all.first { $0.family == .ipv4 } ?? all[0]
    case .success: throw ReactorError("cannot listen on \(host): it has no address; set another bind")
    case .failure(let error): throw ReactorError("cannot listen on \(host): \(error); set a numeric address as bind")
    }
    let family = address.family == .ipv6 ? AF_INET6 : AF_INET
    let fd = try newSocket(family)
    if fd < 0 {
        // A machine without IPv6 still has an "every address".
        if host.isEmpty { return try bindTCP(host: "0.0.0.0", port: port, options) }
        throw ReactorError("cannot listen on \(host): this machine has no IPv6; set an IPv4 address as bind")
    }
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)
    if options.reusePort { setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1) }
    setInherited(fd, options)
    setSending(fd, noDelay: options.noDelay)
    if let keepAlive = options.keepAlive {
        setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
        setOption(fd, Int32(IPPROTO_TCP), TCP_KEEPIDLE, keepAlive.idle)
        setOption(fd, Int32(IPPROTO_TCP), TCP_KEEPINTVL, keepAlive.interval)
        setOption(fd, Int32(IPPROTO_TCP), TCP_KEEPCNT, keepAlive.probes)
    }
    if family == AF_INET6 {
        setOption(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, options.ipv6Only && !host.isEmpty ? 1 : 0)
    }
    let bound = address.withSockaddr { bind(fd, $0, $1) }
    if bound == 0 { return fd }
    let number = errno
    close(fd)
    if host.isEmpty, number == EADDRNOTAVAIL {
        return try bindTCP(host: "0.0.0.0", port: port, options)
    }
    throw ReactorError(bindSentence(number, host: host.isEmpty ? "every address" : host, port: port))
}

/// Before `listen`: the size of the receive buffer is told to peers as they connect.
private func setInherited(_ fd: Int32, _ options: ListenerOptions) {
    if let size = options.sendBuffer { setOption(fd, SOL_SOCKET, SO_SNDBUF, size) }
    if let size = options.receiveBuffer { setOption(fd, SOL_SOCKET, SO_RCVBUF, size) }
}

/// -1 if the system does not know the family.
private func newSocket(_ family: Int32) throws(ReactorError) -> Int32 {
    let fd = linux_stream_socket(family)
    if fd >= 0 || errno == EAFNOSUPPORT { return fd }
    throw ReactorError("cannot make a socket: \(describeError(errno)); raise the limit of open files (ulimit -n)")
}

private func bindSentence(_ number: Int32, host: String, port: UInt16) -> String {
    switch number {
    case EADDRINUSE: "port \(port) on \(host) is in use (by another process); stop it or set another bind"
    case EADDRNOTAVAIL: "cannot listen on \(host): this machine has no such address; set another bind"
    case EACCES: "port \(port) on \(host) needs privileges; set a port from 1024 up or grant CAP_NET_BIND_SERVICE"
    default: "cannot listen on port \(port) of \(host): \(describeError(number)); set another bind"
    }
}

func listenUnix(_ path: String, _ options: ListenerOptions) throws(ReactorError) -> Int32 {
    let fd = try newSocket(AF_UNIX)
    setInherited(fd, options)
    guard let bound = withUnixSockaddr(path, { bind(fd, $0, $1) }) else {
        close(fd)
        throw ReactorError(
            "cannot listen on the socket path '\(path)': it must have 1 to 107 bytes; set a shorter path"
        )
    }
    var number = bound == 0 ? 0 : errno
    if number == EADDRINUSE, isStale(path) {
        // What a killed process has left behind.
        unlink(path)
        let again = withUnixSockaddr(path) { bind(fd, $0, $1) }
        number = again == 0 ? 0 : errno
    }
    if number == 0, chmod(path, options.unixMode) != 0 || listen(fd, options.backlog) != 0 { number = errno }
    if number == 0 { return fd }
    close(fd)
    if number == EADDRINUSE {
        if !isSocket(path) {
            throw ReactorError("\(path) is a file that is no socket; move it away or set another path")
        }
        throw ReactorError("the socket \(path) is in use by another process; stop it or set another path")
    }
    throw ReactorError("cannot listen on the socket \(path): \(describeError(number)); set another path")
}

/// A socket file that nobody listens on.
private func isStale(_ path: String) -> Bool {
    guard isSocket(path), let probe = try? newSocket(AF_UNIX), probe >= 0 else { return false }
    defer { close(probe) }
    return withUnixSockaddr(path) { connect(probe, $0, $1) } == -1 && errno == ECONNREFUSED
}

private func isSocket(_ path: String) -> Bool {
    var info = stat()
    return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFSOCK
}
