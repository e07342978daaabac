// SPDX-License-Identifier: Apache-2.0
// Rates: so many in so much time.

import Testing

@testable import Config

@Suite struct RateTests {
    @Test(arguments: [
        ("1000/s", 1000.0), ("500/10s", 50.0), ("30/m", 0.5), ("1/1h", 1.0 / 3600.0), ("10/100ms", 100.0),
    ])
    func aRateIsRead(text: String, perSecond: Double) {
        #expect(Units.perSecond(text) == perSecond)
        #expect(SettingType.rate.converted(.string(text)) == .number(String(perSecond)))
    }

    @Test(arguments: ["", "/", "10", "10/", "/s", "0/s", "-1/s", "1.5/s", "10/s/s", "10/x", "10/0s", "infinity"])
    func whatIsNoRateIsRefused(text: String) {
        #expect(Units.perSecond(text) == nil)
    }
}
