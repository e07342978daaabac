// SPDX-License-Identifier: Apache-2.0
// The loop itself: posting, timers, the order of a turn, signals, stopping.

import Glibc
import Testing

@testable import Reactor

@Suite struct EventLoopTests {
    @Test func postedWorkKeepsOrderPerThread() throws {
        let running = try RunningLoop()
        let seen = Watched([[Int]](repeating: [], count: 4))
        let threads = try (0..<4).map { sender in
            try Thread(name: "sender-\(sender)") {
                for number in 0..<5000 {
                    running.loop.post { seen.change { $0[sender].append(number) } }
                }
            }
        }
        for thread in threads { thread.join() }
        let all = seen.wait { $0.allSatisfy { $0.count == 5000 } }
        for list in all { #expect(list == Array(0..<5000)) }
        running.finish()
    }

    @Test func stopComesAfterWhatWasPostedBefore() throws {
        let loop = try EventLoop(index: 3)
        let count = Watched(0)
        for _ in 0..<10 { loop.post { count.change { $0 += 1 } } }
        loop.stop()
        loop.run()
        #expect(count.current == 10)
        #expect(loop.index == 3)
    }

    @Test func sourceClosedInTheLastTurnOutlivesIt() throws {
        let loop = try EventLoop(index: 0)
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { close(ends[1]) }
        weak var stream: ProbeStream?
        do {
            let made = ProbeStream(fd: ends[0], loop: loop)
            stream = made
        }
        var wasAlive = false
        // `stop` takes effect with the mail, before the sockets' events and deferred work of the same turn.
        loop.deferWork {
            stream?.closeNow()
            wasAlive = stream != nil
        }
        loop.stop()
        loop.run()
        #expect(wasAlive, "what epoll reported in this turn, or a method up the stack, may still need it")
        #expect(stream == nil)
    }

    @Test func knowsItsOwnThread() throws {
        let running = try RunningLoop()
        #expect(running.on { $0.isCurrent })
        #expect(!running.loop.isCurrent)
        running.finish()
    }

    @Test func turnEndsAfterAllWorkOfTheTurn() throws {
        let loop = try EventLoop(index: 0)
        var log: [String] = []
        let first = Unchecked { log.append("posted") }
        loop.post { first.value() }
        loop.deferWork { log.append("deferred") }
        loop.onTurnEnd = {
            log.append("end")
            if log.count > 3 { loop.stop() }
        }
        let mailbox = Mailbox<Int>(loop: loop) { _ in log.append("mail") }
        mailbox.push(1)
        loop.run()
        #expect(log.starts(with: ["posted", "mail", "deferred", "end"]))
    }

    @Test func workDeferredAtTheTurnsEndDoesNotWait() throws {
        let loop = try EventLoop(index: 0)
        var turns = 0
        loop.onTurnEnd = {
            turns += 1
            if turns == 1 { loop.deferWork { loop.stop() } }
        }
        loop.post {}
        loop.run()
        #expect(turns >= 2)
    }

    @Test func timersFireInOrderAndNotEarly() throws {
        let loop = try EventLoop(index: 0)
        var fired: [(UInt64, Int)] = []
        let start = loop.nowMilliseconds
        for (delay, name) in [(40, 4), (5, 1), (20, 2), (20, 3)] {
            _ = loop.schedule(after: UInt64(delay)) { fired.append((loop.nowMilliseconds - start, name)) }
        }
        _ = loop.schedule(after: 45) { loop.stop() }
        loop.run()
        #expect(fired.map(\.1) == [1, 2, 3, 4])
        for (entry, delay) in zip(fired, [5, 20, 20, 40]) { #expect(entry.0 >= UInt64(delay)) }
    }

    @Test func timerCancelledInItsOwnTurnDoesNotFire() throws {
        let loop = try EventLoop(index: 0)
        var fired = 0
        var second = TimerID.none
        _ = loop.schedule(after: 5) {
            loop.cancel(second)
            fired += 1
        }
        second = loop.schedule(after: 5) { fired += 100 }
        _ = loop.schedule(after: 6) { loop.stop() }
        loop.run()
        #expect(fired == 1)
    }

    @Test func repeatingTimerStopsWhenItCancelsItself() throws {
        final class Counter: TimerTarget {
            let loop: EventLoop
            var id = TimerID.none
            var tokens: [UInt64] = []

            init(_ loop: EventLoop) { self.loop = loop }

            func timerFired(_ token: UInt64) {
                tokens.append(token)
                if tokens.count == 3 {
                    #expect(loop.cancel(id))
                    _ = loop.schedule(after: 10) { [loop] in loop.stop() }
                }
            }
        }
        let loop = try EventLoop(index: 0)
        let counter = Counter(loop)
        counter.id = loop.schedule(after: 1, repeating: 1, counter, token: 42)
        #expect(loop.timerCount == 1)
        loop.run()
        #expect(counter.tokens == [42, 42, 42])
    }

    @Test func interruptedPollGoesOn() throws {
        // A handler without SA_RESTART: every signal interrupts epoll_wait.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGUSR2, &action, nil)
        let running = try RunningLoop()
        let thread = running.on { _ in pthread_self() }
        let ticks = Watched(0)
        running.on { loop in
            _ = loop.schedule(after: 1, repeating: 1) { ticks.change { $0 += 1 } }
        }
        let server = try Server(running) { stream in
            stream.onReceive = { stream, bytes in stream.push(Array(bytes)) }
        }
        let peer = Peer(port: server.port)
        for round in 0..<200 {
            pthread_kill(thread, SIGUSR2)
            let bytes = pattern(100, seed: UInt64(round))
            peer.send(bytes)
            pthread_kill(thread, SIGUSR2)
            #expect(peer.read(100) == bytes)
        }
        ticks.wait { $0 > 5 }
        running.finish()
    }

    @Test func stopEndsWhatIsLeftOnce() throws {
        let running = try RunningLoop()
        let server = try Server(running)
        let peer = Peer(port: server.port)
        let stream = server.stream()
        running.finish()
        #expect(stream.record.current.ends == [.loopStopped])
        #expect(!stream.isOpen)
        #expect(peer.waitForEnd() == 0)
    }

    @Test func loopAndStreamsAreFreedAfterTheStop() throws {
        weak var freedLoop: EventLoop?
        weak var freedStream: ProbeStream?
        func scope() throws {
            let running = try RunningLoop()
            freedLoop = running.loop
            let server = try Server(running)
            let peer = Peer(port: server.port)
            let stream = server.stream()
            freedStream = stream
            // A timer that is never cancelled holds its target, and the target its loop.
            running.on { loop in _ = loop.schedule(after: 1_000_000) { _ = stream } }
            running.finish()
            server.streams.change { $0 = [] }
            peer.close()
        }
        try scope()
        #expect(freedLoop == nil)
        #expect(freedStream == nil)
    }

    @Test func signalsArriveAsEvents() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let loop = try EventLoop(index: 0)
            var seen: [Int32] = []
            let source = try SignalSource(loop: loop, signals: [SIGTERM, SIGHUP]) { signal in
                seen.append(signal)
                if signal == SIGTERM { loop.stop() } else { pthread_kill(pthread_self(), SIGTERM) }
            }
            // To this thread: the test runner's others do not block them.
            pthread_kill(pthread_self(), SIGPIPE)
            pthread_kill(pthread_self(), SIGHUP)
            loop.run()
            exit(seen == [SIGHUP, SIGTERM] && source.fd == -1 ? 7 : 1)
        }
    }

    @Test func signalsWithoutEndLeaveTimeForTheRest() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let loop = try EventLoop(index: 0)
            var count = 0
            let source = try SignalSource(loop: loop, signals: [SIGHUP]) { _ in
                count += 1
                if count == 1000 { exit(1) }
                if count == 1 { loop.post { loop.stop() } }
                pthread_kill(pthread_self(), SIGHUP)
            }
            pthread_kill(pthread_self(), SIGHUP)
            loop.run()
            exit(count < 10 && source.fd == -1 ? 7 : 1)
        }
    }
}
