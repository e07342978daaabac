// SPDX-License-Identifier: Apache-2.0
// All that is known of one filter. Most have one session behind them and nothing else: what few have stands apart.

package struct FilterEntry: BitwiseCopyable {
    /// Sessions and destinations of this loop; members of shared groups stand in their group.
    package var subscribers = CompactList<Subscriber>()
    /// Where the filter's `FilterExtras` are, -1 = it has none.
    fileprivate(set) var extras: Int32 = -1
    /// Other loops that have sessions behind this filter: bit n = loop n.
    var sessionLoops: UInt64 = 0
    /// The trie's node above a filter with wildcards.
    var node: Int32 = -1

    @inline(__always)
    var hasExtras: Bool { extras >= 0 }
}

struct FilterExtras: Equatable {
    /// First of the chain of shared groups of this filter, -1 = none.
    var firstGroup: Int32 = -1
    /// How many of the subscribers are destinations of plugins that no subscription of theirs made.
    var destinationCount: Int32 = 0
    /// Other loops that have such destinations: bit n = loop n.
    var destinationLoops: UInt64 = 0
}

extension SubscriptionIndex {
    /// How many sessions of this loop, plugins' subscriptions among them, are behind the filter.
    func sessionCount(_ entry: Int32) -> Int {
        self[entry].pointee.subscribers.count - Int(extras(of: self[entry]).destinationCount)
    }

    @inline(__always)
    func extras(of entry: UnsafeMutablePointer<FilterEntry>) -> FilterExtras {
        entry.pointee.hasExtras ? extras[entry.pointee.extras].pointee : FilterExtras()
    }

    /// Changes what stands apart of the entry, which is made and given back as needed.
    mutating func updateExtras(of entry: Int32, _ body: (inout FilterExtras) -> Void) {
        let entry = self[entry]
        var changed = extras(of: entry)
        body(&changed)
        let isNeeded = changed != FilterExtras()
        if !isNeeded, entry.pointee.hasExtras {
            extras.remove(entry.pointee.extras)
            entry.pointee.extras = -1
        } else if isNeeded, !entry.pointee.hasExtras {
            entry.pointee.extras = extras.insert(changed)
        } else if isNeeded {
            extras[entry.pointee.extras].pointee = changed
        }
    }
}
