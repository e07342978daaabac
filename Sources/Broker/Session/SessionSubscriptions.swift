// SPDX-License-Identifier: Apache-2.0
// A session's subscriptions, found by halving: a client may have a hundred thousand of them.

extension [Session.Subscription] {
    /// Where the subscription is, or would have to be inserted.
    func place(_ entry: Int32, _ group: Int32) -> (index: Int, isThere: Bool) {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            let one = self[middle]
            if one.entry == entry, one.group == group { return (middle, true) }
            if one.entry < entry || (one.entry == entry && one.group < group) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return (low, false)
    }
}
