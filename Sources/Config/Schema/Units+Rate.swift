// SPDX-License-Identifier: Apache-2.0
// Rates as EMQX's configuration writes them: `1000/s`, `500/10s`, `1/m`.

extension Units {
    /// How many a second; nil if it is no rate, or none at all.
    static func perSecond(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), count > 0 else { return nil }
        let unit = parts[1].first.map { $0.isLetter } == true ? "1\(parts[1])" : String(parts[1])
        guard let milliseconds = milliseconds(unit), milliseconds > 0 else { return nil }
        return Double(count) * 1000 / Double(milliseconds)
    }
}
