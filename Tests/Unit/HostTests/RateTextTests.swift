// SPDX-License-Identifier: Apache-2.0
// Rates as the configuration writes them.

import Broker
import Testing

@testable import Host

@Suite struct RateTextTests {
    @Test(arguments: [
        ("100/s", 100, 1000), ("500/10s", 500, 10_000), ("10000/60m", 10_000, 3_600_000), ("7/1h", 7, 3_600_000),
        ("1/d", 1, 86_400_000), ("5/100ms", 5, 100), ("12", 12, 1000), ("3/S", 3, 1000),
    ])
    func ofThings(text: String, amount: Int64, period: Int64) {
        #expect(Rate(text, ofBytes: false) == Rate(amount, per: period))
        #expect(Rate(text, ofBytes: true) == Rate(amount, per: period))
    }

    @Test(arguments: [
        ("1MB/s", 1 << 20, 1000), ("500KB/10s", 500 << 10, 10_000), ("1gb/1m", 1 << 30, 60_000), ("9B/s", 9, 1000),
        ("100MB/60m", 100 << 20, 3_600_000),
    ])
    func ofBytes(text: String, amount: Int64, period: Int64) {
        #expect(Rate(text, ofBytes: true) == Rate(amount, per: period))
        #expect(Rate(text, ofBytes: false) == nil)
    }

    @Test(arguments: [
        "", "/", "/s", "s", "0/s", "-1/s", "1/", "1/0s", "1/x", "1/s/s", "1 /s", "1/ s", "1.5/s", "1TB/s", "1/1",
        "MB/s",
        "99999999999999999999/s", "9223372036854775807/d", "1/99999999999999999999s", "١/s",
    ])
    func whatIsNoRate(text: String) {
        #expect(Rate(text, ofBytes: true) == nil)
    }
}
