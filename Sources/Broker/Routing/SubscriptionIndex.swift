// SPDX-License-Identifier: Apache-2.0
// The one index of a loop: which sessions, which plugin destinations and which other loops want a topic. Exact filters
// stand in a flat hash table, wildcard filters in a trie; one look-up answers for all kinds of receivers.

import MQTT

package struct SubscriptionIndex {
    private var entries = TextArena<FilterEntry>()
    var extras = Arena<FilterExtras>()
    private var exact = IndexTable()
    private(set) var wildcards = WildcardTrie()

    package init() {}

    var filterCount: Int { entries.count }
    /// Filters that begin with `$SYS`: the only ones that topics which begin so can match. [MQTT-4.7.2-1]
    private(set) var systemFilterCount = 0
    /// Pages of memory that hold the filters.
    var pageCount: Int { entries.pageCount }

    @inline(__always)
    package subscript(entry: Int32) -> UnsafeMutablePointer<FilterEntry> { entries[entry] }

    /// The filter itself.
    @inline(__always)
    func filter(of entry: Int32) -> ByteView { entries.text(of: entry) }

    /// The entry of `filter`, or -1.
    func find(_ filter: ByteView) -> Int32 {
        if TopicFilter.isWildcard(filter) { return wildcards.find(filter, in: entries.reader) }
        return exact.find(filter.hash64) { entries.text(of: $0) == filter }
    }

    /// The entry of `filter`, which is valid and carries no `$share/` prefix.
    package mutating func findOrInsert(_ filter: ByteView) -> Int32 {
        let existing = find(filter)
        if existing >= 0 { return existing }
        let entry = entries.insert(FilterEntry(), text: filter)
        if filter.hasPrefix("$SYS") { systemFilterCount += 1 }
        if TopicFilter.isWildcard(filter) {
            wildcards.insert(entry, in: entries.reader)
        } else {
            exact.insert(filter.hash64, entry)
        }
        return entry
    }

    /// Drops the entry if nobody is behind it any more.
    package mutating func removeIfUnused(_ entry: Int32) {
        let one = entries[entry].pointee
        guard one.subscribers.isEmpty, !one.hasExtras, one.sessionLoops == 0 else { return }
        let filter = entries.text(of: entry)
        if filter.hasPrefix("$SYS") { systemFilterCount -= 1 }
        if TopicFilter.isWildcard(filter) {
            wildcards.remove(entry, in: entries.reader)
        } else {
            exact.remove(filter.hash64, entry)
        }
        entries.remove(entry)
    }

    /// Appends the entries of all filters that match `topic`. Returns how many nodes of the trie were looked at.
    @inline(__always)
    @discardableResult
    package func match(_ topic: ByteView, into matches: inout ScratchStack<Int32>) -> Int {
        let entry = exact.find(topic.hash64) { entries.text(of: $0) == topic }
        if entry >= 0 { matches.append(entry) }
        return wildcards.filterCount > 0 ? wildcards.match(topic, in: entries.reader, into: &matches) : 0
    }

    /// A wildcard filter that is looked at for `topic`, by chance.
    func sample(_ topic: ByteView, _ random: inout QuickRandom) -> Int32? {
        wildcards.sample(topic, in: entries.reader, &random)
    }

    /// Every entry, in no particular order.
    func eachEntry(_ body: (Int32) -> Void) {
        exact.eachIndex(body)
        wildcards.eachEntry(body)
    }

    func deallocate() {
        eachEntry { entry in
            entries[entry].pointee.subscribers.deallocate()
            entries.deallocateText(of: entry)
        }
        wildcards.deallocate()
        exact.deallocate()
        extras.deallocate()
        entries.deallocate()
    }
}
