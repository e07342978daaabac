// SPDX-License-Identifier: Apache-2.0
// The subscription index and the retained store against `TopicFilter.matches`, which looks at one filter at a time.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct IndexTests {
    private static let levels = ["a", "b", "", "cc", "$x", "d"]

    private func topic(_ random: inout SeededRandom) -> String {
        var parts = (0..<1 + random.below(4)).map { _ in random.pick(Self.levels) }
        if parts == [""] { parts = ["a"] }
        return parts.joined(separator: "/")
    }

    private func filter(_ random: inout SeededRandom) -> String {
        var parts = (0..<1 + random.below(4)).map { _ in random.below(3) == 0 ? "+" : random.pick(Self.levels) }
        if random.below(3) == 0 { parts[parts.count - 1] = "#" }
        if parts == [""] { parts = ["+"] }
        return parts.joined(separator: "/")
    }

    private func isMatch(_ filter: String, _ topic: String) -> Bool {
        filter.withView { filter in topic.withView { TopicFilter.matches(filter, $0) } }
    }

    /// Adds the filter, or removes it if it is there.
    private func toggle(_ filter: String, in index: inout SubscriptionIndex, _ model: inout [String: Int32]) {
        if let entry = model.removeValue(forKey: filter) {
            index[entry].pointee.sessionLoops = 0
            index.removeIfUnused(entry)
        } else {
            let entry = filter.withView { index.findOrInsert($0) }
            index[entry].pointee.sessionLoops = 1
            model[filter] = entry
        }
    }

    @Test func theIndexFindsWhatMatches() {
        var random = SeededRandom()
        var index = SubscriptionIndex()
        var matches = ScratchStack<Int32>()
        defer {
            matches.deallocate()
            index.deallocate()
        }
        var model: [String: Int32] = [:]
        for step in 0..<100_000 {
            if random.below(20) > 0 {
                let filter = filter(&random)
                toggle(filter, in: &index, &model)
                #expect(filter.withView { index.find($0) } == model[filter] ?? -1)
            } else {
                let topic = topic(&random)
                matches.drop(to: 0)
                _ = topic.withView { index.match($0, into: &matches) }
                let found = (0..<matches.count).map { matches[$0] }.sorted()
                let expected = model.filter { isMatch($0.key, topic) }.values.sorted()
                #expect(found == expected, "seed \(random.seed), step \(step), topic \(topic)")
            }
        }
        #expect(index.filterCount == model.count)
        for entry in model.values {
            index[entry].pointee.sessionLoops = 0
            index.removeIfUnused(entry)
        }
        // Churn leaves nothing behind but the root.
        #expect(index.filterCount == 0)
        #expect(index.wildcards.nodeCount == 1)
        #expect(index.wildcards.filterCount == 0)
    }

    @Test func theTrieForgetsWhatCameAndWent() {
        var random = SeededRandom()
        var index = SubscriptionIndex()
        defer { index.deallocate() }
        var model: [String: Int32] = [:]
        for step in 0..<5000 {
            toggle(filter(&random), in: &index, &model)
            guard step % 50 == 0 else { continue }
            var fresh = SubscriptionIndex()
            for filter in model.keys.shuffled(using: &random) { _ = filter.withView { fresh.findOrInsert($0) } }
            #expect(index.wildcards.nodeCount == fresh.wildcards.nodeCount, "seed \(random.seed), step \(step)")
            var seen: [Int32] = []
            index.eachEntry { seen.append($0) }
            #expect(seen.sorted() == model.values.sorted(), "seed \(random.seed), step \(step)")
            fresh.deallocate()
        }
    }

    @Test func churnOfManyFiltersLeavesMemoryFlat() {
        var index = SubscriptionIndex()
        defer { index.deallocate() }
        var pages: [Int] = []
        for round in 0..<8 {
            let filters = (0..<3000).map { i in
                // Every round has other filters, of other lengths.
                ["site/\(round)\(i)/+/state", "site/\(round)\(i)/#", "site/\(round)\(i)/x"][i % 3]
                    + String(repeating: i % 3 == 1 ? "" : "y", count: round * 5)
            }
            let entries = filters.map { filter in filter.withView { index.findOrInsert($0) } }
            for entry in entries { index[entry].pointee.sessionLoops = 1 }
            for entry in entries {
                index[entry].pointee.sessionLoops = 0
                index.removeIfUnused(entry)
            }
            #expect(index.filterCount == 0 && index.wildcards.nodeCount == 1)
            pages.append(index.pageCount)
        }
        // A page of each size may stay.
        #expect(pages.allSatisfy { $0 <= 20 }, "\(pages)")
    }

    @Test func longFiltersAndLevelsAreMatched() {
        var index = SubscriptionIndex()
        var matches = ScratchStack<Int32>()
        defer {
            matches.deallocate()
            index.deallocate()
        }
        let long = String(repeating: "x", count: 30_000)
        let filters = [long + "/" + long, long + "/+", long + "/+/a", long + "/#", "+/" + long, long + "/+/b"]
        let entries = filters.map { filter in filter.withView { index.findOrInsert($0) } }
        for entry in entries { index[entry].pointee.sessionLoops = 1 }
        for (filter, entry) in zip(filters, entries) { #expect(filter.withView { index.find($0) } == entry) }
        _ = (long + "/" + long).withView { index.match($0, into: &matches) }
        #expect(Set((0..<matches.count).map { matches[$0] }) == [entries[0], entries[1], entries[3], entries[4]])
        matches.drop(to: 0)
        _ = (long + "/c/b").withView { index.match($0, into: &matches) }
        #expect(Set((0..<matches.count).map { matches[$0] }) == [entries[3], entries[5]])
        for entry in entries {
            index[entry].pointee.sessionLoops = 0
            index.removeIfUnused(entry)
        }
        #expect(index.filterCount == 0 && index.wildcards.nodeCount == 1)
    }

    @Test func wildcardsAtTheFirstLevelPassDollarTopicsBy() {
        var index = SubscriptionIndex()
        var matches = ScratchStack<Int32>()
        defer {
            matches.deallocate()
            index.deallocate()
        }
        for filter in ["#", "+/a", "$SYS/#", "$SYS/+"] {
            let entry = filter.withView { index.findOrInsert($0) }
            index[entry].pointee.sessionLoops = 1
        }
        _ = "$SYS/a".withView { index.match($0, into: &matches) }
        let names = (0..<matches.count).map { index.filter(of: matches[$0]).string }
        #expect(Set(names) == ["$SYS/#", "$SYS/+"])
        matches.drop(to: 0)
        _ = "$SYS".withView { index.match($0, into: &matches) }
        #expect((0..<matches.count).map { index.filter(of: matches[$0]).string } == ["$SYS/#"])
    }

    @Test func aVeryDeepTopicIsMatched() {
        var index = SubscriptionIndex()
        var matches = ScratchStack<Int32>()
        defer {
            matches.deallocate()
            index.deallocate()
        }
        let entry = "+/+/#".withView { index.findOrInsert($0) }
        index[entry].pointee.sessionLoops = 1
        _ = String(repeating: "/", count: 65_535).withView { index.match($0, into: &matches) }
        #expect(matches.count == 1)
    }

    @Test func theRetainedStoreFindsWhatMatches() {
        var random = SeededRandom()
        var store = RetainedStore()
        defer { store.deallocate() }
        var model: [String: String] = [:]
        for step in 0..<30_000 {
            switch random.below(4) {
            case 0:
                let topic = topic(&random)
                topic.withView { store.remove($0) }
                model[topic] = nil
            case 1 where step % 10 == 0:
                let filter = filter(&random)
                var found: [String] = []
                filter.withView { store.eachMessage(matching: $0) { found.append($0.topic.string) } }
                let expected = model.keys.filter { isMatch(filter, $0) }
                #expect(found.sorted() == expected.sorted(), "seed \(random.seed), step \(step), filter \(filter)")
            default:
                let topic = topic(&random)
                store.set(makeMessage(topic, "\(step)"))
                model[topic] = "\(step)"
                #expect(topic.withView { store[$0]?.payload.string } == "\(step)")
            }
            #expect(store.count == model.count)
        }
        for topic in model.keys { topic.withView { store.remove($0) } }
        #expect(store.count == 0)
        #expect(store.nodeCount == 0)
        #expect(store.levelCount == 0)
    }

    @Test func aVeryDeepRetainedTopicIsFound() {
        var store = RetainedStore()
        defer { store.deallocate() }
        store.set(makeMessage(String(repeating: "/", count: 65_535)))
        var found = 0
        "#".withView { store.eachMessage(matching: $0) { _ in found += 1 } }
        #expect(found == 1)
    }
}
