// SPDX-License-Identifier: Apache-2.0
// The one index of a loop: which sessions, which plugin destinations and which other loops want a topic. Exact filters
// stand in a flat hash table, wildcard filters in a trie; one look-up answers for all kinds of receivers.

import MQTT

/// All that is known of one filter.
struct FilterEntry {
    let name: OwnedBytes
    /// Sessions and destinations of this loop; members of shared groups stand in their group.
    var subscribers = SubscriberList()
    /// How many of `subscribers` are sessions.
    var sessionCount: Int32 = 0
    /// First of the chain of shared groups of this filter, -1 = none.
    var firstGroup: Int32 = -1
    /// Other loops that have sessions, or destinations, behind this filter: bit n = loop n.
    var sessionLoops: UInt64 = 0
    var destinationLoops: UInt64 = 0

    var isUnused: Bool { subscribers.isEmpty && firstGroup < 0 && sessionLoops | destinationLoops == 0 }
    var destinationCount: Int { subscribers.count - Int(sessionCount) }
}

struct SubscriptionIndex {
    private(set) var entries = Arena<FilterEntry>()
    private var exact = IndexTable()
    private(set) var wildcards = WildcardTrie()
    /// Wildcard filters by name, so that a filter is found without walking the trie.
    private var wildcardNames = IndexTable()

    var filterCount: Int { entries.count }
    /// Filters that begin with `$`: the only ones that topics which begin so can match. [MQTT-4.7.2-1]
    private(set) var dollarFilterCount = 0

    @inline(__always)
    subscript(entry: Int32) -> UnsafeMutablePointer<FilterEntry> { entries[entry] }

    /// The entry of `filter`, or -1.
    func find(_ filter: ByteView) -> Int32 {
        let hash = filter.hash64
        let table = TopicFilter.isWildcard(filter) ? wildcardNames : exact
        return table.find(hash) { entries[$0].pointee.name.view == filter }
    }

    /// The entry of `filter`, which is valid and carries no `$share/` prefix.
    mutating func findOrInsert(_ filter: ByteView) -> Int32 {
        let existing = find(filter)
        if existing >= 0 { return existing }
        let entry = entries.insert(FilterEntry(name: OwnedBytes(copying: filter)))
        let hash = filter.hash64
        if filter[0] == UInt8(ascii: "$") { dollarFilterCount += 1 }
        if TopicFilter.isWildcard(filter) {
            wildcardNames.insert(hash, entry, rehash: nameHash(of:))
            wildcards.insert(filter, entry: entry)
        } else {
            exact.insert(hash, entry, rehash: nameHash(of:))
        }
        return entry
    }

    /// Drops the entry if nobody is behind it any more.
    mutating func removeIfUnused(_ entry: Int32) {
        guard entries[entry].pointee.isUnused else { return }
        let name = entries[entry].pointee.name
        if name.view[0] == UInt8(ascii: "$") { dollarFilterCount -= 1 }
        if TopicFilter.isWildcard(name.view) {
            wildcards.remove(name.view)
            wildcardNames.remove(name.view.hash64, entry, rehash: nameHash(of:))
        } else {
            exact.remove(name.view.hash64, entry, rehash: nameHash(of:))
        }
        entries[entry].pointee.subscribers.deallocate()
        entries.remove(entry)
        name.deallocate()
    }

    /// Appends the entries of all filters that match `topic`.
    @inline(__always)
    mutating func match(_ topic: ByteView, into matches: inout ScratchStack<Int32>) {
        let entry = exact.find(topic.hash64) { entries[$0].pointee.name.view == topic }
        if entry >= 0 { matches.append(entry) }
        if wildcards.filterCount > 0 { wildcards.match(topic, into: &matches) }
    }

    /// Every entry, in no particular order.
    func eachEntry(_ body: (Int32, FilterEntry) -> Void) {
        exact.eachIndex { body($0, entries[$0].pointee) }
        wildcardNames.eachIndex { body($0, entries[$0].pointee) }
    }

    private func nameHash(of entry: Int32) -> UInt64 { entries[entry].pointee.name.view.hash64 }

    func deallocate() {
        eachEntry { _, entry in
            entry.subscribers.deallocate()
            entry.name.deallocate()
        }
        wildcards.deallocate()
        wildcardNames.deallocate()
        exact.deallocate()
        entries.deallocate()
    }
}
