// SPDX-License-Identifier: Apache-2.0
// A `$share/GROUP/FILTER` group: every message goes to one member. The publisher's loop picks a loop by member counts,
// the picked loop picks the member, both in turn.

import MQTT

struct SharedGroup {
    let name: OwnedBytes
    /// The filter entry the group stands behind, and the next group of that entry (-1 = none).
    let entry: Int32
    var next: Int32
    var members = SubscriberList()
    /// Members on other loops, by loop; empty while there are none.
    var remoteMembers: [Int32] = []
    /// Counted apart: one counter for both would move by two a message and pass every other member by.
    private var loopTurn: UInt32 = 0
    private var memberTurn: UInt32 = 0

    init(name: ByteView, entry: Int32, next: Int32) {
        self.name = OwnedBytes(copying: name)
        self.entry = entry
        self.next = next
    }

    var isUnused: Bool { members.isEmpty && remoteMembers.allSatisfy { $0 == 0 } }

    enum Choice {
        case here
        case loop(Int)
        case nobody
    }

    /// Where the next message goes: each loop as often as it has members.
    mutating func pickLoop() -> Choice {
        var total = members.count
        for count in remoteMembers { total += Int(count) }
        guard total > 0 else { return .nobody }
        var ticket = Int(loopTurn % UInt32(total))
        loopTurn &+= 1
        if ticket < members.count { return .here }
        ticket -= members.count
        for (loop, count) in remoteMembers.enumerated() {
            if ticket < count { return .loop(loop) }
            ticket -= Int(count)
        }
        return .here
    }

    /// The member whose turn it is, one for which `isReady` holds if there is any.
    mutating func pickMember(_ isReady: (Subscriber) -> Bool) -> Subscriber? {
        guard !members.isEmpty else { return nil }
        let start = Int(memberTurn % UInt32(members.count))
        memberTurn &+= 1
        for offset in 0..<members.count {
            let member = members[(start + offset) % members.count]
            if isReady(member) { return member }
        }
        return members[start]
    }

    mutating func setRemote(_ loop: Int, members count: Int32) {
        while remoteMembers.count <= loop { remoteMembers.append(0) }
        remoteMembers[loop] = count
    }

    func deallocate() {
        members.deallocate()
        name.deallocate()
    }
}
