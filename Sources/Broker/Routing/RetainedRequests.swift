// SPDX-License-Identifier: Apache-2.0
// Reads of retained messages that wait: those of one session, and those of all sessions at the store. Nothing here is
// searched or moved, however many there are.

/// The subscriptions of a session that wait for their retained messages: a filter that is subscribed to again while it
/// waits is read once, for the newer subscription.
struct RetainedBacklog {
    /// A portion of it has come; it goes on before the others.
    var underWay: RetainedQuery?
    private var order = Fifo<[UInt8]>()
    private var waiting: [[UInt8]: RetainedQuery] = [:]

    var count: Int { waiting.count + (underWay == nil ? 0 : 1) }
    var isEmpty: Bool { count == 0 }

    var first: RetainedQuery? { underWay ?? order.first.flatMap { waiting[$0] } }

    /// Returns false if its filter waits already.
    mutating func append(_ query: RetainedQuery) -> Bool {
        if waiting.updateValue(query, forKey: query.filter) != nil { return false }
        order.append(query.filter)
        return true
    }

    mutating func removeFirst() {
        if underWay != nil {
            underWay = nil
        } else if let filter = order.popFirst() {
            waiting[filter] = nil
        }
    }
}

/// A portion that the store's loop still owes, to itself or another loop.
struct RetainedRequest {
    var query: RetainedQuery
    var loop: Int
    /// Not before this.
    var due: UInt64

    /// Names a read among those of all loops.
    static func key(_ read: UInt32, _ loop: Int) -> UInt64 { UInt64(loop) << 32 | UInt64(read) }
}

/// All of them: those that are due at once, and those that rest between two portions, each in their order.
struct RetainedRequests {
    /// A timer is set for them.
    var isScheduled = false
    /// Nodes of the store that were looked at in this turn for reads that did not wait.
    var lookedAtOnce = 0
    private var fresh = Fifo<UInt64>()
    private var resting = Fifo<UInt64>()
    private var requests: [UInt64: RetainedRequest] = [:]
    private var takesFresh = false

    var isEmpty: Bool { requests.isEmpty }

    /// A read has one portion at a time.
    mutating func append(_ request: RetainedRequest) {
        let key = RetainedRequest.key(request.query.read, request.loop)
        requests[key] = request
        if request.query.isUnderWay { resting.append(key) } else { fresh.append(key) }
    }

    mutating func remove(_ key: UInt64) { requests[key] = nil }

    /// The next one that is due, of either kind in turn.
    mutating func next(at now: UInt64) -> RetainedRequest? {
        takesFresh.toggle()
        let places: [WritableKeyPath<Self, Fifo<UInt64>>] = takesFresh ? [\.fresh, \.resting] : [\.resting, \.fresh]
        for place in places {
            guard let key = first(of: place), let request = requests[key], request.due <= now else { continue }
            _ = self[keyPath: place].popFirst()
            requests[key] = nil
            return request
        }
        return nil
    }

    var nextDue: UInt64? {
        mutating get {
            let dues = [first(of: \.fresh), first(of: \.resting)].compactMap { $0.flatMap { requests[$0]?.due } }
            return dues.min()
        }
    }

    /// The first that was not removed.
    private mutating func first(of place: WritableKeyPath<Self, Fifo<UInt64>>) -> UInt64? {
        while let key = self[keyPath: place].first {
            if requests[key] != nil { return key }
            _ = self[keyPath: place].popFirst()
        }
        return nil
    }
}
