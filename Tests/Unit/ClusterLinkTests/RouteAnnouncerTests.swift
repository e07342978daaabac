import ClusterLinkBody
import LinkTestSupport
// SPDX-License-Identifier: Apache-2.0
import TestRandom
import Testing

@Suite("Route announcer")
struct RouteAnnouncerTests {
    private typealias Action = RouteAnnouncer.Action

    /// An announcer with its clock and the last correlation data it used.
    private struct Driver {
        var announcer = RouteAnnouncer(incarnation: 100) { $0 + 1 }
        var now: UInt64 = 1_000
        var correlation: [UInt8] = []

        mutating func note(_ actions: [Action]) -> [Action] {
            for case .actorInit(let correlation) in actions { self.correlation = correlation }
            return actions
        }

        /// What a batch may take.
        var room = OperationLog.maximumBatchBytes

        mutating func connected() -> [Action] { note(announcer.connected(now: now, batchBytes: room)) }

        mutating func acknowledged(_ cookie: RouteAnnouncer.Cookie, _ reasonCode: UInt8 = 0) -> [Action] {
            note(announcer.acknowledged(cookie, reasonCode: reasonCode, now: now))
        }

        mutating func answered(_ result: ControlMap.Result = .ok, needBootstrap: Bool = true) -> [Action] {
            let (correlation, now) = (correlation, now)
            return correlation.withView { bytes in
                announcer.answered(correlation: bytes, result: result, needBootstrap: needBootstrap, now: now)
            }
        }

        mutating func advance(_ milliseconds: UInt64) -> [Action] {
            now += milliseconds
            return announcer.advance(now: now)
        }

        mutating func change(_ filter: String, isDelete: Bool = false) {
            announcer.routeChanged(RouteAnnouncerTests.key(filter), isDelete: isDelete, now: now)
        }

        /// Up to the answer.
        mutating func shakeHands(needBootstrap: Bool = true) -> [Action] {
            _ = connected()
            _ = acknowledged(.subscribe)
            return answered(needBootstrap: needBootstrap)
        }

        /// From nothing to online with the routes of `filters`.
        mutating func goOnline(_ filters: [String]) {
            _ = shakeHands()
            var actions = announcer.snapshot(filters.map { RouteAnnouncerTests.key($0) }, now: now)
            while case .send(_, let cookie)? = actions.first { actions = acknowledged(.init(cookie)) }
        }
    }

    private static func key(_ filter: String) -> RouteKey { RouteKey(filter: Filter(filter), id: Filter(filter)) }

    private func sent(_ actions: [Action]) -> [String] {
        actions.flatMap { action -> [String] in
            guard case .send(let batch, _) = action else { return [] }
            return batch.map { ($0.isDelete ? "-" : "+") + String(decoding: $0.key.filter, as: UTF8.self) }
        }
    }

    private func delay(_ actions: [Action]) -> UInt32? {
        for case .reconnect(let delay, _) in actions { return delay }
        return nil
    }

    private func cookie(_ actions: [Action]) -> RouteAnnouncer.Cookie {
        for case .send(_, let cookie) in actions { return .init(cookie) }
        return .subscribe
    }

    @Test("From connecting over handshaking and bootstrapping to online")
    func firstTime() {
        var driver = Driver()
        #expect(driver.announcer.state == .connecting)
        #expect(driver.connected() == [.subscribeToResponses])
        #expect(driver.announcer.state == .handshaking)
        let introduction = driver.acknowledged(.subscribe)
        #expect(introduction == [.actorInit(correlation: driver.correlation)])
        #expect(driver.correlation.count == 16)
        #expect(driver.acknowledged(.actorInit, 0x10) == [], "the PUBACK alone says nothing")
        #expect(driver.answered() == [.takeSnapshot])
        #expect(driver.announcer.state == .bootstrapping)
        let first = driver.announcer.snapshot([Self.key("a"), Self.key("b")], now: driver.now)
        #expect(sent(first) == ["+a", "+b"])
        #expect(driver.announcer.state == .bootstrapping)
        #expect(driver.acknowledged(cookie(first), 0x10) == [])
        #expect(driver.announcer.state == .online)
    }

