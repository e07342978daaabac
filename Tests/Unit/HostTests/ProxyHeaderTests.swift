// SPDX-License-Identifier: Apache-2.0
// PROXY headers, good and bad, in any pieces; the samples are in Tests/Corpus/proxy.

import Foundation
import Reactor
import Testing

@testable import Host

@Suite struct ProxyHeaderTests {
    struct Sample: CustomTestStringConvertible, Sendable {
        let name: String
        let bytes: [UInt8]
        let meaning: String

        var testDescription: String { name }
        var isMalformed: Bool { meaning == "malformed" }
    }

    static let samples: [Sample] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let url = folder.appendingPathComponent("../../Corpus/proxy/headers.txt").standardized
        let text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let fields = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let digits = fields[1].compactMap(\.hexDigitValue)
            let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
            return Sample(name: fields[0], bytes: bytes, meaning: fields[2])
        }
    }()

    /// A copy whose allocation ends with its last byte.
    private func parse(_ bytes: some Collection<UInt8>) -> ProxyHeader.Outcome {
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: bytes)
        return ProxyHeader.parse(UnsafeRawBufferPointer(exact))
    }

    private func meaning(_ outcome: ProxyHeader.Outcome) -> String {
        guard case .header(let header, _) = outcome else {
            if case .malformed = outcome { return "malformed" }
            return "incomplete"
        }
        var text =
            switch header.source {
            case .proxyItself: "itself"
            case .unknown: "unknown"
            case .unix: "unix"
            case .address(let address): "address \(address)"
            }
        if header.isTLS { text += " tls" }
        if let name = header.commonName { text += " cn \(name)" }
        if let authority = header.authority { text += " authority \(authority)" }
        return text
    }

    @Test func thereAreSamples() {
        #expect(Self.samples.filter(\.isMalformed).count > 60)
        #expect(Self.samples.filter { !$0.isMalformed }.count > 30)
    }

    @Test(arguments: samples)
    func aHeaderMeansWhatTheSampleSays(sample: Sample) {
        #expect(meaning(parse(sample.bytes)) == sample.meaning)
    }

    @Test(arguments: samples.filter { !$0.isMalformed })
    func aHeaderIsIncompleteUpToItsLastByte(sample: Sample) {
        // The longest one costs its square otherwise.
        let step = sample.bytes.count > 1000 ? 61 : 1
        for count in stride(from: 0, to: sample.bytes.count, by: step) {
            #expect(parse(sample.bytes.prefix(count)) == .incomplete, "\(count) bytes")
        }
        #expect(parse(sample.bytes.dropLast()) == .incomplete)
    }

    @Test(arguments: samples.filter { !$0.isMalformed })
    func whatFollowsIsNotTouched(sample: Sample) {
        for more in [[0], [13, 10], ProxyHeader.binarySignature, Array("PROXY UNKNOWN\r\n".utf8)] {
            let outcome = parse(sample.bytes + more)
            #expect(meaning(outcome) == sample.meaning)
            guard case .header(_, let length) = outcome else { continue }
            #expect(length == sample.bytes.count)
        }
    }

    @Test(arguments: samples.filter(\.isMalformed))
    func aMalformedOneStaysSoWhateverFollows(sample: Sample) {
        #expect(meaning(parse(sample.bytes + Array(repeating: 32, count: 200))) == "malformed")
    }

    /// Pieces of random lengths, as a connection reads them: the outcome is that of the whole.
    @Test func anyPiecesGiveTheSame() {
        var random = SystemRandomNumberGenerator()
        for sample in Self.samples {
            let whole = parse(sample.bytes)
            for _ in 0..<20 {
                var collected: [UInt8] = []
                var outcome = ProxyHeader.Outcome.incomplete
                while collected.count < sample.bytes.count, outcome == .incomplete {
                    let count = Int.random(in: 1...max(1, sample.bytes.count / 2), using: &random)
                    collected += sample.bytes.dropFirst(collected.count).prefix(count)
                    outcome = parse(collected)
                }
                // What is malformed may be seen before it is all there.
                #expect(meaning(outcome) == meaning(whole), "\(sample.name), \(collected.count) bytes")
            }
        }
    }

    @Test func noBytesBreakIt() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            guard var bytes = Self.samples.randomElement(using: &random)?.bytes, !bytes.isEmpty else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            bytes = Array(bytes.prefix(Int.random(in: 1...bytes.count, using: &random)))
            if case .header(_, let length) = parse(bytes) { #expect(length <= bytes.count) }
        }
    }

    @Test func itIsBounded() {
        let endless = Array("PROXY UNKNOWN ".utf8) + Array(repeating: 120, count: 1000)
        #expect(parse(endless.prefix(106)) == .incomplete)
        #expect(meaning(parse(endless.prefix(107))) == "malformed")
        let announced = ProxyHeader.binarySignature + [0x21, 0x11, 0x10, 0x01]
        #expect(meaning(parse(announced)) == "malformed")
        #expect(parse(ProxyHeader.binarySignature + [0x21, 0x11, 0x10, 0x00]) == .incomplete)
    }
}
