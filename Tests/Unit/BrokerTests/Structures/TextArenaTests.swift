// SPDX-License-Identifier: Apache-2.0
// Blocks of many sizes: nothing overlaps or moves, and churn of whatever sizes leaves memory flat.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct TextArenaTests {
    @Test func textsStandWithTheirStructs() {
        var random = SeededRandom()
        var arena = TextArena<UInt32>()
        defer { arena.deallocate() }
        var model: [Int32: (UInt32, String)] = [:]
        for step in 0..<20_000 {
            if random.below(2) == 0 || model.isEmpty {
                // Some are longer than a block can be, some as long as a filter can be.
                let length = random.pick([0, 1, 5, 8, 20, 30, 200, 500, 505, 506, 507, 520, 3000])
                let text = String(repeating: String(step % 10), count: length)
                let index = text.withView { arena.insert(UInt32(step), text: $0) }
                #expect(model.updateValue((UInt32(step), text), forKey: index) == nil, "seed \(random.seed)")
            } else if let (index, expected) = model.randomElement(using: &random) {
                #expect(arena[index].pointee == expected.0, "seed \(random.seed), step \(step)")
                #expect(arena.text(of: index).string == expected.1, "seed \(random.seed), step \(step)")
                arena.remove(index)
                model[index] = nil
            }
            #expect(arena.count == model.count)
        }
        for (index, expected) in model {
            #expect(arena.text(of: index).string == expected.1, "seed \(random.seed)")
            arena.remove(index)
        }
        #expect(arena.count == 0)
    }

    @Test func theLongestTextIsKept() {
        var arena = TextArena<UInt64>()
        defer { arena.deallocate() }
        let text = String(repeating: "x", count: 65_535)
        let index = text.withView { arena.insert(7, text: $0) }
        #expect(arena.text(of: index).string == text && arena[index].pointee == 7)
        arena.remove(index)
    }

    @Test func memoryOfOneSizeServesAnother() {
        var blocks = BlockArena()
        defer { blocks.deallocate() }
        var most = 0
        for round in 0..<200 {
            let size = 8 + round * 37 % 500
            let all = (0..<5000).map { _ in blocks.allocate(size) }
            #expect(Set(all).count == all.count)
            most = max(most, blocks.pageCount)
            for block in all.shuffled() { blocks.deallocate(block) }
            // One page of a size may stay.
            #expect(blocks.pageCount <= round + 1)
        }
        #expect(most < 5000 * 512 / 16_000 + 200)
    }

    @Test func aBlockThatWasGivenBackIsUsedFirst() {
        var blocks = BlockArena()
        defer { blocks.deallocate() }
        let all = (0..<10_000).map { _ in blocks.allocate(40) }
        let pages = blocks.pageCount
        for round in 0..<20 {
            for i in stride(from: round % 3, to: all.count, by: 3) { blocks.deallocate(all[i]) }
            for _ in stride(from: round % 3, to: all.count, by: 3) { _ = blocks.allocate(40) }
            #expect(blocks.pageCount == pages)
        }
    }
}