    @Test("Without routes a link is online at once")
    func nothingToAnnounce() {
        var driver = Driver()
        _ = driver.shakeHands()
        #expect(driver.announcer.snapshot([], now: driver.now) == [])
        #expect(driver.announcer.state == .online)
    }

    @Test("Live changes are gathered for ten milliseconds and sent one batch at a time")
    func liveChanges() {
        var driver = Driver()
        driver.goOnline(["a"])
        driver.change("b")
        driver.change("a", isDelete: true)
        #expect(driver.announcer.nextDeadline == driver.now + 10)
        #expect(driver.advance(9) == [])
        let batch = driver.advance(1)
        #expect(sent(batch) == ["+b", "-a"])
        driver.change("c")
        #expect(driver.advance(100) == [], "one batch in flight")
        #expect(sent(driver.acknowledged(cookie(batch))) == ["+c"])
    }

    @Test("A large snapshot goes out in batches; what changes meanwhile follows")
    func largeSnapshot() {
        var driver = Driver()
        _ = driver.shakeHands()
        var actions = driver.announcer.snapshot((0..<9_000).map { Self.key("t/\($0)") }, now: driver.now)
        var sizes: [Int] = []
        driver.change("late")
        driver.change("t/8999", isDelete: true)
        var last: [String] = []
        while !sent(actions).isEmpty {
            #expect(driver.announcer.state == .bootstrapping || last.contains("-t/8999") || sizes.count == 3)
            last = sent(actions)
            sizes.append(last.count)
            actions = driver.acknowledged(cookie(actions))
        }
        #expect(sizes == [4000, 4000, 1001])
        #expect(last.contains("+late") && last.last == "-t/8999")
        #expect(driver.announcer.state == .online)
    }

    @Test("A route that is too large for the peer is left out, named, and sent once the peer takes more")
    func tooLarge() {
        let large = String(repeating: "x", count: 300)
        var driver = Driver()
        driver.room = 100
        _ = driver.shakeHands()
        let first = driver.announcer.snapshot(["a", large, "b"].map { Self.key($0) }, now: driver.now)
        #expect(first.first == .leftOut(Self.key(large), count: 1))
        #expect(sent(first) == ["+a", "+b"])
        _ = driver.acknowledged(cookie(first))
        #expect(driver.announcer.state == .online && driver.announcer.leftOut == [Self.key(large)])
        // More such ones, and one that goes again before the peer could know it.
        driver.change(large + "2")
        driver.change("c")
        let second = driver.advance(10)
        #expect(second.first == .leftOut(Self.key(large + "2"), count: 1) && sent(second) == ["+c"])
        _ = driver.acknowledged(cookie(second))
        driver.change(large + "2", isDelete: true)
        driver.change(large)
        #expect(driver.announcer.leftOut == [Self.key(large)] && driver.announcer.log.isEmpty)
        driver.announcer.lost()
        driver.room = 1000
        #expect(sent(driver.shakeHands(needBootstrap: false)) == ["+" + large])
        #expect(driver.announcer.leftOut.isEmpty)
    }

    @Test("Where nothing fits the link is online without routes")
    func nothingFits() {
        var driver = Driver()
        driver.room = 10
        _ = driver.shakeHands()
        let actions = driver.announcer.snapshot(["a", "b"].map { Self.key($0) }, now: driver.now)
        #expect(actions == [.leftOut(Self.key("a"), count: 2)])
        #expect(driver.announcer.state == .online && driver.announcer.leftOut.count == 2)
    }

