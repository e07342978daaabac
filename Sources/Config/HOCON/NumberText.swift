// SPDX-License-Identifier: Apache-2.0
// The JSON number grammar, on text: which words of a file are numbers, and what they are worth.

enum NumberText {
    /// How many bytes from `start` form a JSON number; 0 if none do.
    static func prefixLength(_ bytes: [UInt8], from start: Int) -> Int {
        var index = start
        func digit(_ position: Int) -> Bool {
            position < bytes.count && bytes[position] >= UInt8(ascii: "0") && bytes[position] <= UInt8(ascii: "9")
        }
        func byte(_ position: Int) -> UInt8? { position < bytes.count ? bytes[position] : nil }

        if byte(index) == UInt8(ascii: "-") { index += 1 }
        guard digit(index) else { return 0 }
        if bytes[index] == UInt8(ascii: "0") {
            index += 1
        } else {
            while digit(index) { index += 1 }
        }
        if byte(index) == UInt8(ascii: "."), digit(index + 1) {
            index += 2
            while digit(index) { index += 1 }
        }
        if let mark = byte(index), mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            var exponent = index + 1
            if let sign = byte(exponent), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { exponent += 1 }
            if digit(exponent) {
                while digit(exponent) { exponent += 1 }
                index = exponent
            }
        }
        return index - start
    }

    static func isNumber(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return !bytes.isEmpty && prefixLength(bytes, from: 0) == bytes.count
    }

    /// The whole number a JSON number stands for; nil if it has a fraction or does not fit.
    static func int(_ text: String) -> Int? {
        if let value = Int(text) { return value }
        guard let value = double(text) else { return nil }
        return Int(exactly: value)
    }

    /// nil for what overflows to infinity.
    static func double(_ text: String) -> Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}
