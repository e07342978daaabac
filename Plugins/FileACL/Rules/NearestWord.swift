// SPDX-License-Identifier: Apache-2.0
// The "did you mean" of error sentences.

/// The word of `words` that `typed` was probably meant to be, if one is close enough.
func nearestWord(_ typed: String, _ words: [String]) -> String? {
    let limit = max(1, typed.count / 3)
    let scored = words.map { (word: $0, distance: editDistance(Array(typed.lowercased().utf8), Array($0.utf8))) }
    guard let best = scored.min(by: { $0.distance < $1.distance }), best.distance <= limit else { return nil }
    return best.word
}

/// `; did you mean "allow"?`, or a list of what is possible.
func suggestion(_ typed: String, _ words: [String]) -> String {
    if let word = nearestWord(typed, words) { return "; did you mean \(word)?" }
    return "; possible here: \(words.joined(separator: ", "))."
}

/// Insertions, deletions, replacements and swaps of neighbours.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    guard a.count <= 64 else { return a.count }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
            row.append(cost)
        }
        beforeLast = last
        last = row
    }
    return last[b.count]
}