    @Test("A heartbeat goes out every ten seconds, also while bootstrapping")
    func heartbeats() {
        var driver = Driver()
        _ = driver.shakeHands()
        _ = driver.announcer.snapshot([Self.key("a")], now: driver.now)
        #expect(driver.advance(10_000) == [.heartbeat])
        #expect(driver.advance(9_999) == [])
        #expect(driver.advance(1) == [.heartbeat])
        #expect(
            driver.advance(10_000).contains { if case .reconnect = $0 { true } else { false } },
            "no PUBACK for 30 s"
        )
    }

    @Test("An unanswered step gives up after five seconds", arguments: [false, true])
    func timeouts(_ afterSubscribing: Bool) {
        var driver = Driver()
        _ = driver.connected()
        if afterSubscribing { _ = driver.acknowledged(.subscribe) }
        #expect(driver.advance(4_999) == [])
        #expect(delay(driver.advance(1)) == 1_000)
        driver.announcer.lost()
        #expect(driver.announcer.state == .connecting)
        #expect(driver.announcer.nextDeadline == nil)
    }

    @Test("An answer with other correlation data is somebody else's")
    func otherCorrelation() {
        var driver = Driver()
        _ = driver.connected()
        _ = driver.acknowledged(.subscribe)
        let old = driver.correlation
        driver.correlation = Array("ffffffffffffffff".utf8)
        #expect(driver.answered() == [])
        driver.announcer.lost()
        _ = driver.connected()
        _ = driver.acknowledged(.subscribe)
        let new = driver.correlation
        #expect(new != old)
        driver.correlation = old
        #expect(driver.answered() == [])
        driver.correlation = new
        #expect(driver.answered() == [.takeSnapshot])
    }

    @Test("A refusal is shown until the peer says yes, and tried again after five seconds")
    func refused() {
        var driver = Driver()
        _ = driver.connected()
        _ = driver.acknowledged(.subscribe)
        let actions = driver.answered(.error("unknown_cluster"), needBootstrap: false)
        #expect(actions == [.refused(reason: Array("unknown_cluster".utf8))])
        driver.announcer.lost()
        #expect(driver.announcer.state == .rejected)
        _ = driver.connected()
        #expect(driver.announcer.state == .rejected)
        _ = driver.acknowledged(.subscribe)
        _ = driver.answered()
        #expect(driver.announcer.state == .bootstrapping)
    }

    @Test("Missing rights at the peer are a refusal too")
    func notAuthorised() {
        var driver = Driver()
        _ = driver.connected()
        #expect(delay(driver.acknowledged(.subscribe, 0x87)) == 5_000)
        #expect(driver.announcer.state == .rejected)
        driver.announcer.lost()
        _ = driver.connected()
        _ = driver.acknowledged(.subscribe)
        #expect(delay(driver.acknowledged(.actorInit, 0x87)) == 5_000)
    }

    @Test("After a loss the same incarnation goes on where it was")
    func reconnect() {
        var driver = Driver()
        driver.goOnline(["a"])
        driver.change("b")
        let lost = driver.advance(10)
        #expect(sent(lost) == ["+b"])
        driver.announcer.lost()
        driver.change("c")
        driver.change("a", isDelete: true)
        #expect(driver.announcer.incarnation == 100)
        let resumed = driver.shakeHands(needBootstrap: false)
        #expect(driver.announcer.state == .online)
        #expect(sent(resumed) == ["+b", "+c", "-a"])
        #expect(driver.acknowledged(cookie(lost)) == [], "an answer from the old connection")
        #expect(driver.acknowledged(cookie(resumed)) == [])
        #expect(driver.announcer.log.isEmpty)
    }

    @Test("A peer that forgot us gets a snapshot, and deletes that wait are not lost")
    func peerForgot() {
        var driver = Driver()
        driver.goOnline(["a", "b"])
        driver.announcer.lost()
        driver.change("b", isDelete: true)
        #expect(driver.shakeHands(needBootstrap: true) == [.takeSnapshot])
        #expect(sent(driver.announcer.snapshot([Self.key("a")], now: driver.now)) == ["+a", "-b"])
    }

    @Test("A bootstrap that was cut short starts again even if the peer says it needs none")
    func interruptedBootstrap() {
        var driver = Driver()
        _ = driver.shakeHands()
        _ = driver.announcer.snapshot([Self.key("a")], now: driver.now)
        driver.announcer.lost()
        driver.change("a", isDelete: true)
        #expect(driver.shakeHands(needBootstrap: false) == [.takeSnapshot])
        #expect(sent(driver.announcer.snapshot([], now: driver.now)) == ["-a"])
    }

    @Test("A batch the peer refuses is sent again after half a second; a snapshot's batch starts over")
    func refusedBatch() {
        var driver = Driver()
        driver.goOnline([])
        driver.change("a")
        let batch = driver.advance(10)
        #expect(driver.acknowledged(cookie(batch), 0x97) == [])
        driver.change("b")
        #expect(driver.advance(499) == [])
        #expect(sent(driver.advance(1)) == ["+a", "+b"])

        var starting = Driver()
        _ = starting.shakeHands()
        let first = starting.announcer.snapshot([Self.key("a")], now: starting.now)
        #expect(delay(starting.acknowledged(cookie(first), 0x97)) == 1_000)
    }

    @Test("Nothing is collected for a peer that never knew us")
    func noBacklogBeforeFirstContact() {
        var driver = Driver()
        for number in 0..<1_000 { driver.change("t/\(number)") }
        #expect(driver.announcer.log.isEmpty)
    }

    @Test("A long absence with many changes ends in a new incarnation instead of a long list")
    func overflow() {
        var driver = Driver()
        driver.goOnline(["a"])
        driver.announcer.lost()
        for number in 0...RouteAnnouncer.maximumBacklog { driver.change("t/\(number)") }
        #expect(driver.announcer.log.isEmpty)
        #expect(driver.announcer.incarnation == 101)
        #expect(driver.shakeHands(needBootstrap: true) == [.takeSnapshot])
    }

    @Test("Whatever is lost on the way, the peer ends with our routes")
    func random() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        for _ in 0..<60 {
            var driver = Driver()
            var ours: Set<String> = []
            var theirs: Set<String> = []
            var isUp = false
            func deliver(_ actions: [Action], _ generator: inout SeededRandom) {
                var actions = actions
                while isUp, let action = actions.first {
                    actions.removeFirst()
                    switch action {
                    case .takeSnapshot:
                        actions += driver.announcer.snapshot(ours.map { Self.key($0) }, now: driver.now)
                    case .send(let batch, let cookie):
                        let arrives = Int.random(in: 0..<6, using: &generator) > 0
                        let isConfirmed = arrives && Int.random(in: 0..<6, using: &generator) > 0
                        if arrives {
                            for operation in batch {
                                let filter = String(decoding: operation.key.filter, as: UTF8.self)
                                if operation.isDelete { theirs.remove(filter) } else { theirs.insert(filter) }
                            }
                        }
                        if isConfirmed {
                            actions += driver.acknowledged(.init(cookie))
                        } else {
                            driver.announcer.lost()
                            isUp = false
                        }
                    default: break
                    }
                }
            }
            func connect(_ generator: inout SeededRandom) {
                guard !isUp else { return }
                isUp = true
                let forgot = Int.random(in: 0..<10, using: &generator) == 0
                if forgot { theirs = [] }
                deliver(driver.shakeHands(needBootstrap: forgot), &generator)
            }
            for _ in 0..<300 {
                let filter = "t/\(Int.random(in: 0..<12, using: &generator))"
                if ours.remove(filter) == nil { ours.insert(filter) }
                driver.change(filter, isDelete: !ours.contains(filter))
                switch Int.random(in: 0..<6, using: &generator) {
                case 0: connect(&generator)
                case 1: deliver(driver.advance(10), &generator)
                default: break
                }
            }
            while !isUp || !driver.announcer.log.isEmpty || driver.announcer.state != .online {
                connect(&generator)
                deliver(driver.advance(500), &generator)
            }
            #expect(ours == theirs, "seed \(seed)")
        }
    }
}
