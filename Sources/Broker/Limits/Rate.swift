// SPDX-License-Identifier: Apache-2.0
// Rates and the buckets that enforce them, in whole numbers on the broker's clock. A bucket needs no timer: it is
// filled when somebody looks at it.

/// So many a period: connections, messages or bytes.
public struct Rate: Sendable, Equatable {
    public let amount: Int64
    /// Milliseconds.
    public let period: Int64

    /// Nil for a rate of nothing, or one beyond what a bucket can count.
    public init?(_ amount: Int64, per period: Int64) {
        guard amount > 0, period > 0, amount <= (Int64.max >> 3) / period else { return nil }
        self.amount = amount
        self.period = period
    }
}

/// What may be used for good, and what beyond it for a short while.
public struct Allowance: Sendable, Equatable {
    public var rate: Rate
    public var burst: Rate?

    public init(_ rate: Rate, burst: Rate? = nil) {
        self.rate = rate
        self.burst = burst
    }
}

/// A bucket holds what its rate gives in one period, and is full at first. It may be overdrawn, as the size of a packet
/// cannot be chosen: then nothing is to be had until that is made up for.
struct TokenBucket: Sendable {
    private let rate: Rate
    /// In tokens times the period, so that a part of a token is not lost.
    private var level: Int64
    private var filledAt: UInt64

    init(_ rate: Rate, at now: UInt64) {
        self.rate = rate
        level = rate.amount * rate.period
        filledAt = now
    }

    mutating func fill(at now: UInt64) {
        guard now > filledAt else { return }
        let capacity = rate.amount * rate.period
        let elapsed = now - filledAt
        filledAt = now
        // Compared before it is multiplied: after a long time the product would overflow.
        if elapsed > UInt64((capacity - level) / rate.amount) {
            level = capacity
        } else {
            level += Int64(elapsed) * rate.amount
        }
    }

    /// Whole tokens; 0 if it is overdrawn.
    var tokens: Int64 { max(0, level / rate.period) }

    mutating func take(_ count: Int64) {
        let (cost, overflow) = count.multipliedReportingOverflow(by: rate.period)
        let (left, underflow) = level.subtractingReportingOverflow(cost)
        level = overflow || underflow ? Int64.min >> 3 : max(left, Int64.min >> 3)
    }

    /// Milliseconds until there is a whole token; 0 if there is one.
    var delay: UInt64 {
        let missing = rate.period - level
        return missing <= 0 ? 0 : UInt64((missing + rate.amount - 1) / rate.amount)
    }
}

/// An allowance in use.
public struct Meter: Sendable {
    private var regular: TokenBucket
    private var burst: TokenBucket?

    public init(_ allowance: Allowance, at now: UInt64) {
        regular = TokenBucket(allowance.rate, at: now)
        burst = allowance.burst.map { TokenBucket($0, at: now) }
    }

    /// Milliseconds until something may be taken; 0 if that is now.
    public mutating func delay(at now: UInt64) -> UInt64 {
        regular.fill(at: now)
        burst?.fill(at: now)
        return min(regular.delay, burst?.delay ?? .max)
    }

    /// Takes `count`, overdrawing if need be.
    public mutating func take(_ count: Int, at now: UInt64) {
        regular.fill(at: now)
        var rest = Int64(count)
        if var bucket = burst, rest > regular.tokens {
            bucket.fill(at: now)
            let regularPart = regular.tokens
            let burstPart = min(rest - regularPart, bucket.tokens)
            bucket.take(burstPart)
            burst = bucket
            rest -= burstPart
        }
        regular.take(rest)
    }
}
