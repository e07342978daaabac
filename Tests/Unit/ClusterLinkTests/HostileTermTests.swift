import CZlib
import ClusterLinkBody
import Foundation
import LinkTestSupport
import PluginAPI
// SPDX-License-Identifier: Apache-2.0
import TestRandom
import Testing

/// Bytes of peers that mean harm or are broken: an error each time, and no memory for what they only announce.
@Suite("Hostile terms", .serialized)
struct HostileTermTests {
    /// Every way the plugin reads a payload.
    private func readAll(_ payload: [UInt8], _ inflater: Inflater = Inflater()) {
        payload.withView { bytes in
            do {
                let map = try ControlMap(inflater.open(bytes))
                _ = try map.actor()
                var routes = try map.routes()
                while try routes.next() != nil {}
            } catch {}
            do { try ForwardedMessageReader(inflater).read(bytes) { _ in } } catch {}
            do {
                var reader = try inflater.open(bytes)
                try reader.skip()
            } catch {}
        }
    }

    private func skipError(_ term: [UInt8]) -> TermError? {
        let inflater = Inflater()
        defer { withExtendedLifetime(inflater) {} }
        return term.withView { bytes in
            do throws(TermError) {
                var reader = try inflater.open(bytes)
                try reader.skip()
                return nil
            } catch {
                return error
            }
        }
    }

