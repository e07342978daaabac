// SPDX-License-Identifier: Apache-2.0
// The timer wheel against a plain sorted model, and its edges. No loop, no clock.

import Testing

@testable import Reactor

@Suite struct TimerWheelTests {
    private func expired(_ wheel: inout TimerWheel<Int>, now: UInt64) -> [Int] {
        var fired: [Int] = []
        while let next = wheel.takeExpired(now: now) { fired.append(next.payload) }
        return fired
    }

    private func cancel(_ wheel: inout TimerWheel<Int>, _ id: TimerID) -> Bool { wheel.cancel(id) }

    @Test func firesInOrderOfDeadlineThenInsertion() {
        var wheel = TimerWheel<Int>(now: 1000)
        _ = wheel.insert(deadline: 5000, payload: 3)
        _ = wheel.insert(deadline: 1002, payload: 1)
        _ = wheel.insert(deadline: 5000, payload: 4)
        _ = wheel.insert(deadline: 1500, payload: 2)
        #expect(expired(&wheel, now: 1001) == [])
        #expect(expired(&wheel, now: 9000) == [1, 2, 3, 4])
        #expect(wheel.count == 0)
    }

    @Test func insertionOrderHoldsAcrossLevels() {
        var wheel = TimerWheel<Int>(now: 0)
        _ = wheel.insert(deadline: 70_000, payload: 1)
        #expect(expired(&wheel, now: 69_990) == [])
        _ = wheel.insert(deadline: 70_000, payload: 2)
        #expect(expired(&wheel, now: 70_000) == [1, 2])
    }

    @Test func passedDeadlineFiresAtTheNextMillisecond() {
        var wheel = TimerWheel<Int>(now: 100)
        _ = wheel.insert(deadline: 3, payload: 1)
        #expect(wheel.nextWake == 101)
        #expect(expired(&wheel, now: 100) == [])
        #expect(expired(&wheel, now: 101) == [1])
    }

    @Test func cancelledIdStaysDead() {
        var wheel = TimerWheel<Int>(now: 0)
        let first = wheel.insert(deadline: 10, payload: 1)
        #expect(cancel(&wheel, first))
        #expect(!cancel(&wheel, first))
        let second = wheel.insert(deadline: 10, payload: 2)
        #expect(first != second)
        #expect(!cancel(&wheel, first), "the slot is reused, the id is not")
        #expect(!cancel(&wheel, .none))
        #expect(expired(&wheel, now: 10) == [2])
        #expect(!cancel(&wheel, second))
    }

    @Test func timerThatIsDueMayStillBeCancelled() {
        var wheel = TimerWheel<Int>(now: 0)
        _ = wheel.insert(deadline: 10, payload: 1)
        let second = wheel.insert(deadline: 10, payload: 2)
        let first = wheel.takeExpired(now: 10)
        #expect(first?.payload == 1)
        #expect(cancel(&wheel, second))
        #expect(expired(&wheel, now: 10) == [])
    }

    @Test func repeatsUntilCancelledAndSkipsWhatWasMissed() {
        var wheel = TimerWheel<Int>(now: 0)
        let id = wheel.insert(deadline: 10, interval: 10, payload: 7)
        #expect(expired(&wheel, now: 10) == [7])
        #expect(expired(&wheel, now: 19) == [])
        #expect(expired(&wheel, now: 20) == [7])
        #expect(expired(&wheel, now: 75) == [7], "30 to 70 were missed and are one")
        #expect(expired(&wheel, now: 79) == [])
        #expect(expired(&wheel, now: 80) == [7])
        #expect(cancel(&wheel, id))
        #expect(expired(&wheel, now: 1000) == [])
    }

    @Test func farDeadlinesAreCutNotLost() {
        var wheel = TimerWheel<Int>(now: 5)
        let id = wheel.insert(deadline: .max, payload: 1)
        #expect(expired(&wheel, now: 1 << 47) == [])
        #expect(cancel(&wheel, id))
        #expect(wheel.nextWake == nil)
    }

    @Test func nextWakeIsNeverLate() {
        var wheel = TimerWheel<Int>(now: 0)
        _ = wheel.insert(deadline: 123_456_789, payload: 1)
        var wakes = 0
        while let wake = wheel.nextWake {
            #expect(wake <= 123_456_789)
            wakes += 1
            if wheel.takeExpired(now: wake) != nil { break }
        }
        #expect(wakes <= 8, "one wake a level at most")
        #expect(wheel.count == 0)
    }

    @Test func hundredThousandTimersMatchTheModel() {
        var random = SystemRandomNumberGenerator()
        var wheel = TimerWheel<Int>(now: 0)
        var model: [Int: UInt64] = [:]
        var ids: [Int: TimerID] = [:]
        var now: UInt64 = 0
        var next = 0
        while next < 100_000 {
            for _ in 0..<Int.random(in: 1...2000, using: &random) {
                let distance = UInt64(1) << UInt64.random(in: 0...26, using: &random)
                let deadline = now + UInt64.random(in: 1...distance, using: &random)
                ids[next] = wheel.insert(deadline: deadline, payload: next)
                model[next] = deadline
                next += 1
            }
            for victim in model.keys.prefix(Int.random(in: 0...300, using: &random)) {
                if let id = ids[victim] { #expect(cancel(&wheel, id)) }
                model[victim] = nil
            }
            now += UInt64.random(in: 0...(1 << UInt64.random(in: 0...22, using: &random)), using: &random)
            let due = model.filter { $0.value <= now }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key)
            #expect(expired(&wheel, now: now) == due)
            for key in due { model[key] = nil }
            #expect(wheel.count == model.count)
            if let nearest = model.values.min() { #expect(wheel.nextWake.map { $0 > now && $0 <= nearest } == true) }
        }
        let rest = model.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key)
        #expect(expired(&wheel, now: now + (1 << 30)) == rest)
        #expect(wheel.nextWake == nil)
    }
}
