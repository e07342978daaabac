// SPDX-License-Identifier: Apache-2.0
// A bucket gives what its rate says, however often it is looked at, and no sum overflows.

import TestRandom
import Testing

@testable import Broker

@Suite struct TokenBucketTests {
    private func rate(_ amount: Int64, per period: Int64) throws -> Rate { try #require(Rate(amount, per: period)) }

    @Test func ratesThatCannotBeCountedAreNone() {
        #expect(Rate(0, per: 1000) == nil)
        #expect(Rate(-1, per: 1000) == nil)
        #expect(Rate(1, per: 0) == nil)
        #expect(Rate(.max, per: 1) == nil)
        #expect(Rate(1 << 40, per: 1000) != nil)
    }

    @Test func aBucketStartsFullAndIsRefilledInTime() throws {
        var bucket = TokenBucket(try rate(10, per: 1000), at: 5)
        #expect(bucket.tokens == 10)
        bucket.take(10)
        #expect(bucket.tokens == 0)
        #expect(bucket.delay == 100)
        bucket.fill(at: 104)
        #expect(bucket.tokens == 0)
        #expect(bucket.delay == 1)
        bucket.fill(at: 105)
        #expect(bucket.tokens == 1)
        #expect(bucket.delay == 0)
        bucket.fill(at: .max)
        #expect(bucket.tokens == 10)
        // A clock that goes back gives nothing and takes nothing.
        bucket.fill(at: 1)
        #expect(bucket.tokens == 10)
    }

    @Test func anOverdrawnBucketIsMadeUpForFirst() throws {
        var bucket = TokenBucket(try rate(1000, per: 1000), at: 0)
        bucket.take(3000)
        #expect(bucket.tokens == 0)
        #expect(bucket.delay == 2001)
        bucket.fill(at: 2000)
        #expect(bucket.tokens == 0)
        bucket.fill(at: 2001)
        #expect(bucket.tokens == 1)
    }

    @Test func whatIsTakenInTheLongRunIsTheRate() throws {
        var random = SeededRandom()
        for _ in 0..<50 {
            let amount = Int64(1 + random.below(2000))
            let period = Int64(1 + random.below(20_000))
            var bucket = TokenBucket(try rate(amount, per: period), at: 0)
            var now: UInt64 = 0
            var taken: Int64 = 0
            while now < 100 * UInt64(period) {
                bucket.fill(at: now)
                let part = min(bucket.tokens, Int64(random.below(Int(amount) + 1)))
                bucket.take(part)
                taken += part
                now += 1 + UInt64(random.below(Int(period)))
                #expect(taken <= amount + Int64(now) * amount / period + 1, "seed \(random.seed)")
            }
            // It is never used up for long: the delay it names brings a token.
            bucket.take(bucket.tokens + Int64(random.below(100)))
            let delay = bucket.delay
            bucket.fill(at: now + delay)
            #expect(bucket.tokens >= 1, "seed \(random.seed)")
        }
    }

    @Test func extremesDoNotOverflow() throws {
        let largest = try rate((Int64.max >> 3) / 86_400_000, per: 86_400_000)
        var bucket = TokenBucket(largest, at: 0)
        for now in [UInt64(1), 1 << 40, .max] {
            bucket.take(.max)
            #expect(bucket.tokens == 0)
            _ = bucket.delay
            bucket.fill(at: now)
        }
        var slow = TokenBucket(try rate(1, per: Int64.max >> 3), at: 0)
        slow.take(1)
        slow.fill(at: .max >> 2)
        #expect(slow.tokens == 1)
    }

    @Test func theBurstIsUsedOnlyBeyondTheRate() throws {
        var meter = Meter(Allowance(try rate(2, per: 1000), burst: try rate(3, per: 60_000)), at: 0)
        for _ in 0..<5 {
            #expect(meter.delay(at: 0) == 0)
            meter.take(1, at: 0)
        }
        // The rate comes back in half a second, the burst in twenty.
        #expect(meter.delay(at: 0) == 500)
        meter.take(0, at: 1000)
        meter.take(2, at: 1000)
        #expect(meter.delay(at: 1000) == 500)
        #expect(meter.delay(at: 19_999) == 0)
        meter.take(2, at: 20_000)
        #expect(meter.delay(at: 20_000) == 0)
        meter.take(1, at: 20_000)
        #expect(meter.delay(at: 20_000) == 500)
    }
}
