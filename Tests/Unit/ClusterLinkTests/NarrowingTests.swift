// SPDX-License-Identifier: Apache-2.0
import ClusterLinkBody
import LinkTestSupport
import Testing

@Suite("Narrowing")
struct NarrowingTests {
    private func common(_ a: String, _ b: String) -> String? {
        Narrowing.intersection(Filter(a), Filter(b)).map { String(decoding: $0, as: UTF8.self) }
    }

    private func narrow(_ filter: String, _ topics: [String]) -> [String] {
        let cover = Narrowing.minimalCover(topics.map { Filter($0) })
        return Narrowing.narrow(Filter(filter), to: cover).map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    @Test(
        "Pairs of filters and what they have in common",
        arguments: [
            ("t/global/#", "t/+/1/+", "t/global/1/+"), ("t/#", "+", "t"), ("t/#", "t", "t"), ("#", "+/x", "+/x"),
            ("#", "$SYS/#", nil), ("$SYS/#", "$SYS/+/x", "$SYS/+/x"), ("t/+/+", "t/+/1/#", "t/+/1"),
            ("t/+/#", "t/#", "t/+/#"), ("a//b", "a/+/b", "a//b"), ("/a", "+/a", "/a"),
            ("t/1/2/+", "t/+/2/3/#", "t/1/2/3"), ("t", "t/+", nil), ("#", "#", "#"), ("+", "#", "+"), ("/", "+/+", "/"),
            ("", "+", ""), ("a/+/c", "+/b/+", "a/b/c"), ("$a/b", "+/b", nil),
        ] as [(String, String, String?)]
    )
    func pairs(_ a: String, _ b: String, _ expected: String?) {
        #expect(common(a, b) == expected)
        #expect(common(b, a) == expected)
    }

    @Test("Several link topics give several routes, or one that covers the others")
    func several() {
        let topics = ["t/+/1/#", "t/z", "t/1/+"]
        #expect(narrow("t/+", topics) == ["t/z"])
        #expect(narrow("t/+/+", topics) == ["t/+/1", "t/1/+"])
        #expect(narrow("t/+/#", ["t/1", "t/2", "t/3"]) == ["t/1", "t/2", "t/3"])
        #expect(narrow("t/+/#", ["t/1", "t/2", "t/3", "t/+"]) == ["t/+"])
        #expect(narrow("x", topics) == [])
        #expect(narrow("x", []) == [])
    }

    @Test("A minimal cover keeps one of equal filters")
    func cover() {
        let filters = ["t/#", "t/1", "a", "a", "+/1", "t"].map { Filter($0) }
        #expect(Narrowing.minimalCover(filters) == ["t/#", "a", "+/1"].map { Filter($0) })
    }

    // MARK: By brute force

    private static let words = ["a", "b", "$s", ""]

    private static func sequences(_ alphabet: [String], upTo longest: Int) -> [String] {
        var all: [[String]] = [[]]
        var last: [[String]] = [[]]
        for _ in 0..<longest {
            last = last.flatMap { head in alphabet.map { head + [$0] } }
            all += last
        }
        return all.dropFirst().map { $0.joined(separator: "/") }
    }

    /// Topics long enough to tell the filters below apart; `a/` and `/` are topics with empty levels.
    private static let topics = sequences(words, upTo: 4).filter { !$0.isEmpty }

    private static let filters: [String] = {
        let plain = sequences(["a", "$s", "+"], upTo: 3)
        return plain + ["#"] + sequences(["a", "$s", "+"], upTo: 2).map { $0 + "/#" }
    }()

    /// The MQTT rule itself, written once more in the plainest way.
    private static func reference(_ filter: String, _ topic: String) -> Bool {
        let f = filter.split(separator: "/", omittingEmptySubsequences: false)
        let t = topic.split(separator: "/", omittingEmptySubsequences: false)
        if topic.hasPrefix("$"), f[0] == "+" || f[0] == "#" { return false }
        for (index, level) in f.enumerated() {
            if level == "#" { return true }
            guard index < t.count, level == "+" || level == t[index] else { return false }
        }
        return f.count == t.count
    }

    /// `t/#` also matches `t`.
    private static func matches(_ filter: String, _ topic: String) -> Bool {
        reference(filter, topic) || (filter.hasSuffix("/#") && reference(String(filter.dropLast(2)), topic))
    }

    private static let matched: [String: Set<Int>] = {
        var result: [String: Set<Int>] = [:]
        for filter in filters { result[filter] = Set(topics.indices.filter { matches(filter, topics[$0]) }) }
        return result
    }()

    @Test("Matching agrees with the rule for every small filter and topic")
    func matchingByBruteForce() {
        for filter in Self.filters {
            let bytes = Filter(filter)
            for (index, topic) in Self.topics.enumerated() {
                let result = Filter(topic).withView { Narrowing.matches(bytes, $0) }
                if result != Self.matched[filter]?.contains(index) { Issue.record("\(filter) and \(topic): \(result)") }
            }
        }
    }

    @Test("An intersection matches exactly what both filters match, for every small pair")
    func intersectionByBruteForce() {
        for a in Self.filters {
            for b in Self.filters {
                let both = (Self.matched[a] ?? []).intersection(Self.matched[b] ?? [])
                guard let result = common(a, b) else {
                    if !both.isEmpty {
                        Issue.record("\(a) and \(b) have \(both.count) topics in common, but no result")
                    }
                    continue
                }
                let found = Set(Self.topics.indices.filter { Self.matches(result, Self.topics[$0]) })
                if found != both { Issue.record("\(a) and \(b) gave \(result)") }
            }
        }
    }

    @Test("A subset is one, and nothing else is, for every small pair")
    func subsetsByBruteForce() {
        for a in Self.filters {
            for b in Self.filters {
                let isSubset = (Self.matched[a] ?? []).isSubset(of: Self.matched[b] ?? [])
                let result = Narrowing.isSubset(Filter(a), of: Filter(b))
                // "#" and "+/#" match the same topics and are not the same filter; nothing else is written in two ways.
                if result != isSubset, !(a == "#" && b == "+/#") { Issue.record("\(a) within \(b): \(result)") }
            }
        }
    }
}
