// SPDX-License-Identifier: Apache-2.0
// A listening socket on one loop. It accepts and hands the sockets over; what is done with them is the owner's affair.
// It survives want of descriptors and memory: newcomers are turned away or left to wait, and the owner is told.

import CLinux
import Glibc

public struct ListenerOptions: Sendable {
    public var backlog: Int32 = 1024
    /// One listener per loop on the same port; the kernel spreads the connections.
    public var reusePort = false
    /// A listener on "::" takes IPv6 only.
    public var ipv6Only = false
    /// Connections accepted in one turn; the rest wait for the next.
    public var acceptsPerTurn = 64
    /// Permissions of a Unix socket's file.
    public var unixMode: mode_t = 0o660
    // What accepted connections inherit: once for the listener instead of once for each of them.
    public var noDelay = true
    /// The kernel's buffers, bytes; nil: the kernel adapts them.
    public var sendBuffer: Int32?
    public var receiveBuffer: Int32?
    /// TCP's probes of a silent peer; nil: none.
    public var keepAlive: KeepAlive?

    public struct KeepAlive: Equatable, Sendable {
        /// Seconds of silence before the first probe, and between probes.
        public var idle: Int32
        public var interval: Int32
        /// Unanswered probes after which the connection is broken.
        public var probes: Int32

        public init(idle: Int32, interval: Int32, probes: Int32) {
            self.idle = idle
            self.interval = interval
            self.probes = probes
        }
    }

    /// Asked before each connection is accepted.
    public var gate: (any AcceptGate)?

    public init() {}
}

/// Bounds the rate of new connections; several listeners may share one. Who has to wait does so in the backlog.
public protocol AcceptGate: AnyObject, Sendable {
    /// Milliseconds until a connection may be accepted; 0 if that is now.
    func delay(at now: UInt64) -> UInt64
    func accepted(at now: UInt64)
}

/// Confinement as for `PollSource`.
public final class Listener: PollSource, @unchecked Sendable {
    typealias Accept = (Int32, UnsafeMutablePointer<sockaddr_storage>) -> Int32

    public let endpoint: Endpoint
    /// The port in use: the system's choice if port 0 was asked for. 0 for a Unix socket.
    public let port: UInt16
    private let acceptsPerTurn: Int
    private let gate: (any AcceptGate)?
    private let accept: Accept
    private let accepted: (Int32, SocketAddress) -> Void
    private let failed: (String) -> Void
    /// Given up for a moment when descriptors run out, to turn the newcomer away: left in the backlog, it would make
    /// epoll report for ever.
    private var reserve: Int32
    private var refused = 0
    private var nextReport: UInt64 = 0
    private var pause = TimerID.none

    /// Binds and listens, before the loop runs or on it. `accepted` gets each new socket (non-blocking, and it has to
    /// close it); `failed` gets a sentence, at most once a second, while connections cannot be accepted.
    public convenience init(
        loop: EventLoop,
        endpoint: Endpoint,
        options: ListenerOptions = ListenerOptions(),
        failed: @escaping (String) -> Void,
        accepted: @escaping (Int32, SocketAddress) -> Void
    ) throws(ReactorError) {
        try self.init(
            loop: loop,
            endpoint: endpoint,
            options: options,
            failed: failed,
            accepted: accepted,
            accept: acceptSocket
        )
    }

    init(
        loop: EventLoop,
        endpoint: Endpoint,
        options: ListenerOptions,
        failed: @escaping (String) -> Void,
        accepted: @escaping (Int32, SocketAddress) -> Void,
        accept: @escaping Accept
    ) throws(ReactorError) {
        let socket =
            switch endpoint {
            case .tcp(let host, let port): try listenTCP(host: host, port: port, options)
            case .unix(let path): try listenUnix(path, options)
            }
        self.endpoint = endpoint
        port = SocketAddress.local(of: socket).port
        acceptsPerTurn = options.acceptsPerTurn
        gate = options.gate
        self.accept = accept
        self.accepted = accepted
        self.failed = failed
        reserve = openReserve()
        super.init(fd: socket, loop: loop)
        loop.adopt(self)
        guard setInterest(EPOLLIN.rawValue) else {
            let reason = describeError(errno)
            close()
            throw ReactorError("cannot watch the listener \(endpoint): \(reason); raise fs.epoll.max_user_watches")
        }
    }

    /// Stops listening and removes a Unix socket's file. Connections accepted before live on.
    public func close() {
        guard fd >= 0 else { return }
        loop.cancel(pause)
        closeDescriptor()
        if reserve >= 0 { Glibc.close(reserve) }
        reserve = -1
        if case .unix(let path) = endpoint { unlink(path) }
    }

    override func loopStopped() { close() }

    override func ready(_ events: UInt32) {
        for _ in 0..<acceptsPerTurn {
            if let delay = gate?.delay(at: loop.nowMilliseconds), delay > 0 {
                // Not woken for each single connection.
                _ = rest(max(delay, 10))
                return
            }
            var storage = sockaddr_storage()
            let socket = accept(fd, &storage)
            if socket >= 0 {
                gate?.accepted(at: loop.nowMilliseconds)
                accepted(socket, SocketAddress(storage))
                if fd < 0 { return }
            } else if !goesOn(after: errno) {
                return
            }
        }
    }

    /// Whether accepting may go on at once after this error.
    private func goesOn(after number: Int32) -> Bool {
        switch number {
        case EAGAIN: return false
        case EMFILE, ENFILE:
            report(number, "raise the limit of open files (ulimit -n, LimitNOFILE)")
            return turnAway() || rest()
        case ENOMEM, ENOBUFS:
            report(number, "free memory or lower the number of connections")
            return rest()
        case EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP, EPERM:
            report(number, "restart the listener")
            return rest()
        default:
            // ECONNABORTED, EPROTO and the like: this newcomer is gone, the next may be well.
            return true
        }
    }

    private func turnAway() -> Bool {
        guard reserve >= 0 else {
            reserve = openReserve()
            return false
        }
        Glibc.close(reserve)
        var storage = sockaddr_storage()
        let newcomer = accept(fd, &storage)
        if newcomer >= 0 {
            Glibc.close(newcomer)
            refused += 1
        }
        reserve = openReserve()
        return newcomer >= 0
    }

    /// No accepting for a while; always false.
    private func rest(_ milliseconds: UInt64 = 100) -> Bool {
        _ = setInterest(0)
        loop.cancel(pause)
        pause = loop.schedule(after: milliseconds) { [unowned self] in
            if fd >= 0 { _ = setInterest(EPOLLIN.rawValue) }
        }
        return false
    }

    private func report(_ number: Int32, _ advice: String) {
        guard loop.nowMilliseconds >= nextReport else { return }
        nextReport = loop.nowMilliseconds + 1000
        let count = refused > 0 ? " (\(refused) turned away so far)" : ""
        failed("listener \(endpoint) cannot accept connections: \(describeError(number))\(count); \(advice)")
    }
}

private func openReserve() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }

private func acceptSocket(_ fd: Int32, _ storage: UnsafeMutablePointer<sockaddr_storage>) -> Int32 {
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { linux_accept(fd, $0, &length) }
}
