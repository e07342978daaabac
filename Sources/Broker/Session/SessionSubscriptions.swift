// SPDX-License-Identifier: Apache-2.0
// A session's subscriptions, eight bytes each, found by halving: a client may have a hundred thousand of them. What a
// subscription asks for stands with the filter or the group, at its position.

/// One subscription of a session.
struct SessionSubscription: Equatable {
    /// The filter's entry; the group's index with the sign bit set if the subscription is shared. Who subscribes to more and
    /// more appends, mostly.
    let key: Int32
    /// Where the session stands in the list of the entry, or of the group, so that nobody has to search it there.
    var position: Int32

    /// `group` is -1 if the subscription is not shared.
    static func key(_ entry: Int32, _ group: Int32) -> Int32 { group < 0 ? entry : group | .min }

    var isShared: Bool { key < 0 }
    /// -1 = the subscription is shared: the group knows the entry.
    var entry: Int32 { isShared ? -1 : key }
    /// -1 = not shared.
    var group: Int32 { isShared ? key & .max : -1 }
}

/// Sorted by key.
extension CompactList<SessionSubscription> {
    /// Where the subscription is, or would have to be inserted.
    func place(_ key: Int32) -> (index: Int, isThere: Bool) {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            let found = self[middle].key
            if found == key { return (middle, true) }
            if found < key { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }

    /// Where the session stands in the list of the entry or group; nil = it is not subscribed.
    func position(_ key: Int32) -> Int? {
        let (place, isThere) = place(key)
        return isThere ? Int(self[place].position) : nil
    }
}
