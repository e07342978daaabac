// SPDX-License-Identifier: Apache-2.0
// A `$share/GROUP/FILTER` group: every message goes to one member. The publisher's loop picks a loop, by the members
// that each has; the picked loop picks the member. Both see the same list, the connected members of loop 0, those of
// loop 1 and so on, and so both find the same one where publisher or topic determine it. Taking turns goes through the
// loops in the order in which their members came. Members without a connection come into play when nobody has one.

import MQTT

/// Tells a group from an earlier one in its place, on the loop that it is of.
struct GroupReference: Equatable {
    var group: Int32
    /// 0: there is no such group.
    var generation: UInt32

    static var none: GroupReference { GroupReference(group: -1, generation: 0) }
}

struct SharedGroup {
    /// What another loop says of its members.
    struct Remote {
        var members: Int32 = 0
        var connected: Int32 = 0
        /// How that loop calls the group.
        var reference = GroupReference.none
    }

    /// What a publisher sticks to: many publishers share one of these, which none of them can tell.
    private struct Sticky {
        var loop: Int8 = -1
        var session: Int32 = -1
    }

    let name: OwnedBytes
    /// The filter entry the group stands behind, and its neighbours among the groups of that entry (-1 = none).
    let entry: Int32
    var next: Int32
    var previous: Int32 = -1
    let generation: UInt32
    var strategy: SharedStrategy { didSet { if strategy != oldValue { forgetSticky() } } }
    /// The connected ones first.
    private(set) var members = CompactList<Subscriber>()
    private(set) var connectedCount = 0
    /// Members on other loops, by loop; empty while there are none.
    private(set) var remote: [Remote] = []
    private var remoteMembers = 0
    private var remoteConnected = 0
    /// While other loops have members: the loops of the connected ones, in the order in which they came; -1 is this one.
    private var arrivals: [Int8] = []
    /// Counted apart: one counter for both would move by two a message and pass every other member by.
    private var loopTurn: UInt32 = 0
    private var memberTurn: UInt32 = 0
    private var sticky: UnsafeMutablePointer<Sticky>?

    private static var stickyCount: Int { 256 }

    init(name: ByteView, entry: Int32, next: Int32, generation: UInt32 = 1, strategy: SharedStrategy = SharedStrategy())
    {
        self.name = OwnedBytes(copying: name)
        self.entry = entry
        self.next = next
        self.generation = generation
        self.strategy = strategy
    }

    var memberCount: Int { members.count + remoteMembers }
    var isUnused: Bool { memberCount == 0 }

    // MARK: Members

    /// Adds a session that is no member yet; the answer is its position. One that is connected takes the place of
    /// another, which has moved to the end.
    mutating func add(_ member: Subscriber, isConnected: Bool) -> Int {
        members.append(member)
        return isConnected ? setConnected(true, at: members.count - 1) : members.count - 1
    }

    /// The member at `position` got or lost its connection. It has changed places with the member that is at
    /// `position` now; the answer is where it is itself.
    mutating func setConnected(_ isConnected: Bool, at position: Int) -> Int {
        guard isConnected != (position < connectedCount) else { return position }
        if !isConnected {
            connectedCount -= 1
            forgetSticky(members[position].target)
        }
        let other = connectedCount
        if isConnected { connectedCount += 1 }
        if remoteMembers > 0 { noteArrivals(-1, isConnected ? 1 : -1) }
        if other != position { members.swapAt(position, other) }
        return other
    }

    mutating func setOptions(_ options: DeliveryOptions, at position: Int) { members[position].options = options }

    /// Takes the member at `position` out. Up to two others have moved, to the answered position and to `position`.
    mutating func remove(at position: Int) -> Int {
        forgetSticky(members[position].target)
        let hole = setConnected(false, at: position)
        members.removeSwapping(at: hole)
        return hole
    }

    mutating func setRemote(_ loop: Int, _ now: Remote) {
        while remote.count <= loop { remote.append(Remote()) }
        if remoteMembers == 0 { arrivals = Array(repeating: -1, count: connectedCount) }
        noteArrivals(Int8(loop), Int(now.connected - remote[loop].connected))
        remoteMembers += Int(now.members - remote[loop].members)
        remoteConnected += Int(now.connected - remote[loop].connected)
        remote[loop] = now
        if remoteMembers == 0 { arrivals = [] }
    }

    /// So many connected members came to the loop, or left it.
    private mutating func noteArrivals(_ loop: Int8, _ change: Int) {
        if change > 0 { arrivals.append(contentsOf: repeatElement(loop, count: change)) }
        for _ in 0..<max(-change, 0) {
            if let last = arrivals.lastIndex(of: loop) { arrivals.remove(at: last) }
        }
    }

    // MARK: Loops

    enum Choice: Equatable {
        case here
        case loop(Int)
        case nobody
    }

