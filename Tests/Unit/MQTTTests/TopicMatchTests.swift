// SPDX-License-Identifier: Apache-2.0
// Pairs of a filter and a name, the standard's own examples among them, and a comparison with the plain definition.

import MQTT
import TestRandom
import Testing

@Suite struct TopicMatchTests {
    static let matching = [
        ("a", "a"), ("a/b", "a/b"), ("/", "/"), ("//", "//"), ("/a", "/a"), ("a/", "a/"), ("a b", "a b"), ("€", "€"),
        ("#", "a"), ("#", "a/b/c"), ("#", "/"), ("#", "/a"), ("+", "a"), ("+", "€"), ("+/+", "/"), ("+/+", "a/b"),
        ("/+", "/finance"), ("+/+", "/finance"), ("+/", "a/"), ("/+", "/"), ("+/b", "a/b"), ("+/b", "/b"),
        ("sport/tennis/player1/#", "sport/tennis/player1"),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking"),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"),
        ("sport/#", "sport"), ("sport/#", "sport/"), ("sport/+", "sport/"), ("sport/tennis/+", "sport/tennis/player1"),
        ("+/tennis/#", "sport/tennis"), ("+/tennis/#", "/tennis/x/y"), ("sport/+/player1", "sport/tennis/player1"),
        ("a/+/+/d", "a/b/c/d"), ("a/+/+/d", "a///d"), ("+/+/#", "a/b"), ("+/+/#", "a/b/c"), ("+/#", "a"), ("+/#", "/"),
        ("/#", "/"), ("/#", "/a/b"), ("$SYS/#", "$SYS"), ("$SYS/#", "$SYS/broker/load"), ("$SYS/+", "$SYS/x"),
        ("$SYS/monitor/+", "$SYS/monitor/Clients"), ("a/#", "a/$SYS"), ("a/+", "a/$x"), ("$a/b", "$a/b"), ("+", " "),
    ]

    static let different = [
        ("a", "b"), ("a", "A"), ("a", "a/"), ("a", "/a"), ("a/b", "a"), ("a", "a/b"), ("ab", "a"), ("a", "ab"),
        ("/", "//"), ("+", "/"), ("+", "/finance"), ("+", "a/b"), ("+/+", "a"), ("+/+", "a/b/c"), ("a/+", "a"),
        ("a/+", "a/b/c"), ("+/b", "a/c"), ("+/b", "a/b/c"), ("sport/+", "sport"),
        ("sport/tennis/+", "sport/tennis/a/b"),
        ("sport/#", "sports"), ("sport/#", "spor"), ("sport/tennis/#", "sport"), ("a/+/c", "a/b/d"), ("a/+/c", "a/c"),
        ("#", "$SYS"), ("#", "$SYS/x"), ("+", "$SYS"), ("+/monitor/Clients", "$SYS/monitor/Clients"), ("+/#", "$x/y"),
        ("$SYS/#", "SYS/x"), ("/#", "a"), ("/+", "a/b"), ("+/", "a"), ("a//b", "a/b"), ("a/b", "a//b"), ("a/#", "b/a"),
        ("", "a"), ("#", ""), ("", ""),
    ]

    private func matches(_ filter: String, _ name: String) -> Bool {
        Array(filter.utf8).withView { filter in Array(name.utf8).withView { TopicFilter.matches(filter, $0) } }
    }

    @Test(arguments: matching)
    func match(filter: String, name: String) { #expect(matches(filter, name)) }

    @Test(arguments: different)
    func noMatch(filter: String, name: String) { #expect(!matches(filter, name)) }

    @Test func agreesWithTheDefinitionByLevels() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        var count = 0
        for _ in 0..<20_000 {
            func topic(_ levels: [String]) -> String {
                (0..<Int.random(in: 1...4, using: &random)).map { _ in levels.randomElement(using: &random) ?? "" }
                    .joined(separator: "/")
            }
            var filter = topic(["", "a", "b", "ab", "+", "+", "$a"])
            if Bool.random(using: &random) { filter += "/#" }
            let name = topic(["", "a", "b", "ab", "$a"])
            guard !filter.isEmpty, !name.isEmpty else { continue }
            let expected = isMatch(filter, name)
            if expected { count += 1 }
            #expect(matches(filter, name) == expected, "seed \(seed): \(filter) against \(name)")
        }
        #expect(count > 500)
    }

    private func isMatch(_ filter: String, _ name: String) -> Bool {
        if name.hasPrefix("$") && (filter.hasPrefix("+") || filter.hasPrefix("#")) { return false }
        var wanted = filter.split(separator: "/", omittingEmptySubsequences: false)
        let levels = name.split(separator: "/", omittingEmptySubsequences: false)
        let isOpen = wanted.last == "#"
        if isOpen { wanted.removeLast() }
        guard isOpen ? levels.count >= wanted.count : levels.count == wanted.count else { return false }
        return zip(wanted, levels).allSatisfy { $0 == "+" || $0 == $1 }
    }
}
