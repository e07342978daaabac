// SPDX-License-Identifier: Apache-2.0
// Binding, its error sentences, and accepting when descriptors or memory run out.

import Glibc
import Testing

@testable import Reactor

@Suite struct ListenerTests {
    private func listen(
        _ loop: EventLoop,
        _ endpoint: Endpoint,
        _ options: ListenerOptions = ListenerOptions()
    )
        -> Result<Listener, ReactorError>
    {
        do throws(ReactorError) {
            return .success(
                try Listener(
                    loop: loop,
                    endpoint: endpoint,
                    options: options,
                    failed: { _ in },
                    accepted: { fd, _ in close(fd) }
                )
            )
        } catch { return .failure(error) }
    }

    private func sentence(_ result: Result<Listener, ReactorError>) -> String {
        if case .failure(let error) = result { return error.sentence }
        return ""
    }

    @Test func portInUseIsASentence() throws {
        let loop = try EventLoop(index: 0)
        let first = try listen(loop, .tcp(host: "127.0.0.1", port: 0)).get()
        let text = sentence(listen(loop, .tcp(host: "127.0.0.1", port: first.port)))
        #expect(
            text == "port \(first.port) on 127.0.0.1 is in use (by another process); stop it or set another bind"
        )
        first.close()
        // SO_REUSEADDR: the port is free again at once.
        let again = try listen(loop, .tcp(host: "127.0.0.1", port: first.port)).get()
        #expect(again.port == first.port)
        again.close()
    }

    @Test func otherBindErrorsNameThePlace() throws {
        let loop = try EventLoop(index: 0)
        #expect(
            sentence(listen(loop, .tcp(host: "192.0.2.1", port: 1883)))
                == "cannot listen on 192.0.2.1: this machine has no such address; set another bind"
        )
        #expect(
            sentence(listen(loop, .tcp(host: "not an address", port: 1883)))
                .hasPrefix("cannot listen on not an address: ")
        )
        #expect(sentence(listen(loop, .unix(path: ""))).contains("1 to 107 bytes"))
        #expect(sentence(listen(loop, .unix(path: String(repeating: "x", count: 108)))).contains("1 to 107 bytes"))
        #expect(
            sentence(listen(loop, .unix(path: "/nowhere/at/all")))
                == "cannot listen on the socket /nowhere/at/all: no such file or directory; set another path"
        )
    }

    @Test func reusePortSharesOnePort() throws {
        let loop = try EventLoop(index: 0)
        var options = ListenerOptions()
        options.reusePort = true
        let first = try listen(loop, .tcp(host: "127.0.0.1", port: 0), options).get()
        let second = try listen(loop, .tcp(host: "127.0.0.1", port: first.port), options).get()
        #expect(first.port == second.port)
        first.close()
        second.close()
    }

    /// Nobody is let in by a check: a client would take the port for a broker that is there.
    @Test func aCheckOfVacancyDoesNotListen() throws {
        let loop = try EventLoop(index: 0)
        let listener = try listen(loop, .tcp(host: "127.0.0.1", port: 0)).get()
        let port = listener.port
        listener.close()
        let isDone = Watched(false)
        let knocks = Watched((tried: 0, letIn: 0))
        let client = try Thread(name: "client") {
            while !isDone.current {
                let isLetIn = isListened(to: port)
                knocks.change { $0 = ($0.tried + 1, $0.letIn + (isLetIn ? 1 : 0)) }
            }
        }
        while knocks.current.tried < 1000 { try Listener.checkVacancy(host: "127.0.0.1", port: port) }
        isDone.change { $0 = true }
        client.join()
        #expect(knocks.current.letIn == 0)
    }

    /// Asked from another address, so that the client's own port is never the one in question.
    private func isListened(to port: UInt16) -> Bool {
        let fd = blockingSocket()
        defer { close(fd) }
        let own = SocketAddress(numeric: "127.0.0.2", port: 0)
        let other = SocketAddress(numeric: "127.0.0.1", port: port)
        guard own?.withSockaddr({ bind(fd, $0, $1) }) == 0 else { return false }
        return other?.withSockaddr { connect(fd, $0, $1) } == 0
    }

    @Test func aSharedPortIsNotVacant() throws {
        let loop = try EventLoop(index: 0)
        var options = ListenerOptions()
        options.reusePort = true
        let first = try listen(loop, .tcp(host: "127.0.0.1", port: 0), options).get()
        // The first one would share its port with any number of others.
        #expect(throws: ReactorError.self) { try Listener.checkVacancy(host: "127.0.0.1", port: first.port) }
        first.close()
        try Listener.checkVacancy(host: "127.0.0.1", port: first.port)
        let again = try listen(loop, .tcp(host: "127.0.0.1", port: first.port), options).get()
        #expect(again.port == first.port)
        again.close()
    }

    @Test func emptyHostTakesIPv4() throws {
        let running = try RunningLoop()
        let accepted = Watched<[SocketAddress]>([])
        let port = running.on { loop -> UInt16 in
            let listener = try? Listener(
                loop: loop,
                endpoint: .tcp(host: "", port: 0),
                failed: { _ in },
                accepted: { fd, peer in
                    accepted.change { $0.append(peer) }
                    close(fd)
                }
            )
            return listener?.port ?? 0
        }
        let peer = Peer(port: port)
        #expect(accepted.wait { !$0.isEmpty }[0].host == "127.0.0.1", "mapped addresses are shown as IPv4")
        #expect(peer.waitForEnd() == 0)
        running.finish()
    }

    /// Lets as many in as the test says.
    private final class Gate: AcceptGate {
        let open = Watched(2)
        let waits = Watched(0)
        let accepted = Watched(0)

        func delay(at now: UInt64) -> UInt64 {
            var isOpen = false
            open.change { isOpen = $0 > 0 }
            if !isOpen { waits.change { $0 += 1 } }
            return isOpen ? 0 : 1
        }

        func accepted(at now: UInt64) {
            open.change { $0 -= 1 }
            accepted.change { $0 += 1 }
        }
    }

    @Test func aGateMakesConnectionsWaitAndLosesNone() throws {
        let running = try RunningLoop()
        let gate = Gate()
        var options = ListenerOptions()
        options.gate = gate
        let listener = try running.on { loop in listen(loop, .tcp(host: "127.0.0.1", port: 0), options) }.get()
        let peers = (0..<5).map { _ in Peer(port: listener.port) }
        // It has been asked again and again since the second one came in.
        gate.waits.wait { $0 > 3 }
        gate.accepted.wait { $0 == 2 }
        gate.open.change { $0 += 3 }
        gate.accepted.wait { $0 == 5 }
        for peer in peers { #expect(peer.waitForEnd() == 0) }
        running.on { _ in listener.close() }
        running.finish()
    }

    @Test func unixSocketComesAndGoesWithItsFile() throws {
        var template = Array("/tmp/reactor-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { rmdir(folder) }
        let path = folder + "/socket"
        let running = try RunningLoop()
        let first = running.on { loop in listen(loop, .unix(path: path)) }
        let listener = try first.get()
        var info = stat()
        #expect(lstat(path, &info) == 0 && info.st_mode & 0o777 == 0o660)
        #expect(
            running.on { loop in sentence(listen(loop, .unix(path: path))) }
                == "the socket \(path) is in use by another process; stop it or set another path"
        )
        running.on { _ in listener.close() }
        #expect(lstat(path, &info) != 0)
        // What a killed process leaves behind is replaced.
        let stale = socket(AF_UNIX, 1, 0)
        #expect(withUnixSockaddr(path) { bind(stale, $0, $1) } == 0)
        close(stale)
        let again = try running.on { loop in listen(loop, .unix(path: path)) }.get()
        running.on { _ in again.close() }
        // A file that is no socket is not ours to remove.
        let file = open(path, O_CREAT | O_WRONLY, 0o600)
        close(file)
        #expect(running.on { loop in sentence(listen(loop, .unix(path: path))) }.contains("no socket"))
        #expect(lstat(path, &info) == 0)
        unlink(path)
        running.finish()
    }

    @Test func wantOfDescriptorsTurnsNewcomersAwayAndPasses() async {
        // In a process of its own: the limit holds for all that runs in it.
        await #expect(processExitsWith: .exitCode(7)) {
            let running = try RunningLoop()
            let server = try Server(running)
            let first = Peer(port: server.port)
            first.send([1])
            server.stream().record.wait { $0.count == 1 }
            // Peers must exist before the descriptors are gone.
            let peers = (0..<5).map { _ in blockingSocket() }
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(7), &limit)
            limit.rlim_cur = 64
            setrlimit(__rlimit_resource_t(7), &limit)
            var fillers: [Int32] = []
            while true {
                let filler = open("/dev/null", O_RDONLY)
                if filler < 0 { break }
                fillers.append(filler)
            }
            let address = SocketAddress(numeric: "127.0.0.1", port: server.port)
            for peer in peers {
                guard address?.withSockaddr({ connect(peer, $0, $1) }) == 0 else { exit(2) }
                var byte: UInt8 = 0
                // Turned away: the connection ends at once instead of waiting in the backlog.
                if recv(peer, &byte, 1, 0) > 0 { exit(3) }
            }
            let errors = server.errors.wait { !$0.isEmpty }
            guard errors.count == 1, errors[0].contains("too many open files; raise the limit") else { exit(4) }
            for filler in fillers { close(filler) }
            for peer in peers { close(peer) }
            let last = Peer(port: server.port)
            last.send([9])
            server.stream(1).record.wait { $0.bytes == [9] }
            first.send([2])
            server.stream().record.wait { $0.bytes == [1, 2] }
            running.finish()
            exit(7)
        }
    }

    @Test func wantOfMemoryPausesAcceptingForAMoment() throws {
        let running = try RunningLoop()
        let calls = Watched(0)
        let server = try Server(
            running,
            accept: { fd, storage in
                calls.change { $0 += 1 }
                switch calls.current {
                case 1, 2:
                    errno = calls.current == 1 ? ENOMEM : ENOBUFS
                    return -1
                case 3, 4:
                    // These concern one newcomer only: the next call follows in the same turn.
                    errno = calls.current == 3 ? ECONNABORTED : EINTR
                    return -1
                default:
                    let socket = accept(fd, nil, nil)
                    if socket >= 0 { _ = fcntl(socket, F_SETFL, O_NONBLOCK) }
                    storage.pointee.ss_family = sa_family_t(AF_UNIX)
                    return socket
                }
            }
        )
        let peer = Peer(port: server.port)
        peer.send([5])
        server.stream().record.wait { $0.bytes == [5] }
        #expect(calls.current >= 5)
        let errors = server.errors.current
        #expect(errors.count == 1, "rate-limited")
        #expect(errors.first?.contains("cannot allocate memory; free memory") == true)
        running.finish()
    }
}
