// SPDX-License-Identifier: Apache-2.0
// The known name a mistyped one was meant to be, by the number of letters changed, added, dropped or swapped.

public enum NearestName {
    /// `nil` if none is close enough to be a typing mistake.
    public static func find(_ name: String, among names: [String]) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars)
        // A longer key is no typing mistake, and comparing takes time in the product of the lengths.
        if wanted.count > 64 { return nil }
        var best: (name: String, distance: Int)?
        for candidate in names {
            let distance = distance(wanted, Array(candidate.lowercased().unicodeScalars))
            if distance <= max(1, min(3, wanted.count / 3)), distance < best?.distance ?? Int.max {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    private static func distance(_ a: [UnicodeScalar], _ b: [UnicodeScalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for (row, left) in a.enumerated() {
            var current = [row + 1]
            for (column, right) in b.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (left == right ? 0 : 1))
                if row > 0, column > 0, left == b[column - 1], a[row - 1] == right {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[b.count]
    }
}
