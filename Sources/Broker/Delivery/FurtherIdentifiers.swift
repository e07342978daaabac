// SPDX-License-Identifier: Apache-2.0
// Subscription identifiers of receivers that several matching subscriptions lead to: all but the first of each.

/// A subscription identifier, not the first, of one of the receivers that were found.
struct FurtherIdentifier: BitwiseCopyable {
    /// Place in the stack of receivers.
    let receiver: Int
    let identifier: UInt32
}

/// Those of one publish by receiver: put in order once, however many receivers and identifiers there are.
struct FurtherIdentifiers {
    private let first: Int
    /// By receiver: where its identifiers begin.
    private var starts: [Int]
    private var identifiers: [UInt32]

    /// Nil if there are none, as mostly.
    @inline(__always)
    init?(_ found: borrowing ScratchStack<FurtherIdentifier>, from mark: Int, receivers: Range<Int>) {
        if found.count == mark { return nil }
        self.init(sorting: found, from: mark, receivers)
    }

    @inline(never)
    private init(sorting found: borrowing ScratchStack<FurtherIdentifier>, from mark: Int, _ receivers: Range<Int>) {
        first = receivers.lowerBound
        starts = Array(repeating: 0, count: receivers.count + 1)
        for i in mark..<found.count { starts[found[i].receiver - first + 1] += 1 }
        for i in receivers.indices { starts[i - first + 1] += starts[i - first] }
        var places = starts
        identifiers = Array(repeating: 0, count: found.count - mark)
        for i in mark..<found.count {
            let receiver = found[i].receiver - first
            identifiers[places[receiver]] = found[i].identifier
            places[receiver] += 1
        }
    }

    /// Nil if the receiver has no more than one identifier.
    subscript(receiver: Int) -> ArraySlice<UInt32>? {
        let place = receiver - first
        return starts[place] == starts[place + 1] ? nil : identifiers[starts[place]..<starts[place + 1]]
    }
}
