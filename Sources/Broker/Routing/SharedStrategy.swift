// SPDX-License-Identifier: Apache-2.0
// How a shared group chooses the member that gets a message: `mqtt.shared_subscription_strategy` and what a single
// group has instead, with EMQX's names. Several loops are one node, and a member is a member wherever it is connected.

public struct SharedStrategy: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Each loop deals its publishers' messages out in turn, over the members of all loops.
        case roundRobin = "round_robin"
        /// The same: the turn has always been the group's.
        case roundRobinPerGroup = "round_robin_per_group"
        case random
        /// All messages of a publisher go to one member for as long as that is connected.
        case sticky
        /// A random member on the publisher's loop, as it costs no way to another; if there is none, any.
        case local
        /// The same member for the same publisher, while the same members are connected.
        case hashClientIdentifier = "hash_clientid"
        /// The same member for the same topic, while the same members are connected.
        case hashTopic = "hash_topic"
    }

    public var kind: Kind
    /// How `sticky` chooses at first: random, local or one of the hashes.
    public var initialPick: Kind

    public init(_ kind: Kind = .roundRobin, initialPick: Kind = .random) {
        self.kind = kind
        self.initialPick = initialPick
    }

    /// Whether a member that cannot take more is passed over. Where publisher or topic determine the member, it is
    /// waited for instead.
    var avoidsFullMembers: Bool {
        switch kind {
        case .roundRobin, .roundRobinPerGroup, .random, .local: true
        case .sticky, .hashClientIdentifier, .hashTopic: false
        }
    }
}

/// Numbers for choices that nobody gains from foreseeing: one generator a loop, without a lock.
struct QuickRandom: RandomNumberGenerator {
    private var state = UInt64.random(in: 1...(.max))

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// 0 ..< limit
    mutating func below(_ limit: Int) -> Int { Int(((next() >> 32) &* UInt64(limit)) >> 32) }
}
