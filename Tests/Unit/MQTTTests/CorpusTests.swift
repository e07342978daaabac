// SPDX-License-Identifier: Apache-2.0
// Every wire sample of the corpus, whole, cut and damaged.

import MQTT
import TestRandom
import Testing

@Suite struct CorpusTests {
    let valid: [Sample]
    let malformed: [Sample]

    init() throws {
        valid = try Corpus.load("valid.txt")
        malformed = try Corpus.load("malformed.txt")
    }

    private func outcome(_ bytes: [UInt8], _ sample: Sample) -> Outcome {
        bytes.withView {
            decodeAndEncode($0, version: sample.version, fromClient: sample.direction == .clientToServer)
        }
    }

    @Test func theCorpusIsThere() {
        #expect(valid.count >= 120)
        #expect(malformed.count >= 200)
        #expect(valid.allSatisfy { $0.fault == nil })
        #expect(malformed.allSatisfy { $0.fault != nil })
    }

    @Test func validPacketsAreAcceptedAndEncodedAlike() {
        for sample in valid {
            guard case .packet(let encoded) = outcome(sample.bytes, sample) else {
                Issue.record("\(sample.name): \(outcome(sample.bytes, sample))")
                continue
            }
            #expect((encoded == sample.bytes) == sample.isCanonical, "\(sample.name): \(encoded.hex)")
            // What an encoder wrote is canonical.
            #expect(outcome(encoded, sample) == .packet(encoded), "\(sample.name)")
        }
    }

    @Test func malformedPacketsAreRefusedWithTheirReason() throws {
        for sample in malformed {
            #expect(outcome(sample.bytes, sample) == .malformed(try #require(sample.fault)), "\(sample.name)")
        }
    }

    @Test func everyPrefixOfAValidStreamIsIncomplete() {
        for version in [ProtocolVersion.v31, .v311, .v5] {
            let samples = valid.filter { $0.version == version && $0.bytes.count < 1000 }
            let stream = samples.flatMap(\.bytes)
            stream.withView { whole in
                var start = 0
                for sample in samples {
                    for end in start..<(start + sample.bytes.count) {
                        guard
                            case .incomplete(let needed) = FixedHeader.parse(whole.slice(start, end), version: version)
                        else {
                            Issue.record("\(sample.name) is no longer incomplete with \(end - start) bytes")
                            break
                        }
                        #expect(needed > end - start && needed <= sample.bytes.count, "\(sample.name)")
                    }
                    guard case .packet(let header) = FixedHeader.parse(whole.dropFirst(start), version: version) else {
                        Issue.record("\(sample.name) is not framed in the stream")
                        return
                    }
                    #expect(header.packetLength == sample.bytes.count)
                    start += header.packetLength
                }
            }
        }
    }

    @Test func damagedPacketsGiveADefinedResult() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        var outcomes: [String: Int] = [:]
        for sample in valid where sample.bytes.count < 1000 {
            for _ in 0..<60 {
                let damaged = damage(sample.bytes, &random)
                // Each version reads what another one sent.
                for version in [ProtocolVersion.v31, .v311, .v5] {
                    let outcome = damaged.withView { decodeAndEncode($0, version: version, fromClient: true) }
                    switch outcome {
                    case .packet(let encoded):
                        outcomes["packet", default: 0] += 1
                        // What was accepted is encoded into something that is accepted and stays the same. A CONNECT
                        // is read by its own version.
                        let again = encoded.withView { decodeAndEncode($0, version: version, fromClient: true) }
                        #expect(again == .packet(encoded), "seed \(seed): \(damaged.hex) as \(version)")
                    case .incomplete: outcomes["incomplete", default: 0] += 1
                    case .malformed(let reason):
                        outcomes["malformed", default: 0] += 1
                        #expect(reason.isError && reason != .unspecifiedError, "seed \(seed): \(damaged.hex)")
                    }
                }
            }
        }
        #expect(outcomes.count == 3, "seed \(seed)")
    }

    private func damage(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var damaged = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let at = Int.random(in: 0..<damaged.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: damaged[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: damaged[at] = UInt8.random(in: 0...255, using: &random)
            case 2: damaged.insert(UInt8.random(in: 0...255, using: &random), at: at)
            case 3 where damaged.count > 1: damaged.remove(at: at)
            default: damaged = Array(damaged.prefix(Swift.max(1, at)))
            }
        }
        // Often make the length right again, so that the damage gets past the framing.
        if damaged.count >= 2, damaged.count < 130, Bool.random(using: &random) {
            damaged[1] = UInt8(damaged.count - 2)
        }
        return damaged
    }
}
