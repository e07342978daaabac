// SPDX-License-Identifier: Apache-2.0
// Which loop owns a client's session, and which client has a filter to itself: what all loops share. It is asked at
// CONNECT, at an exclusive SUBSCRIBE and at a session's end only, and locked in shards. Beside it stand the
// sums that have a limit for all loops together.

import Glibc
import Synchronization

public final class SessionRegistry: @unchecked Sendable {
    /// That a client belongs to a loop. The number tells it from the same loop's earlier and later claims: while a
    /// session is on its way between loops, one loop may have two of them.
    struct Claim: Equatable {
        var loop: Int
        /// Never 0.
        var number: UInt64
        var identity: SessionIdentity
    }

    final class Shard {
        let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        var owners: [[UInt8]: Claim] = [:]
        var lastNumber: UInt64 = 0

        init() { pthread_mutex_init(lock, nil) }

        deinit {
            pthread_mutex_destroy(lock)
            lock.deallocate()
        }
    }

    private let shards: [Shard]
    let exclusive = ExclusiveFilters()
    /// Messages that wait for their time on any loop.
    let delayed = Atomic<Int>(0)
    /// And the bytes of memory that they take.
    let delayedBytes = Atomic<Int>(0)
    /// On any loop, those whose clients are there included.
    let sessions = Atomic<Int>(0)
    /// By loop: bytes that wait in queues, and for sockets that take no more.
    let queuedBytes = LoopSums()
    let outputBytes = LoopSums()

    public init() {
        shards = (0..<64).map { _ in Shard() }
    }

    func with<Result>(_ clientIdentifier: [UInt8], _ body: (Shard) -> Result) -> Result {
        let shard = shards[Int(UInt(bitPattern: clientIdentifier.hashValue) % 64)]
        pthread_mutex_lock(shard.lock)
        defer { pthread_mutex_unlock(shard.lock) }
        return body(shard)
    }

    /// Makes `loop` the owner. `previous` is the claim that it supersedes. Nil if that one is another identity's, which
    /// keeps it, unless `overrides`.
    func claim(
        _ clientIdentifier: [UInt8],
        _ loop: Int,
        _ identity: SessionIdentity,
        overrides: Bool
    ) -> (number: UInt64, previous: Claim?)? {
        with(clientIdentifier) { shard in
            if !overrides, let owner = shard.owners[clientIdentifier], owner.identity != identity { return nil }
            shard.lastNumber += 1
            let claim = Claim(loop: loop, number: shard.lastNumber, identity: identity)
            return (claim.number, shard.owners.updateValue(claim, forKey: clientIdentifier))
        }
    }

    /// The loop that has the client, or is to have it. Any thread may ask; where there is one loop nobody is known.
    public func owner(_ clientIdentifier: [UInt8]) -> Int? {
        with(clientIdentifier) { $0.owners[clientIdentifier]?.loop }
    }

    /// The session of this claim ended; the client may have been claimed again since.
    func release(_ clientIdentifier: [UInt8], _ number: UInt64) {
        with(clientIdentifier) { shard in
            if shard.owners[clientIdentifier]?.number == number { shard.owners[clientIdentifier] = nil }
        }
    }
}
