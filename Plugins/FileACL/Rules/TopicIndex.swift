// SPDX-License-Identifier: Apache-2.0
// The topics of rules that are for everybody, found by the whole levels they begin with: a request looks at the rules
// that name its own first levels, and at those that begin with a wildcard, however many others there are. One flat
// table; a look-up allocates nothing. A hash that two beginnings share only means more to compare.

import PluginKit

struct TopicIndex {
    struct Entry {
        let rule: UInt32
        /// `anyTopic`: the rule is about all of them.
        let topic: UInt32
    }

    static let anyTopic = UInt32.max

    private struct Slot {
        var hash: UInt32 = 0
        var entries: Range<UInt32> = 0..<0
    }

    /// Those that begin with no level of their own, in the order of the rules.
    let unanchored: UnsafeMutableBufferPointer<Entry>
    /// The others, one run for each beginning, in the order of the rules.
    private let anchored: UnsafeMutableBufferPointer<Entry>
    private let slots: UnsafeMutableBufferPointer<Slot>
    /// The length of the longest beginning.
    private let reach: Int

    init(_ entries: [(anchor: [UInt8], entry: Entry)]) {
        unanchored = frozen(entries.filter(\.anchor.isEmpty).map(\.entry))
        let runs = Dictionary(grouping: entries.filter { !$0.anchor.isEmpty }) { Self.hash($0.anchor) }
        var table = [Slot](repeating: Slot(), count: runs.isEmpty ? 0 : Self.capacity(for: runs.count))
        var flat: [Entry] = []
        for (hash, run) in runs {
            var place = Int(hash) & (table.count - 1)
            while !table[place].entries.isEmpty { place = (place + 1) & (table.count - 1) }
            table[place] = Slot(hash: hash, entries: UInt32(flat.count)..<UInt32(flat.count + run.count))
            flat += run.map(\.entry)
        }
        anchored = frozen(flat)
        slots = frozen(table)
        reach = entries.map(\.anchor.count).max() ?? 0
    }

    func deallocate() {
        unanchored.deallocate()
        anchored.deallocate()
        slots.deallocate()
    }

    /// Calls `body` with the entries of each beginning that `topic` has.
    @inline(__always)
    func forEachRun(of topic: BytesView, _ body: (UnsafeBufferPointer<Entry>) -> Void) {
        guard !slots.isEmpty else { return }
        var hash = Self.seed
        var place = 0
        while true {
            if place == topic.count || topic[place] == UInt8(ascii: "/") {
                let entries = run(hash)
                if !entries.isEmpty { body(UnsafeBufferPointer(rebasing: anchored[entries])) }
            }
            guard place < min(topic.count, reach) else { return }
            hash = Self.step(hash, topic[place])
            place += 1
        }
    }

    @inline(__always)
    private func run(_ hash: UInt32) -> Range<Int> {
        var place = Int(hash) & (slots.count - 1)
        while !slots[place].entries.isEmpty {
            if slots[place].hash == hash {
                return Int(slots[place].entries.lowerBound)..<Int(slots[place].entries.upperBound)
            }
            place = (place + 1) & (slots.count - 1)
        }
        return 0..<0
    }

    /// A power of two with at least as many free slots as used ones.
    private static func capacity(for count: Int) -> Int { 1 << (Int.bitWidth - (2 * count - 1).leadingZeroBitCount) }

    private static let seed: UInt32 = 0x811C_9DC5

    @inline(__always)
    private static func step(_ hash: UInt32, _ byte: UInt8) -> UInt32 { (hash ^ UInt32(byte)) &* 0x0100_0193 }

    private static func hash(_ bytes: [UInt8]) -> UInt32 { bytes.reduce(seed, step) }
}

extension TopicPattern {
    /// The whole levels, without the slash behind them, that every topic it matches begins with; empty if there are none.
    var anchor: [UInt8] {
        guard case .bytes(let run)? = steps.first else { return [] }
        if steps.count == 1 || steps[1] == .below { return run }
        // The last level of the run goes on in the next step, or is that step.
        return run.lastIndex(of: UInt8(ascii: "/")).map { Array(run[..<$0]) } ?? []
    }
}
