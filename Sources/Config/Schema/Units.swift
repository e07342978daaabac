// SPDX-License-Identifier: Apache-2.0
// Texts with units: durations (1h30m), sizes (64KB) and percentages (50%), as EMQX's configuration writes them.

enum Units {
    private static let millisecondsPerUnit: [String: Double] = [
        "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "f": 1_209_600_000,
    ]

    /// All results stay exact in a Double, and so in the JSON that plugins are given.
    private static let largest = Double(1 << 53)

    /// A chain of numbers with units; a whole number alone counts milliseconds. A part of a millisecond is rounded up,
    /// so that a small timeout does not become none.
    static func milliseconds(_ text: String) -> Int? {
        if let plain = whole(text) { return plain }
        var rest = text.drop { $0 == " " }
        var total = 0.0
        repeat {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count).drop { $0 == " " }
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(letters.count)
            guard let first = digits.first, first != ".", digits.last != ".", let number = Double(digits),
                let unit = millisecondsPerUnit[letters.lowercased()]
            else { return nil }
            total += number * unit
            rest = rest.drop { $0 == " " }
        } while !rest.isEmpty
        // A decimal such as 8.2m may come out a little above its true value.
        let rounded = (total - 1e-6).rounded(.up)
        return rounded > largest ? nil : max(0, Int(rounded))
    }

    /// A whole number and a unit, either all lower or all upper case; powers of 1024.
    static func bytes(_ text: String) -> Int? {
        if let plain = whole(text) { return plain }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let shift: Int
        switch text.dropFirst(digits.count) {
        case "b", "B": shift = 0
        case "kb", "KB": shift = 10
        case "mb", "MB": shift = 20
        case "gb", "GB": shift = 30
        default: return nil
        }
        guard let number = Int(digits) else { return nil }
        let (size, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        return overflow || size > 1 << 53 ? nil : size
    }

    /// `50%`, or the fraction itself.
    static func fraction(_ text: String) -> Double? {
        let percent = text.hasSuffix("%")
        let number = String(percent ? text.dropLast() : text[...])
        guard NumberText.isNumber(number), let value = NumberText.double(number) else { return nil }
        let fraction = percent ? value / 100 : value
        return fraction >= 0 && fraction <= 1 ? fraction : nil
    }

    /// Digits only, without the sign, leading zeros or exponent that would make it doubtful.
    private static func whole(_ text: String) -> Int? {
        guard NumberText.isNumber(text), let value = Int(text), value >= 0, value <= 1 << 53 else { return nil }
        return value
    }
}
