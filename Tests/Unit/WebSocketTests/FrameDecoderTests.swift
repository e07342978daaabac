// SPDX-License-Identifier: Apache-2.0
// A client's frames, by hand, from the corpus and at random.

import TestRandom
import Testing

@testable import WebSocket

/// A client's frame.
func frame(
    _ opcode: UInt8,
    _ payload: [UInt8],
    final: Bool = true,
    mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
) -> [UInt8] {
    var bytes: [UInt8] = [(final ? 0x80 : 0) | opcode]
    switch payload.count {
    case ...125: bytes.append(0x80 | UInt8(payload.count))
    case ...0xFFFF: bytes += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default:
        bytes.append(0xFF)
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 0xFF)) }
    }
    return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
}

/// What a decoder has told so far.
struct Reading {
    var decoder = FrameDecoder()
    var limit = Int.max
    private(set) var payload: [UInt8] = []
    private(set) var pings: [[UInt8]] = []
    private(set) var end: FrameEnd?

    mutating func read(_ bytes: [UInt8]) {
        guard end == nil, !bytes.isEmpty else { return }
        // An allocation that ends with its last byte, for sanitizers to see what reads past it.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        let frames = decoder.decode(memory, limit: limit)
        payload += memory.prefix(frames.count)
        if let ping = frames.ping { pings.append(ping) }
        end = frames.end
    }

    init(_ pieces: [UInt8]..., limit: Int = .max) {
        self.limit = limit
        for piece in pieces { read(piece) }
    }
}

@Suite struct FrameDecoderTests {
    static let samples = (try? Corpus.frames()) ?? []

    @Test func thereAreSamples() { #expect(Self.samples.count > 30) }

    @Test(arguments: samples) func endsAsExpected(_ sample: Sample) {
        let end = Reading(sample.bytes).end
        #expect(end != nil)
        #expect(end?.code?.rawValue == UInt16(sample.expectation))
        for cut in 1..<sample.bytes.count {
            #expect(Reading(Array(sample.bytes[..<cut]), Array(sample.bytes[cut...])).end == end, "cut at \(cut)")
        }
    }

    @Test func aStateIsSmall() { #expect(MemoryLayout<FrameDecoder>.size <= 32) }

    @Test(arguments: [0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 100, 125, 126, 127, 1000, 0xFFFF, 0x10000, 200_000])
    func payloadsOfEveryKindOfLength(_ count: Int) {
        var random = SeededRandom()
        let payload = random.bytes(count)
        let reading = Reading(frame(2, payload) + frame(2, [1, 2, 3]))
        #expect(reading.payload == payload + [1, 2, 3], "seed \(random.seed)")
        #expect(reading.end == nil)
    }

    @Test func fragmentsAreOneRunAndPingsMayStandBetween() {
        let reading = Reading(
            frame(2, [1, 2], final: false) + frame(9, [9]) + frame(0, [], final: false) + frame(10, [7])
                + frame(0, [3], final: false) + frame(0, [4]) + frame(2, [5])
        )
        #expect(reading.payload == [1, 2, 3, 4, 5])
        #expect(reading.pings == [[9]])
        #expect(reading.end == nil)
    }

    @Test func onlyTheLastPingOfAReadIsTold() {
        let reading = Reading(frame(9, [1]) + frame(9, []) + frame(9, Array(repeating: 3, count: 125)))
        #expect(reading.pings == [Array(repeating: 3, count: 125)])
    }

    @Test func nothingIsReadBehindTheEnd() {
        let closed = Reading(frame(2, [1]) + frame(8, [3, 0xE8]) + frame(2, [2]))
        #expect(closed.payload == [1])
        #expect(closed.end?.isRegular == true)
        let broken = Reading(frame(2, [1]) + frame(1, [65]) + frame(2, [2]))
        #expect(broken.payload == [1])
        #expect(broken.end?.isRegular == false)
    }

    @Test func aMessageMayBeTooBig() {
        #expect(Reading(frame(2, Array(repeating: 0, count: 10)), limit: 10).end == nil)
        #expect(Reading(frame(2, Array(repeating: 0, count: 11)), limit: 10).end?.code == .messageTooBig)
        let fragments = frame(2, [1, 2, 3], final: false) + frame(0, [4, 5])
        #expect(Reading(fragments + fragments, limit: 5).end == nil)
        #expect(Reading(fragments, limit: 4).end?.code == .messageTooBig)
        // Refused by its header: the payload is not waited for.
        #expect(Reading([0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4], limit: 1 << 20).end?.code == .messageTooBig)
    }

    @Test func splittingAStreamChangesNothing() {
        var random = SeededRandom()
        for _ in 0..<300 {
            let (stream, payload, pings) = Self.stream(&random)
            var reading = Reading()
            var rest = stream[...]
            while !rest.isEmpty {
                let piece = rest.prefix(1 + random.below([1, 3, 16, 200, 5000][random.below(5)]))
                reading.read(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            #expect(reading.payload == payload, "seed \(random.seed)")
            #expect(pings.contains(reading.pings), "seed \(random.seed)")
            #expect(reading.end == nil, "seed \(random.seed)")
            #expect(Reading(stream).payload == payload, "seed \(random.seed)")
        }
    }

    /// A valid stream, its payload, and every subsequence of its pings that may be told.
    private static func stream(_ random: inout SeededRandom) -> ([UInt8], [UInt8], PingCheck) {
        var stream: [UInt8] = []
        var payload: [UInt8] = []
        var pings: [[UInt8]] = []
        for _ in 0...random.below(12) {
            let parts = random.below(4)
            for part in 0...parts {
                let bytes = random.bytes(
                    random.below([4, 126, 300, 70_000][random.below(40) == 0 ? 3 : random.below(3)])
                )
                payload += bytes
                stream += frame(part == 0 ? 2 : 0, bytes, final: part == parts, mask: random.bytes(4))
                guard random.below(3) == 0 else { continue }
                let control = random.bytes(random.below(126))
                let isPing = random.below(2) == 0
                if isPing { pings.append(control) }
                stream += frame(isPing ? 9 : 10, control, mask: random.bytes(4))
            }
        }
        return (stream, payload, PingCheck(all: pings))
    }

    /// A read tells its last ping only: some may be left out, none invented, and the last one is told.
    private struct PingCheck {
        let all: [[UInt8]]

        func contains(_ told: [[UInt8]]) -> Bool {
            var rest = all[...]
            for ping in told {
                guard let index = rest.firstIndex(of: ping) else { return false }
                rest = rest[(index + 1)...]
            }
            return all.last == told.last
        }
    }

    @Test func anythingMayComeWithoutACrash() {
        var random = SeededRandom()
        for _ in 0..<500 {
            var (stream, _, _) = Self.stream(&random)
            for _ in 0...random.below(3) {
                stream[random.below(stream.count)] = UInt8.random(in: 0...255, using: &random)
            }
            let cut = random.below(stream.count)
            let whole = Reading(stream)
            let halves = Reading(Array(stream[..<cut]), Array(stream[cut...]))
            #expect(whole.payload == halves.payload, "seed \(random.seed)")
            #expect(whole.end == halves.end, "seed \(random.seed)")
        }
    }
}
