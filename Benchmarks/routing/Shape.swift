// SPDX-License-Identifier: Apache-2.0
// The filters that are subscribed to: 20 to 25 bytes, all different, in an order that is none of theirs.

import Glibc

enum Shape: String, CaseIterable {
    case exact
    /// `site/N/+/state`
    case single
    /// `site/N/sensor/#`
    case multi
    /// Four kinds, one of which begins with `+`.
    case mixed
    /// Two filters a site that part behind a `+`.
    case pairs

    /// The filter with this number, for the time of the call.
    func withFilter<Result>(_ number: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .exact: withText("site/", number, "/sensor/state", body)
        case .single: withText("site/", number, "/+/state", body)
        case .multi: withText("site/", number, "/sensor/#", body)
        case .mixed:
            switch number % 4 {
            case 0: withText("site/", number, "/+/state", body)
            case 1: withText("site/", number, "/sensor/#", body)
            case 2: withText("+/", number, "/sensor/state", body)
            default: withText("site/", number, "/+/#", body)
            }
        case .pairs: withText("site/", number / 2, number % 2 == 0 ? "/+/state" : "/+/level", body)
        }
    }

    /// A topic that only the filter with this number matches, for the time of the call.
    func withTopic<Result>(_ number: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .pairs: withText("site/", number / 2, number % 2 == 0 ? "/sensor/state" : "/sensor/level", body)
        default: withText("site/", number, "/sensor/state", body)
        }
    }

    private func withText<Result>(
        _ start: StaticString,
        _ number: Int,
        _ end: StaticString,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let digits = 7
            // No two numbers below ten million give the same.
            var rest = number * 7919 % 10_000_000
            buffer.baseAddress?.copyMemory(from: start.utf8Start, byteCount: start.utf8CodeUnitCount)
            for i in 0..<digits {
                buffer[start.utf8CodeUnitCount + digits - 1 - i] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            let length = start.utf8CodeUnitCount + digits
            buffer.baseAddress?.advanced(by: length)
                .copyMemory(from: end.utf8Start, byteCount: end.utf8CodeUnitCount)
            return body(UnsafeRawBufferPointer(rebasing: buffer[..<(length + end.utf8CodeUnitCount)]))
        }
    }
}

/// Numbers without an order that a cache could follow, the same in every run.
struct Disorder {
    private var state: UInt64 = 0x1234_5678_9ABC_DEF1

    mutating func below(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state.multipliedFullWidth(by: UInt64(limit)).high)
    }
}
