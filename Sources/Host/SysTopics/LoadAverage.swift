// SPDX-License-Identifier: Apache-2.0
// How much there was of something a minute, averaged over the last 1, 5 and 15 minutes as mosquitto does: a new
// interval counts the more, the longer it was.

import Glibc

struct LoadAverage: Sendable {
    static let names: [StaticString] = ["1min", "5min", "15min"]
    private static let spans: [Double] = [60, 300, 900]

    private(set) var values: [Double] = [0, 0, 0]
    private var total: UInt64 = 0

    /// `total` is what was counted since the start, `seconds` how long ago the last call was.
    mutating func advance(to newTotal: UInt64, after seconds: Double) {
        guard seconds > 0 else { return }
        let rate = Double(newTotal &- total) * 60 / seconds
        total = newTotal
        for (i, span) in Self.spans.enumerated() {
            let kept = exp(-seconds / span)
            values[i] = values[i] * kept + rate * (1 - kept)
        }
    }

    /// With two digits behind the point.
    static func text(_ value: Double) -> String {
        let hundredths = UInt64(max(0, value) * 100 + 0.5)
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
