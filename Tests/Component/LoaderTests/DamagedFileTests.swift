// SPDX-License-Identifier: Apache-2.0
// Real shared libraries, cut off and with bytes changed: the checks must never crash, whatever they answer, and a file
// that is cut off is always refused. Each run prints the seed that repeats it (TEST_SEED).

import TestRandom
import Testing

@testable import Host

@Suite struct DamagedFileTests {
    let workshop: Workshop
    let good: [UInt8]

    init() throws {
        workshop = try Workshop(hidesTrialReports: true)
        try workshop.compile(Source.plugin("Good"), to: "libGood.so")
        good = try workshop.read("libGood.so")
    }

    private func problem(_ bytes: [UInt8]) -> ELFProblem? {
        bytes.withUnsafeBytes { buffer in
            do throws(ELFProblem) {
                _ = try ELFImage(buffer, exports: [PluginExport.abi, PluginExport.open])
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func cutOffAnywhereItIsRefused() {
        #expect(problem(good) == nil)
        for length in stride(from: 0, to: good.count, by: 97) {
            let cut = problem(Array(good.prefix(length)))
            switch cut {
            case .truncated: break
            case .empty: #expect(length == 0)
            default: Issue.record("\(length) bytes: \(String(describing: cut))")
            }
        }
        #expect(problem(good.dropLast(1)) != nil)
    }

    @Test func cutOffFilesGetTheirSentence() throws {
        try workshop.write(Array(good.prefix(good.count / 2)), to: "libHalf.so")
        let sentence = try #require(workshop.refusal("Half"))
        #expect(sentence.hasPrefix("is cut short ("))
        #expect(sentence.hasSuffix("); copy it again or rebuild it"))
    }

    @Test func changedBytesNeverCrashTheChecks() {
        var random = repeatableRandom()
        var refused = 0
        for _ in 0..<5000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...8, using: &random) { bytes.scramble(using: &random) }
            if problem(bytes) != nil { refused += 1 }
        }
        #expect(refused > 0)
    }

    @Test func changedBytesNeverCrashTheHost() throws {
        var random = repeatableRandom()
        for _ in 0..<40 {
            var bytes = good
            for _ in 0..<4 { bytes.scramble(using: &random) }
            try workshop.write(bytes, to: "libDamaged.so")
            _ = try? workshop.loader.inspect(workshop.path("libDamaged.so"))
        }
        #expect(workshop.refusal("Good") == nil)
    }
}

extension [UInt8] {
    /// Changes one byte, mostly among the headers and tables at the start, and to the values that hurt most.
    fileprivate mutating func scramble(using random: inout SeededRandom) {
        let limit = Bool.random(using: &random) ? Swift.min(count, 2048) : count
        let values: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, .random(in: 0...255, using: &random)]
        self[Int.random(in: 0..<limit, using: &random)] = values[Int.random(in: 0..<values.count, using: &random)]
    }
}

/// Of the seed that is asked for, so that a run can be repeated.
private func repeatableRandom() -> SeededRandom {
    let random = SeededRandom()
    print("TEST_SEED=\(random.seed)")
    return random
}