    /// Where the next message of a publisher of this loop goes. Connected members are preferred wherever they are.
    /// `hash` is asked for if publisher or topic determine the choice.
    mutating func pickLoop(own: Int, _ random: inout QuickRandom, hash: (SharedStrategy.Kind) -> UInt64) -> Choice {
        let total = candidates
        guard total > 0 else { return .nobody }
        if remoteMembers == 0 { return .here }
        switch strategy.kind {
        case .sticky:
            let i = Int(hash(.hashClientIdentifier) % UInt64(Self.stickyCount))
            let table = stickyTable()
            let known = Int(table[i].loop)
            if known >= 0, candidates(on: known, own: own) > 0 { return known == own ? .here : .loop(known) }
            let choice = loop(of: ticket(strategy.initialPick, total, own, &random, hash), own)
            if case .loop(let loop) = choice { table[i].loop = Int8(loop) } else { table[i].loop = Int8(own) }
            return choice
        case .roundRobin where !arrivals.isEmpty, .roundRobinPerGroup where !arrivals.isEmpty:
            let loop = Int(arrivals[ticket(strategy.kind, arrivals.count, own, &random, hash)])
            return loop < 0 ? .here : .loop(loop)
        default: return loop(of: ticket(strategy.kind, total, own, &random, hash), own)
        }
    }

    /// -1: any of this loop.
    private mutating func ticket(
        _ kind: SharedStrategy.Kind,
        _ total: Int,
        _ own: Int,
        _ random: inout QuickRandom,
        _ hash: (SharedStrategy.Kind) -> UInt64
    ) -> Int {
        switch kind {
        case .roundRobin, .roundRobinPerGroup, .sticky:
            defer { loopTurn &+= 1 }
            return Int(loopTurn % UInt32(total))
        case .random: return random.below(total)
        case .local: return candidates(on: own, own: own) > 0 ? -1 : random.below(total)
        case .hashClientIdentifier, .hashTopic: return Int(hash(kind) % UInt64(total))
        }
    }

    private func loop(of ticket: Int, _ own: Int) -> Choice {
        if ticket < 0 { return .here }
        var rest = ticket
        for loop in 0..<max(remote.count, own + 1) {
            let count = candidates(on: loop, own: own)
            if rest < count { return loop == own ? .here : .loop(loop) }
            rest -= count
        }
        return .here
    }

    /// The members that come into question: the connected ones, or all if none is.
    private var candidates: Int {
        let connected = connectedCount + remoteConnected
        return connected > 0 ? connected : memberCount
    }

    private func candidates(on loop: Int, own: Int) -> Int {
        let usesConnected = connectedCount + remoteConnected > 0
        if loop == own { return usesConnected ? connectedCount : members.count }
        guard loop < remote.count else { return 0 }
        return Int(usesConnected ? remote[loop].connected : remote[loop].members)
    }

    /// A loop that has members, connected ones, that is not one of `tried`; -1 = none.
    func otherLoop(connected: Bool, notOf tried: UInt64) -> Int {
        for loop in 0..<remote.count where tried & (1 << UInt64(loop)) == 0 {
            if (connected ? remote[loop].connected : remote[loop].members) > 0 { return loop }
        }
        return -1
    }

    // MARK: Members of this loop

    /// The position of the member that gets the message, one for which `hasRoom` holds if there is any and the
    /// strategy may choose. There is a member.
    mutating func pickMember(
        own: Int,
        _ random: inout QuickRandom,
        hash: (SharedStrategy.Kind) -> UInt64,
        position: (Int32) -> Int,
        hasRoom: (Int32) -> Bool
    ) -> (position: Int, hasRoom: Bool) {
        let count = connectedCount > 0 ? connectedCount : members.count
        if strategy.kind == .sticky {
            let i = Int(hash(.hashClientIdentifier) % UInt64(Self.stickyCount))
            let table = stickyTable()
            if table[i].session >= 0 {
                let known = position(table[i].session)
                if known >= 0, known < count { return (known, true) }
            }
            let picked = first(strategy.initialPick, count, own, &random, hash)
            table[i].session = members[picked].target
            return (picked, true)
        }
        let start = first(strategy.kind, count, own, &random, hash)
        guard strategy.avoidsFullMembers else { return (start, true) }
        for offset in 0..<count {
            let candidate = start + offset < count ? start + offset : start + offset - count
            if hasRoom(members[candidate].target) { return (candidate, true) }
        }
        return (start, false)
    }

    private mutating func first(
        _ kind: SharedStrategy.Kind,
        _ count: Int,
        _ own: Int,
        _ random: inout QuickRandom,
        _ hash: (SharedStrategy.Kind) -> UInt64
    ) -> Int {
        switch kind {
        case .roundRobin, .roundRobinPerGroup, .sticky:
            defer { memberTurn &+= 1 }
            return Int(memberTurn % UInt32(count))
        case .random, .local: return random.below(count)
        case .hashClientIdentifier, .hashTopic:
            // The place among all members that the publisher's loop found.
            var place = Int(hash(kind) % UInt64(candidates))
            for loop in 0..<min(own, remote.count) { place -= candidates(on: loop, own: own) }
            return place >= 0 && place < count ? place : Int(hash(kind) % UInt64(count))
        }
    }

    // MARK: Sticky

    private mutating func stickyTable() -> UnsafeMutablePointer<Sticky> {
        if let sticky { return sticky }
        let table = UnsafeMutablePointer<Sticky>.allocate(capacity: Self.stickyCount)
        table.initialize(repeating: Sticky(), count: Self.stickyCount)
        sticky = table
        return table
    }

    private func forgetSticky(_ session: Int32) {
        guard let sticky else { return }
        for i in 0..<Self.stickyCount where sticky[i].session == session { sticky[i].session = -1 }
    }

    private mutating func forgetSticky() {
        sticky?.deallocate()
        sticky = nil
    }

    func deallocate() {
        members.deallocate()
        name.deallocate()
        sticky?.deallocate()
    }
}
