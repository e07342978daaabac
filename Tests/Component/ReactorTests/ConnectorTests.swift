// SPDX-License-Identifier: Apache-2.0
// Outbound connections and the blocking pool behind the name look-ups.

import Glibc
import Testing

@testable import Reactor

@Suite struct ConnectorTests {
    private enum Result: Equatable {
        case connected
        case failed(String)
    }

    /// Connects and waits for the outcome; a connected socket is closed again.
    private func connect(
        _ running: RunningLoop,
        _ endpoint: Endpoint,
        milliseconds: UInt64 = 10_000,
        _ pool: BlockingPool
    )
        -> Result
    {
        let outcome = Watched<Result?>(nil)
        running.on { loop in
            _ = Connector(loop: loop, endpoint: endpoint, timeoutMilliseconds: milliseconds, pool: pool) { result in
                switch result {
                case .connected(let fd, _):
                    close(fd)
                    outcome.change { $0 = .connected }
                case .failed(let text): outcome.change { $0 = .failed(text) }
                }
            }
        }
        let result = outcome.wait { $0 != nil } ?? .connected
        #expect(running.on { $0.timerCount } == 0, "the time-out is cancelled")
        return result
    }

    @Test func connectsByAddressAndByName() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let pool = BlockingPool()
        #expect(connect(running, .tcp(host: "127.0.0.1", port: server.port), pool) == .connected)
        // localhost may be ::1 first, where nobody listens: the next address is tried.
        #expect(connect(running, .tcp(host: "localhost", port: server.port), pool) == .connected)
        running.finish()
        pool.shutdown()
    }

    @Test func connectedSocketServesAStream() throws {
        let running = try RunningLoop()
        let server = try Server(running) { stream in
            stream.onReceive = { stream, bytes in stream.push(Array(bytes)) }
        }
        let pool = BlockingPool()
        let client = Watched<ProbeStream?>(nil)
        running.on { loop in
            _ = Connector(loop: loop, endpoint: .tcp(host: "127.0.0.1", port: server.port), pool: pool) { result in
                guard case .connected(let fd, let peer) = result else { return }
                let stream = ProbeStream(fd: fd, loop: loop, peer: peer)
                stream.push([1, 2, 3])
                client.change { $0 = stream }
            }
        }
        let stream = try #require(client.wait { $0 != nil })
        stream.record.wait { $0.bytes == [1, 2, 3] }
        #expect(stream.peer.port == server.port)
        running.finish()
        pool.shutdown()
    }

    @Test func refusedIsASentence() throws {
        let running = try RunningLoop()
        let pool = BlockingPool()
        // Bound but not listening: nobody else can take the port meanwhile.
        let idle = blockingSocket()
        let any = SocketAddress(numeric: "127.0.0.1", port: 0)
        #expect(any?.withSockaddr { bind(idle, $0, $1) } == 0)
        let port = SocketAddress.local(of: idle).port
        #expect(
            connect(running, .tcp(host: "127.0.0.1", port: port), pool)
                == .failed("cannot connect to 127.0.0.1:\(port): connection refused")
        )
        #expect(
            connect(running, .unix(path: "/nowhere/socket"), pool)
                == .failed("cannot connect to /nowhere/socket: no such file or directory")
        )
        if case .failed(let text) = connect(running, .tcp(host: "localhost", port: port), pool) {
            #expect(text.hasPrefix("cannot connect to localhost:\(port): connection refused (at "))
        } else {
            Issue.record("connected to a port where nobody listens")
        }
        close(idle)
        running.finish()
        pool.shutdown()
    }

    @Test func unknownNameIsASentence() throws {
        let running = try RunningLoop()
        let pool = BlockingPool()
        guard case .failed(let text) = connect(running, .tcp(host: "no.such.host.invalid", port: 1883), pool) else {
            Issue.record("resolved a name that cannot exist")
            return
        }
        #expect(text.hasPrefix("cannot connect to no.such.host.invalid:1883: the name cannot be resolved: "))
        running.finish()
        pool.shutdown()
    }

    /// A listener whose backlog is full: Linux drops further SYNs, so a connect hangs.
    private func fullListener() -> (fd: Int32, port: UInt16, fillers: [Int32]) {
        let listener = blockingSocket()
        let any = SocketAddress(numeric: "127.0.0.1", port: 0)
        _ = any?.withSockaddr { bind(listener, $0, $1) }
        listen(listener, 0)
        let port = SocketAddress.local(of: listener).port
        let address = SocketAddress(numeric: "127.0.0.1", port: port)
        let fillers = (0..<4).map { _ in
            let fd = socket(AF_INET, 1 | 0o4000, 0)
            _ = address?.withSockaddr { Glibc.connect(fd, $0, $1) }
            return fd
        }
        return (listener, port, fillers)
    }

    @Test func silenceTimesOut() throws {
        let running = try RunningLoop()
        let pool = BlockingPool()
        let full = fullListener()
        #expect(
            connect(running, .tcp(host: "127.0.0.1", port: full.port), milliseconds: 30, pool)
                == .failed("cannot connect to 127.0.0.1:\(full.port): no answer within 30 ms")
        )
        for fd in full.fillers + [full.fd] { close(fd) }
        running.finish()
        pool.shutdown()
    }

    @Test func cancelIsImmediateAndSilent() throws {
        let running = try RunningLoop()
        let pool = BlockingPool()
        let full = fullListener()
        let calls = Watched(0)
        for host in ["127.0.0.1", "localhost"] {
            let connector = running.on { loop in
                Connector(loop: loop, endpoint: .tcp(host: host, port: full.port), pool: pool) { _ in
                    calls.change { $0 += 1 }
                }
            }
            running.on { _ in }
            running.on { _ in connector.cancel() }
            #expect(running.on { $0.timerCount } == 0)
        }
        pool.shutdown()
        for _ in 0..<5 { running.on { _ in } }
        #expect(calls.current == 0)
        for fd in full.fillers + [full.fd] { close(fd) }
        running.finish()
    }

    @Test func stoppingTheLoopEndsTheAttempt() throws {
        let running = try RunningLoop()
        let pool = BlockingPool()
        let full = fullListener()
        let failure = Watched("")
        running.on { loop in
            _ = Connector(loop: loop, endpoint: .tcp(host: "127.0.0.1", port: full.port), pool: pool) { result in
                if case .failed(let text) = result { failure.change { $0 = text } }
            }
        }
        running.on { _ in }
        running.finish()
        #expect(failure.current == "cannot connect to 127.0.0.1:\(full.port): operation canceled")
        for fd in full.fillers + [full.fd] { close(fd) }
        pool.shutdown()
    }

    @Test func fullPoolIsASentence() throws {
        let running = try RunningLoop()
        let pool = BlockingPool(threads: 1, queue: 1)
        let gate = Watched(false)
        let busy = Watched(false)
        #expect(
            pool.submit {
                busy.change { $0 = true }
                gate.wait { $0 }
            }
        )
        busy.wait { $0 }
        #expect(pool.submit {})
        #expect(!pool.submit {}, "the queue is bounded")
        #expect(
            connect(running, .tcp(host: "localhost", port: 1), pool)
                == .failed("cannot connect to localhost:1: too many name look-ups are waiting")
        )
        gate.change { $0 = true }
        pool.shutdown()
        running.finish()
    }

    @Test func poolShutdownFinishesWhatIsQueued() {
        let pool = BlockingPool(threads: 2, queue: 10_000)
        let order = Watched<[Int]>([])
        var accepted = 0
        for number in 0..<5000 where pool.submit({ order.change { $0.append(number) } }) { accepted += 1 }
        pool.shutdown()
        #expect(order.current.count == accepted)
        #expect(accepted == 5000)
        #expect(Set(order.current).count == accepted)
        #expect(!pool.submit {})
    }
}
