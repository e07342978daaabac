// SPDX-License-Identifier: Apache-2.0
// An outbound connection in the making: looks the name up off the loop, tries each address in turn, and hands over a
// connected socket or a sentence. TLS comes after that: the owner gives the socket to a `Stream` with a session.

import CLinux
import Glibc

/// Confinement: used on its loop's thread; the name look-up on the pool touches none of its state.
public final class Connector: @unchecked Sendable {
    public enum Outcome {
        /// A connected non-blocking socket; the receiver has to close it.
        case connected(Int32, SocketAddress)
        case failed(String)
    }

    private let loop: EventLoop
    private let endpoint: Endpoint
    private let milliseconds: UInt64
    private var completion: ((Outcome) -> Void)?
    private var timer = TimerID.none
    private var remaining: [SocketAddress] = []
    private var attempt: ConnectAttempt?
    private var lastFailure = "it has no address"

    /// Begins to connect; on the loop. `completion` is called once, in a later turn, unless `cancel` comes first.
    /// `pool` looks names up; numeric addresses do without.
    public init(
        loop: EventLoop,
        endpoint: Endpoint,
        timeoutMilliseconds: UInt64 = 10_000,
        pool: BlockingPool,
        completion: @escaping (Outcome) -> Void
    ) {
        self.loop = loop
        self.endpoint = endpoint
        milliseconds = timeoutMilliseconds
        self.completion = completion
        timer = loop.schedule(after: timeoutMilliseconds) { [self] in timedOut() }
        loop.deferWork { [self] in start(pool) }
    }

    /// Gives up at once; `completion` is not called any more.
    public func cancel() { finish(nil) }

    private func start(_ pool: BlockingPool) {
        guard completion != nil else { return }
        switch endpoint {
        case .unix(let path): connectUnix(path)
        case .tcp(let host, let port):
            if let address = SocketAddress(numeric: host, port: port) {
                remaining = [address]
                return tryNext()
            }
            let queued = pool.submit { [self] in
                let result = SocketAddress.resolve(host, port: port)
                loop.post { [self] in resolved(result) }
            }
            if !queued { fail("too many name look-ups are waiting") }
        }
    }

    private func resolved(_ result: Result<[SocketAddress], ReactorError>) {
        guard completion != nil else { return }
        switch result {
        case .success(let addresses):
            remaining = addresses
            tryNext()
        case .failure(let error): fail("the name cannot be resolved: \(error)")
        }
    }

    private func tryNext() {
        guard !remaining.isEmpty else { return fail(lastFailure) }
        let address = remaining.removeFirst()
        begin(address, family: address.family == .ipv6 ? AF_INET6 : AF_INET) { fd in
            address.withSockaddr { connect(fd, $0, $1) }
        }
    }

    private func connectUnix(_ path: String) {
        begin(.unix, family: AF_UNIX) { fd in
            if let result = withUnixSockaddr(path, { connect(fd, $0, $1) }) { return result }
            errno = ENAMETOOLONG
            return -1
        }
    }

    private func begin(_ address: SocketAddress, family: Int32, _ connect: (Int32) -> Int32) {
        let fd = linux_stream_socket(family)
        if fd < 0 { return attemptEnded(errno, address) }
        if family != AF_UNIX { setSending(fd, noDelay: true) }
        if connect(fd) == 0 {
            finish(.connected(fd, address))
        } else if errno == EINPROGRESS {
            let attempt = ConnectAttempt(fd: fd, loop: loop) { [self] number in
                if number == 0, let attempt = self.attempt {
                    finish(.connected(attempt.releaseDescriptor(), address))
                } else {
                    // The loop stops: no further attempt.
                    if number == ECANCELED { remaining = [] }
                    attemptEnded(number, address)
                }
            }
            self.attempt = attempt
            attempt.begin()
        } else {
            let number = errno
            close(fd)
            attemptEnded(number, address)
        }
    }

    private func attemptEnded(_ number: Int32, _ address: SocketAddress) {
        attempt?.closeDescriptor()
        attempt = nil
        lastFailure = describeError(number)
        // Behind a name there may be several addresses: which one was it?
        if case .tcp(let host, _) = endpoint, host != address.host { lastFailure += " (at \(address))" }
        tryNext()
    }

    private func timedOut() {
        fail("no answer within \(milliseconds) ms")
    }

    private func fail(_ cause: String) {
        finish(.failed("cannot connect to \(endpoint): \(cause)"))
    }

    private func finish(_ outcome: Outcome?) {
        guard let completion else { return }
        self.completion = nil
        loop.cancel(timer)
        attempt?.closeDescriptor()
        attempt = nil
        remaining = []
        if let outcome { completion(outcome) }
    }
}

/// One socket on its way; reports the error number once, 0 for success.
private final class ConnectAttempt: PollSource, @unchecked Sendable {
    private var completion: ((Int32) -> Void)?

    init(fd: Int32, loop: EventLoop, completion: @escaping (Int32) -> Void) {
        self.completion = completion
        super.init(fd: fd, loop: loop)
        loop.adopt(self)
    }

    func begin() {
        if !setInterest(EPOLLOUT.rawValue) { report(errno) }
    }

    override func ready(_ events: UInt32) {
        var number: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length)
        report(number)
    }

    override func loopStopped() { report(ECANCELED) }

    private func report(_ number: Int32) {
        let completion = self.completion
        self.completion = nil
        completion?(number)
    }
}
