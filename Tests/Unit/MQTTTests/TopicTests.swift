// SPDX-License-Identifier: Apache-2.0
// Topic names, topic filters, shared subscriptions and levels; matching is in TopicMatchTests.

import MQTT
import Testing

@Suite struct TopicTests {
    @Test(arguments: [
        "/", "a", "ab", "abc", "abcd", "abcdefg", "abcdefgh", "a/b", "//", " ", "$SYS/x", "*?", "grün/€/𝄞",
    ])
    func validNames(name: String) { #expect(Array(name.utf8).withView(TopicName.validate)) }

    @Test func oneBadByteIsFoundAtEveryPlaceOfEveryLength() {
        for length in 1...40 {
            for place in 0..<length {
                for bad: UInt8 in [0x00, 0x2B, 0x23, 0x80, 0xFF] {
                    var name = [UInt8](repeating: 0x61, count: length)
                    name[place] = bad
                    #expect(!name.withView(TopicName.validate), "\(name.hex)")
                }
                // The neighbours of the wildcards and the borders of ASCII are harmless.
                for good: UInt8 in [0x01, 0x22, 0x24, 0x2A, 0x2C, 0x2F, 0x33, 0x3B, 0x7F] {
                    var name = [UInt8](repeating: 0x61, count: length)
                    name[place] = good
                    #expect(name.withView(TopicName.validate), "\(name.hex)")
                }
            }
        }
    }

    @Test func lengthLimits() {
        #expect(![UInt8]().withView(TopicName.validate))
        #expect(![UInt8]().withView(TopicFilter.validate))
        #expect([UInt8](repeating: 0x61, count: 65_535).withView(TopicName.validate))
        #expect(![UInt8](repeating: 0x61, count: 65_536).withView(TopicName.validate))
        #expect([UInt8](repeating: 0x61, count: 65_535).withView(TopicFilter.validate))
        #expect(![UInt8](repeating: 0x61, count: 65_536).withView(TopicFilter.validate))
    }

    @Test(arguments: [
        "#", "+", "/", "/+", "+/", "+/+", "a/#", "/#", "+/#", "a/+/b", "+/a/+/#", "a//+", "$share/g/a", "€/+",
    ])
    func validFilters(filter: String) { #expect(Array(filter.utf8).withView(TopicFilter.validate)) }

    @Test(arguments: [
        "#/", "#/a", "a#", "#a", "a/#b", "a/b#", "##", "+a", "a+", "++", "a/+b", "a/b+", "+#", "#+", "a/#/+",
    ])
    func invalidFilters(filter: String) { #expect(!Array(filter.utf8).withView(TopicFilter.validate)) }

    @Test func wildcards() {
        #expect(TopicFilter.isWildcard("a/+"))
        #expect(TopicFilter.isWildcard("#"))
        #expect(!TopicFilter.isWildcard("a/b"))
        #expect(!TopicFilter.isWildcard(""))
    }

    @Test func sharedFiltersAreTakenApart() throws {
        let shared = try #require(SharedFilter.parse("$share/group one/a/+/#"))
        #expect(shared.group == "group one")
        #expect(shared.filter == "a/+/#")
        let root = try #require(SharedFilter.parse("$share/g//"))
        #expect(root.filter == "/")
        #expect(SharedFilter.isShared("$share/g"))
        #expect(!SharedFilter.isShared("$share"))
        #expect(!SharedFilter.isShared("$shared/g/a"))
    }

    @Test(arguments: [
        "", "a", "$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a", "$share/g+/a",
        "$share/g/a#", "$SHARE/g/a", "$shares/g/a",
    ])
    func invalidSharedFilters(filter: String) {
        #expect(Array(filter.utf8).withView(SharedFilter.parse) == nil)
    }

    @Test(arguments: [
        ("", [""]), ("a", ["a"]), ("/", ["", ""]), ("a/b", ["a", "b"]), ("/a", ["", "a"]), ("a/", ["a", ""]),
        ("a//b", ["a", "", "b"]), ("$SYS/+/#", ["$SYS", "+", "#"]),
    ])
    func levels(topic: String, expected: [String]) {
        #expect(Array(topic.utf8).withView { TopicLevels($0).map(\.string) } == expected)
    }
}
