// SPDX-License-Identifier: Apache-2.0
// What the broker keeps of a client between and during its connections. [MQTT-4.1.0-1]

import MQTT

struct Session {
    let clientIdentifier: OwnedBytes
    /// Tells this session from an earlier one in the same slot.
    let generation: UInt32
    /// Where it stands in its arena.
    var slot: Int32 = -1
    /// Under which the registry knows it; 0 where there is one loop.
    var claim: UInt64
    /// Whom it belongs to, while its client is away; with several loops the registry knows it.
    var identity = SessionIdentity.none
    var connection: ConnectionPointer?
    /// The loops whose messages it gets through its other self, while it moves between loops: bit n = loop n.
    var deafTo: UInt64 = 0
    /// The loop it moves to, this one or another; -1 = it does not move.
    var movingTo: Int8 = -1
    /// One of its `retainedQueries` is under way.
    var readsRetained = false
    /// It was waited for in vain: until it caught up it loses messages instead.
    var isOverdue = false
    /// Subscriptions whose retained messages have not all come yet.
    var retainedQueries: Int32 = 0
    /// `Broker.rules` as they were when its client came.
    var rules: UInt32 = 0
    /// Seconds after the connection's end; `UInt32.max` = never. [MQTT-3.1.2-23]
    var expiryInterval: UInt32 = 0
    /// How many messages may be in flight: the least of the client's and our limit.
    var inflightLimit = 0
    /// Sorted by their keys.
    var subscriptions = CompactList<SessionSubscription>()
    var inflight = InflightWindow()
    /// In flight since an earlier connection and not sent again yet, the last one first.
    var unsent: [UInt16] = []
    var queue: MessageQueue
    var received = PacketIdentifierSet()
    /// While the client is away: ends the session, or publishes the will if that is earlier.
    var timer: UInt64 = 0
    var expiresAt: UInt64 = 0
    /// Since when its rate is measured, the broker's clock in ms, and what had been put in flight by then.
    var queueBegan: UInt64 = 0
    var sentBefore: UInt32 = 0
    /// Since when the first of `held` waits.
    var heldSince: UInt64 = 0
    /// Publishers that wait for this session's queue.
    var held: [HeldPublisher] = []
    var delayedWill: Message?
    var willDueAt: UInt64 = 0
    /// How many of the subscriptions are shared.
    var sharedCount: Int32 = 0
    /// The last publish whose overlapping subscriptions were merged for this session, and where.
    var mergeStamp: UInt32 = 0
    var mergeIndex: Int32 = 0

    init(
        clientIdentifier: ByteView,
        generation: UInt32,
        claim: UInt64,
        queuedBytes: UnsafeMutablePointer<QueuedBytes>
    ) {
        self.claim = claim
        queue = MessageQueue(countedIn: queuedBytes)
        self.clientIdentifier = OwnedBytes(copying: clientIdentifier)
        self.generation = generation
    }

    var isMoving: Bool { movingTo >= 0 }

    mutating func deallocate() {
        subscriptions.deallocate()
        inflight.deallocate()
        queue.deallocate()
        delayedWill?.release()
        delayedWill = nil
        clientIdentifier.deallocate()
    }
}
