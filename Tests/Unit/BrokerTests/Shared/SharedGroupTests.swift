// SPDX-License-Identifier: Apache-2.0
// The choice of loop and member, by strategy.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct SharedGroupTests {
    /// Loops that each have the same group, and know of each other's members.
    final class Loops {
        var groups: [SharedGroup]
        var random = QuickRandom()
        var full: Set<Int32> = []

        init(_ members: [Int], connected: [Int]? = nil, _ strategy: SharedStrategy) {
            let connected = connected ?? members
            groups = members.map { _ in
                "g".withView { SharedGroup(name: $0, entry: 0, next: -1, strategy: strategy) }
            }
            for (loop, count) in members.enumerated() {
                for number in 0..<count {
                    let member = Subscriber(
                        session: Int32(loop * 100 + number),
                        options: DeliveryOptions(bits: 1)
                    )
                    _ = groups[loop].add(member, isConnected: number < connected[loop])
                }
            }
            tell()
        }

        deinit {
            for group in groups { group.deallocate() }
        }

        func tell() {
            for (loop, group) in groups.enumerated() {
                let remote = SharedGroup.Remote(
                    members: Int32(group.members.count),
                    connected: Int32(group.connectedCount)
                )
                for other in groups.indices where other != loop { groups[other].setRemote(loop, remote) }
            }
        }

        /// Who gets a message that is published on `loop`.
        func pick(from loop: Int, publisher: String = "p", topic: String = "t") -> Int32? {
            func hash(_ kind: SharedStrategy.Kind) -> UInt64 {
                (kind == .hashTopic ? topic : publisher).withView { $0.hash64 }
            }
            var home = loop
            switch groups[loop].pickLoop(own: loop, &random, hash: hash) {
            case .here: break
            case .loop(let other): home = other
            case .nobody: return nil
            }
            let picked = groups[home].pickMember(
                own: home,
                &random,
                hash: hash,
                position: { [members = groups[home].members] in members.index(ofTarget: $0) ?? -1 },
                hasRoom: { [full] in !full.contains($0) }
            )
            return groups[home].members[picked.position].target
        }

        /// One more on `loop`, of which all are told.
        func join(_ loop: Int) -> Int32 {
            let member = Int32(loop * 100 + groups[loop].members.count)
            _ = groups[loop].add(
                Subscriber(session: member, options: DeliveryOptions(bits: 1)),
                isConnected: true
            )
            tell()
            return member
        }

        func leave(_ member: Int32) {
            let loop = Int(member) / 100
            guard let position = groups[loop].members.index(ofTarget: member) else { return }
            _ = groups[loop].remove(at: position)
            tell()
        }

        func setConnected(_ member: Int32, _ isConnected: Bool) {
            let loop = Int(member) / 100
            guard let position = groups[loop].members.index(ofTarget: member) else { return }
            _ = groups[loop].setConnected(isConnected, at: position)
            tell()
        }
    }

    @Test(
        arguments: [[1], [2], [7], [1, 3], [4, 0, 2], [3, 3, 3]],
        [SharedStrategy.Kind.roundRobin, .roundRobinPerGroup]
    )
    func roundRobinServesAllEvenly(_ members: [Int], _ kind: SharedStrategy.Kind) {
        let loops = Loops(members, SharedStrategy(kind))
        let count = members.reduce(0, +)
        var served: [Int32: Int] = [:]
        for _ in 0..<count * 10 { served[loops.pick(from: 0) ?? -1, default: 0] += 1 }
        #expect(served.count == count)
        #expect(served.values.allSatisfy { $0 == 10 })
    }

    /// Whichever loops their connections came to.
    @Test(arguments: [[0, 1, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1, 2, 1, 0], [2, 1, 2, 0]])
    func membersTakeTurnsInTheOrderInWhichTheyCame(_ homes: [Int]) {
        for publisher in 0..<3 {
            let loops = Loops([0, 0, 0], SharedStrategy(.roundRobin))
            let members = homes.map { loops.join($0) }
            for turn in 0..<members.count * 3 {
                #expect(loops.pick(from: publisher) == members[turn % members.count])
            }
        }
    }

    @Test func turnsGoOnEvenlyWhenMembersComeAndGo() {
        let loops = Loops([0, 0, 0], SharedStrategy(.roundRobin))
        let members = [0, 1, 0, 2, 1].map { loops.join($0) }
        func served(_ rounds: Int, of count: Int) -> [Int32: Int] {
            var served: [Int32: Int] = [:]
            for _ in 0..<rounds * count { served[loops.pick(from: 0) ?? -1, default: 0] += 1 }
            return served
        }
        loops.setConnected(members[1], false)
        loops.leave(members[2])
        #expect(served(4, of: 3) == [members[0]: 4, members[3]: 4, members[4]: 4])
        loops.setConnected(members[1], true)
        #expect(served(4, of: 4) == [members[0]: 4, members[1]: 4, members[3]: 4, members[4]: 4])
        for member in [1, 3, 4].map({ members[$0] }) { loops.leave(member) }
        #expect(served(4, of: 1) == [members[0]: 4])
    }

    @Test(arguments: [[5], [2, 3], [0, 4, 1]])
    func randomServesAll(_ members: [Int]) {
        let loops = Loops(members, SharedStrategy(.random))
        var served: [Int32: Int] = [:]
        for _ in 0..<5000 { served[loops.pick(from: 0) ?? -1, default: 0] += 1 }
        #expect(served.count == 5)
        #expect(served.values.allSatisfy { (800...1200).contains($0) })
    }

    @Test func localPrefersTheLoopOfThePublisher() {
        let loops = Loops([2, 3, 0], connected: [2, 1, 0], SharedStrategy(.local))
        for _ in 0..<50 {
            #expect(loops.pick(from: 0).map { $0 / 100 } == 0)
            #expect(loops.pick(from: 1) == 100)
        }
        let served = Set((0..<200).compactMap { _ in loops.pick(from: 2) })
        #expect(served == [0, 1, 100])
    }

    @Test(arguments: [SharedStrategy.Kind.hashClientIdentifier, .hashTopic])
    func aHashFindsTheSameMemberOnEveryLoop(_ kind: SharedStrategy.Kind) {
        let loops = Loops([2, 3, 1], SharedStrategy(kind))
        var served: Set<Int32> = []
        for number in 0..<200 {
            let publisher = kind == .hashTopic ? "p" : "p\(number)"
            let topic = kind == .hashTopic ? "t\(number)" : "t"
            let first = loops.pick(from: 0, publisher: publisher, topic: topic)
            served.insert(first ?? -1)
            for loop in 0..<3 {
                let other = kind == .hashTopic ? "another" : publisher
                let elsewhere = kind == .hashTopic ? topic : "another"
                #expect(loops.pick(from: loop, publisher: other, topic: elsewhere) == first)
            }
        }
        #expect(served == [0, 1, 100, 101, 102, 200])
    }

    @Test(arguments: [SharedStrategy.Kind.random, .local, .hashClientIdentifier, .hashTopic])
    func aPublisherSticksToItsMember(_ initial: SharedStrategy.Kind) {
        let loops = Loops([2, 3, 2], SharedStrategy(.sticky, initialPick: initial))
        for number in 0..<20 {
            guard let first = loops.pick(from: 0, publisher: "p\(number)", topic: "t") else {
                Issue.record("nobody is picked")
                return
            }
            for topic in 0..<20 {
                #expect(loops.pick(from: 0, publisher: "p\(number)", topic: "t\(topic)") == first)
            }
            if initial == .local { #expect(first / 100 == 0) }
        }
        guard let kept = loops.pick(from: 0) else {
            Issue.record("nobody is picked")
            return
        }
        // Others come and go: it stays.
        for other in [Int32(0), 1, 100, 101, 102, 200, 201] where other != kept && other != 100 { loops.leave(other) }
        #expect(loops.pick(from: 0) == kept)
        loops.setConnected(kept, false)
        let next = loops.pick(from: 0)
        if kept != 100 {
            #expect(next == 100)
            // The first one is back, and does not get its publishers back.
            loops.setConnected(kept, true)
            #expect(loops.pick(from: 0) == 100)
        }
    }

    @Test(arguments: SharedStrategy.Kind.allCases)
    func connectedMembersArePreferredWhereverTheyAre(_ kind: SharedStrategy.Kind) {
        let loops = Loops([3, 2], connected: [0, 1], SharedStrategy(kind))
        for number in 0..<50 { #expect(loops.pick(from: 0, publisher: "p\(number)", topic: "t\(number)") == 100) }
        loops.setConnected(100, false)
        for number in 0..<50 { #expect(loops.pick(from: 0, publisher: "p\(number)", topic: "t\(number)") != nil) }
        loops.setConnected(2, true)
        for number in 0..<50 { #expect(loops.pick(from: 1, publisher: "p\(number)", topic: "t\(number)") == 2) }
    }

    @Test(arguments: [SharedStrategy.Kind.roundRobin, .random, .local])
    func fullMembersArePassedOver(_ kind: SharedStrategy.Kind) {
        let loops = Loops([4], SharedStrategy(kind))
        loops.full = [0, 1, 3]
        for _ in 0..<20 { #expect(loops.pick(from: 0) == 2) }
        loops.full = [0, 1, 2, 3]
        #expect(loops.pick(from: 0) != nil)
    }

    @Test func anEmptyGroupServesNobody() {
        let loops = Loops([1, 1], SharedStrategy())
        loops.leave(0)
        #expect(!loops.groups[0].isUnused)
        loops.leave(100)
        #expect(loops.groups[0].isUnused && loops.groups[1].isUnused)
        #expect(loops.pick(from: 0) == nil)
    }

    @Test func theListKeepsConnectedMembersInFront() {
        var random = SeededRandom()
        var group = "g".withView { SharedGroup(name: $0, entry: 0, next: -1) }
        defer { group.deallocate() }
        var model: [Int32: Bool] = [:]
        var positions: [Int32: Int] = [:]
        func note(_ places: Int...) {
            for place in places where place < group.members.count { positions[group.members[place].target] = place }
        }
        for step in 0..<20_000 {
            let member = Int32(random.below(40))
            if let position = positions[member] {
                if random.below(3) == 0 {
                    positions[member] = nil
                    model[member] = nil
                    let hole = group.remove(at: position)
                    note(hole, position)
                } else {
                    let isConnected = random.below(2) == 0
                    model[member] = isConnected
                    let new = group.setConnected(isConnected, at: position)
                    note(new, position)
                }
            } else {
                let isConnected = random.below(2) == 0
                let position = group.add(
                    Subscriber(session: member, options: DeliveryOptions(bits: 1)),
                    isConnected: isConnected
                )
                model[member] = isConnected
                note(position, group.members.count - 1)
            }
            #expect(group.members.count == model.count)
            #expect(group.connectedCount == model.values.filter { $0 }.count)
            for (member, position) in positions {
                #expect(group.members[position].target == member, "seed \(random.seed), step \(step)")
                #expect((position < group.connectedCount) == model[member], "seed \(random.seed), step \(step)")
            }
        }
    }
}