    @Test("Nothing of the hostile corpus is read as a control map or a message", arguments: HostileTerm.all)
    func corpus(_ term: HostileTerm) {
        let payload = bytesOf(hex: term.hex)
        readAll(payload)
        #expect(throws: TermError.self) {
            let map = try ReadControl(payload)
            if let error = map.routesError, map.operation == .route { throw error }
        }
        let reader = ForwardedMessageReader(Inflater())
        #expect(throws: TermError.self) { try payload.withView { try reader.read($0) { _ in } } }
    }

    @Test("A vector cut short at any byte is refused", arguments: Vector.all)
    func truncated(_ vector: Vector) {
        let whole = vector.bytes
        #expect(skipError(whole) == nil)
        for count in 0..<whole.count {
            // A copy of exactly that length, so that a read behind its end is seen by memory checkers.
            let part = Array(whole[..<count])
            #expect(skipError(part) != nil, "cut after \(count) bytes")
            readAll(part)
        }
    }

    @Test("Any byte changed never crashes", arguments: ["V1", "V10", "V19", "V21", "V22"])
    func mutated(_ id: String) {
        let inflater = Inflater(limit: 1 << 20)
        var bytes = Vector.bytes(id)
        for index in bytes.indices {
            let original = bytes[index]
            for value in stride(from: 0 as UInt8, through: 255, by: 5) {
                bytes[index] = value
                readAll(bytes, inflater)
            }
            bytes[index] = original
        }
    }

    @Test("Random bytes never crash")
    func random() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        let tags: [UInt8] = [
            97, 98, 100, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 116, 118, 119, 88, 90, 77, 70,
        ]
        for _ in 0..<20_000 {
            var bytes: [UInt8] = [131]
            for _ in 0..<Int.random(in: 0...60, using: &generator) {
                let useTag = Bool.random(using: &generator)
                bytes.append(
                    useTag ? tags.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...8, using: &generator)
                )
            }
            readAll(bytes)
        }
    }

    @Test(
        "Counts of four thousand million are refused at once",
        arguments: [105, 108, 109, 111, 112, 116, 77] as [UInt8]
    )
    func hugeCounts(_ tag: UInt8) {
        let before = residentBytes()
        #expect(skipError([131, tag, 0xFF, 0xFF, 0xFF, 0xFF, 0]) == .impossibleCount)
        readAll([131, tag, 0xFF, 0xFF, 0xFF, 0xFF, 0])
        #expect(residentBytes() - before < 4 << 20)
    }

    @Test("A message whose payload announces too much is refused")
    func hugePayload() {
        var message = Vector.bytes("V17")
        guard let place = message.firstRange(of: [0x6D, 0, 0, 0, 5] + Array("hello".utf8)) else {
            Issue.record("V17 has no payload")
            return
        }
        message[place.lowerBound + 1] = 0xFF
        #expect(throws: TermError.impossibleCount) {
            try message.withView { bytes in try ForwardedMessageReader(Inflater()).read(bytes) { _ in } }
        }
    }

    @Test("A hundred thousand nested terms need no stack")
    func nesting() {
        let depth = 100_000
        var tuples: [UInt8] = [131]
        var lists: [UInt8] = [131]
        for _ in 0..<depth {
            tuples += [104, 1]
            lists += [108, 0, 0, 0, 1]
        }
        #expect(skipError(tuples + [106]) == nil)
        #expect(skipError(tuples) == .truncated)
        #expect(skipError(lists + [106] + Array(repeating: 106, count: depth)) == nil)
        readAll(lists)
        readAll(payloadMessage(Array(lists.dropFirst()) + Array(repeating: 106, count: depth + 1)))
    }

    @Test("More than a million terms are refused")
    func manyTerms() {
        let count = TermReader.maximumTerms + 10
        let term =
            [131, 108] + withUnsafeBytes(of: UInt32(count).bigEndian, Array.init)
            + Array(repeating: 106, count: count + 1)
        #expect(skipError(term) == .tooManyTerms)
    }

    @Test("Integers beyond 64 bits, long atoms and bad versions are refused")
    func limits() {
        func integer(_ bytes: [UInt8]) -> Result<Int64, TermError> {
            bytes.withView { view in
                var reader = TermReader(term: view)
                do throws(TermError) { return .success(try reader.integer()) } catch { return .failure(error) }
            }
        }
        #expect(integer([110, 9, 0] + Array(repeating: 1, count: 9)) == .failure(.integerTooLarge))
        #expect(integer([110, 8, 0] + Array(repeating: 0xFF, count: 8)) == .failure(.integerTooLarge))
        #expect(integer([110, 8, 1] + Array(repeating: 0, count: 7) + [0x80]) == .success(.min))
        #expect(integer([110, 9, 0, 5] + Array(repeating: 0, count: 8)) == .success(5))
        #expect(integer([98, 0xFF, 0xFF, 0xFF, 0xFF]) == .success(-1))
        #expect(integer([111, 0, 0, 0, 1, 1, 7]) == .success(-7))
        #expect(skipError([131, 100, 1, 0] + Array(repeating: 65, count: 256)) == .impossibleCount)
        #expect(skipError([130, 106]) == .badVersion(130))
        #expect(skipError([131, 82, 1]) == .unexpectedTag(82))
        #expect(skipError([131, 80, 0, 0, 0, 1, 80]) != nil)
    }

    @Test("A list has no more elements than bytes follow, the tail's among them")
    func listCounts() {
        func list(_ count: UInt8) -> Result<Int, TermError> {
            ([108, 0, 0, 0, count, 97, 1, 106] as [UInt8]).withView { view in
                var reader = TermReader(term: view)
                do throws(TermError) { return .success(try reader.list()) } catch { return .failure(error) }
            }
        }
        #expect(list(2) == .success(2))
        #expect(list(3) == .failure(.impossibleCount))
        #expect(list(0) == .failure(.impossibleCount))
    }

    @Test("Process, port, reference and function terms are skipped")
    func opaque() {
        let atom: [UInt8] = [119, 1, 110]
        let terms: [[UInt8]] = [
            [88] + atom + Array(repeating: 1, count: 12), [103] + atom + Array(repeating: 1, count: 9),
            [89] + atom + Array(repeating: 1, count: 8), [102] + atom + Array(repeating: 1, count: 5),
            [120] + atom + Array(repeating: 1, count: 12), [101] + atom + Array(repeating: 1, count: 5),
            [90, 0, 3] + atom + Array(repeating: 1, count: 16), [114, 0, 3] + atom + Array(repeating: 1, count: 13),
            [112, 0, 0, 0, 8, 1, 2, 3, 4], [113] + atom + atom + [97, 2],
            [70] + Array(repeating: 0, count: 8), [99] + Array(repeating: 48, count: 31), [77, 0, 0, 0, 1, 3, 0xE0],
        ]
        for term in terms {
            #expect(skipError([131, 104, 2] + term + [97, 1]) == nil, "tag \(term[0])")
            #expect(skipError([131] + term.dropLast()) != nil, "tag \(term[0])")
        }
    }

    // MARK: Compression

    private func compress(_ term: [UInt8], announcing size: Int? = nil) -> [UInt8] {
        var length = compressBound(UInt(term.count))
        var output = [UInt8](repeating: 0, count: Int(length))
        let status = CZlib.compress2(&output, &length, term, UInt(term.count), 9)
        #expect(status == Z_OK)
        let size = UInt32(truncatingIfNeeded: size ?? term.count)
        return [131, 80] + withUnsafeBytes(of: size.bigEndian, Array.init) + output.prefix(Int(length))
    }

    private func payloadMessage(_ payload: [UInt8]) -> [UInt8] {
        let head: Term = .tuple([
            .atom("message"), .binary(Array(repeating: 0, count: 16)), .integer(0), .text("c"), .map([]), .map([]),
            .text("t"),
        ])
        var bytes = head.encoded()
        bytes[2] = 10
        return bytes + payload + [97, 1, 116, 0, 0, 0, 0]
    }

    @Test("A compression bomb is refused before it inflates")
    func bomb() {
        let zeros = [UInt8](repeating: 0, count: 64 << 20)
        let bomb = compress([109, 4, 0, 0, 0] + zeros)
        let before = residentBytes()
        #expect(skipError(bomb) == .inflatesTooFar)
        #expect(residentBytes() - before < 2 << 20)
    }

    @Test("A stream longer or shorter than announced is refused")
    func wrongSize() {
        let term: [UInt8] = [109, 0, 0, 16, 0] + Array(repeating: 7, count: 4096)
        #expect(skipError(compress(term)) == nil)
        #expect(skipError(compress(term, announcing: term.count - 1)) == .badCompression)
        #expect(skipError(compress(term, announcing: term.count + 1)) == .badCompression)
        #expect(skipError(compress(term, announcing: 0)) == .badCompression)
        #expect(skipError(compress(term, announcing: 1 << 30)) == .inflatesTooFar)
        #expect(skipError(compress(term, announcing: 15 << 20)) == .badCompression)
    }

    @Test("A bomb that announces little stops at what it announced")
    func lyingBomb() {
        let bomb = compress(Array(repeating: 0, count: 32 << 20), announcing: 100_000)
        let before = residentBytes()
        #expect(skipError(bomb) == .badCompression)
        #expect(residentBytes() - before < 4 << 20)
    }

    @Test("A compressed term inside a compressed term is refused")
    func nestedCompression() {
        let inner = Array(compress(Array(repeating: 106, count: 200)).dropFirst())
        #expect(skipError(compress(inner)) == .unexpectedTag(80))
    }

    @Test("An inflater is good for the next term after a broken one")
    func reuse() throws {
        let inflater = Inflater()
        readAll([131, 80, 0, 0, 0, 9, 1, 2, 3], inflater)
        #expect(try Term.decode(Vector.bytes("V24"), inflater) == Term.decode(Vector.bytes("V10"), inflater))
    }

    /// Of this process, in bytes.
    private func residentBytes() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
    }
}
