// SPDX-License-Identifier: Apache-2.0
// Arena, hash table, subscriber and match lists against the plain collections they stand in for.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct TableTests {
    @Test func anArenaReusesSlotsAndKeepsAddresses() {
        var arena = Arena<Int>()
        defer { arena.deallocate() }
        let indices = (0..<1000).map { arena.insert($0) }
        let first = arena[indices[0]]
        for value in 1000..<3000 { _ = arena.insert(value) }
        #expect(arena[indices[0]] == first)
        #expect(arena.count == 3000)
        #expect((0..<1000).allSatisfy { arena[indices[$0]].pointee == $0 })
        arena.remove(indices[7])
        #expect(arena.nextIndex == indices[7])
        #expect(arena.insert(-1) == indices[7])
        #expect(arena.count == 3000)
        #expect(arena.limit == 3000)
    }

    @Test func anIndexTableBehavesLikeADictionary() {
        var random = SeededRandom()
        var table = IndexTable()
        defer { table.deallocate() }
        var model: [String: Int32] = [:]
        var names: [Int32: String] = [:]
        // Few distinct hashes make long probe runs, which deletion has to close again.
        func hash(_ name: String) -> UInt64 { UInt64(name.utf8.reduce(0) { $0 &+ Int($1) } % 37) << 10 | 5 }
        var next: Int32 = 0
        for step in 0..<20_000 {
            let name = "k\(random.below(300))"
            let found = table.find(hash(name)) { names[$0] == name }
            #expect(found == model[name] ?? -1, "seed \(random.seed), step \(step)")
            if let index = model[name] {
                table.remove(hash(name), index)
                model[name] = nil
                names[index] = nil
            } else {
                names[next] = name
                table.insert(hash(name), next)
                model[name] = next
                next += 1
            }
        }
        #expect(table.count == model.count)
        var seen: Set<Int32> = []
        table.eachIndex { seen.insert($0) }
        #expect(seen == Set(model.values), "seed \(random.seed)")
    }

    @Test func aSubscriberListBehavesLikeADictionary() {
        var random = SeededRandom()
        var list = CompactList<Subscriber>()
        var model: [Int32: UInt32] = [:]
        for step in 0..<20_000 {
            let target = Int32(random.below(40) - 10)
            if random.below(2) == 0 {
                let bits = UInt32(random.below(3))
                var subscriber = Subscriber(session: target, options: DeliveryOptions(bits: bits))
                subscriber.target = target
                if let position = list.index(ofTarget: target) {
                    list[position] = subscriber
                } else {
                    list.append(subscriber)
                }
                model[target] = bits
            } else {
                let position = list.index(ofTarget: target)
                let wasThere = model.removeValue(forKey: target) != nil
                #expect((position != nil) == wasThere, "seed \(random.seed), step \(step)")
                if let position { list.removeSwapping(at: position) }
            }
            #expect(list.count == model.count)
        }
        for i in 0..<list.count { #expect(model[list[i].target] == list[i].options.bits) }
        while !list.isEmpty { list.removeSwapping(at: random.below(list.count)) }
        #expect(list.isEmpty)
        list.deallocate()
    }

    @Test func aScratchStackGrowsAndIsLeftAsItWasFound() {
        var stack = ScratchStack<Int32>()
        defer { stack.deallocate() }
        for i in 0..<1000 { stack.append(Int32(i)) }
        let mark = stack.count
        for i in 0..<1000 { stack.append(Int32(-i)) }
        stack.drop(to: mark)
        #expect((0..<1000).allSatisfy { stack[$0] == Int32($0) })
        stack.drop(to: 0)
        #expect(stack.count == 0)
    }

    @Test func aCompactListBehavesLikeAnArray() {
        var random = SeededRandom()
        var list = CompactList<SessionSubscription>()
        defer { list.deallocate() }
        var model: [SessionSubscription] = []
        for step in 0..<20_000 {
            // Grows to some hundred elements and goes back to none, again and again.
            if random.below(1000) < (step / 1000 % 2 == 0 ? 700 : 300) {
                let element = SessionSubscription(key: Int32(step), position: Int32(random.below(1000)))
                let place = random.below(model.count + 1)
                list.insert(element, at: place)
                model.insert(element, at: place)
            } else if !model.isEmpty {
                let place = random.below(model.count)
                list.remove(at: place)
                model.remove(at: place)
            }
            #expect((0..<list.count).map { list[$0] } == model, "seed \(random.seed), step \(step)")
        }
    }

    @Test func levelNamesCountTheirUsers() {
        var names = LevelNames()
        defer { names.deallocate() }
        let a = "a".withView { names.use($0) }
        #expect("a".withView { names.use($0) } == a)
        let empty = "".withView { names.use($0) }
        #expect(names[empty].isEmpty)
        #expect(names.count == 2)
        names.release(a)
        #expect("a".withView { names.find($0) } == a)
        names.release(a)
        #expect("a".withView { names.find($0) } == -1)
        names.release(empty)
        #expect(names.count == 0)
    }

    @Test func packetIdentifiersAreASet() {
        var set = PacketIdentifierSet()
        let isFirst = set.insert(3)
        let isSecond = set.insert(3)
        #expect(isFirst && !isSecond)
        #expect(set.contains(3) && set.count == 1)
        let wasThere = set.remove(3)
        let isStillThere = set.remove(3)
        #expect(wasThere && !isStillThere)
    }

    /// Beyond a few each has a bit, which goes with it: else a reused identifier is taken for a repetition and its message
    /// is lost.
    @Test(arguments: [1, 7, 40])
    func anIdentifierOfManyIsFreeOnceItIsRemoved(_ identifier: UInt16) {
        var set = PacketIdentifierSet()
        for number in 1...40 as ClosedRange<UInt16> { _ = set.insert(number) }
        let wasThere = set.remove(identifier)
        #expect(wasThere && !set.contains(identifier) && set.count == 39)
        let isNew = set.insert(identifier)
        #expect(isNew && set.contains(identifier) && set.count == 40)
    }

    @Test func manyPacketIdentifiersAreASetAndTheOldestAreForgotten() {
        var random = SeededRandom()
        var set = PacketIdentifierSet()
        var model: [(identifier: UInt16, since: UInt64)] = []
        for step in 0..<20_000 {
            let now = UInt64(step) * 100
            // In turns it grows and shrinks, in the usual order and out of it.
            if random.below(5) < (step / 500 % 2 == 0 ? 3 : 1) {
                let identifier = UInt16(truncatingIfNeeded: random.below(40) == 0 ? random.below(65_536) : step)
                let isNew = set.insert(identifier, at: now)
                #expect(isNew == !model.contains { $0.identifier == identifier }, "seed \(random.seed)")
                if isNew { model.append((identifier, now)) }
            } else if !model.isEmpty {
                let place = random.below(4) == 0 ? random.below(model.count) : 0
                let isGone = set.remove(model.remove(at: place).identifier)
                #expect(isGone, "seed \(random.seed), step \(step)")
            }
            if random.below(200) == 0 {
                set.forget(after: 60_000, now: now)
                model.removeAll { now - $0.since >= 60_000 }
            }
            #expect(set.count == model.count, "seed \(random.seed), step \(step)")
        }
        for identifier in 0...UInt16.max {
            #expect(set.contains(identifier) == model.contains { $0.identifier == identifier })
        }
    }

    @Test func anIdentifierIsForgottenWhenItsTimeIsUpAndNotBefore() {
        var set = PacketIdentifierSet()
        let isNew = set.insert(7, at: 1000)
        #expect(isNew)
        set.forget(after: 500, now: 1499)
        #expect(set.contains(7))
        set.forget(after: 500, now: 1500)
        #expect(!set.contains(7))
    }

    @Test func theRegistryGivesAClientToTheLastClaimant() throws {
        let registry = SessionRegistry()
        let ann = SessionIdentity(.user, "ann", mountpoint: "")
        func claim(_ loop: Int) throws -> (number: UInt64, previous: SessionRegistry.Claim?) {
            try #require(registry.claim([1], loop, ann, overrides: false))
        }
        let first = try claim(0)
        #expect(first.previous == nil && first.number != 0)
        let second = try claim(2)
        #expect(second.previous == SessionRegistry.Claim(loop: 0, number: first.number, identity: ann))
        registry.release([1], first.number)
        #expect(registry.owner([1]) == 2)
        // The same loop again is another claim.
        let third = try claim(2)
        registry.release([1], second.number)
        #expect(registry.owner([1]) == 2)
        // Another identity's claim changes nothing, or takes it over.
        let bob = SessionIdentity(.user, "bob", mountpoint: "")
        #expect(registry.claim([1], 0, bob, overrides: false) == nil)
        #expect(registry.owner([1]) == 2)
        #expect(registry.claim([1], 0, bob, overrides: true)?.previous?.number == third.number)
        #expect(registry.claim([1], 1, ann, overrides: false) == nil)
        registry.release([1], third.number)
        #expect(registry.owner([1]) == 0)
    }

    @Test func aTicketIsGoodOnce() {
        var tickets = Tickets(loop: 3)
        let connection = ConnectionIdentifier(77)
        let ticket = tickets.open(connection)
        #expect(Tickets.loop(of: ticket) == 3)
        #expect(tickets.wait(ticket) == nil)
        guard case .resume(let resumed, let answer) = tickets.answer(ticket, HookAnswer(result: 1)) else {
            Issue.record("the answer resumes nobody")
            return
        }
        #expect(resumed == connection && answer.result == 1)
        guard case .unknown = tickets.answer(ticket, HookAnswer(result: 1)) else {
            Issue.record("the ticket is answered twice")
            return
        }
        let early = tickets.open(connection)
        #expect(early != ticket)
        guard case .early = tickets.answer(early, HookAnswer(result: 2)) else {
            Issue.record("the answer inside the call is not kept")
            return
        }
        #expect(tickets.wait(early)?.result == 2)
        let closed = tickets.open(connection)
        tickets.close(closed)
        guard case .unknown = tickets.answer(closed, HookAnswer(result: 1)) else {
            Issue.record("a closed ticket is answered")
            return
        }
    }
}
