// SPDX-License-Identifier: Apache-2.0
// What the broker writes becomes frames, whatever part of them a socket takes.

import Glibc
import TestRandom
import Testing

@testable import WebSocket

/// A socket that takes as much as it is told to.
private struct Socket {
    var writer = FrameWriter()
    var room = Int.max
    var sent: [UInt8] = []

    mutating func write(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        var taken = 0
        for vector in vectors {
            let count = min(vector.iov_len, room - taken)
            sent += UnsafeRawBufferPointer(start: vector.iov_base, count: count)
            taken += count
        }
        room -= taken
        return taken
    }

    mutating func send(_ parts: [[UInt8]]) -> Int {
        let memory = parts.map { part in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: part.count, alignment: 1)
            copy.copyBytes(from: part)
            return copy
        }
        defer { for part in memory { part.deallocate() } }
        var vectors = [iovec()] + memory.map { iovec(iov_base: $0.baseAddress, iov_len: $0.count) }
        var writer = writer
        defer { self.writer = writer }
        return vectors.withUnsafeMutableBufferPointer { writer.send($0) { write($0) } }
    }

    mutating func pong(_ payload: [UInt8]) {
        var writer = writer
        writer.pong(payload) { write($0) }
        self.writer = writer
    }

    mutating func close(_ code: CloseCode?) {
        var writer = writer
        writer.close(code) { write($0) }
        self.writer = writer
    }

    mutating func flush() {
        var writer = writer
        _ = writer.flush { write($0) }
        self.writer = writer
    }

    /// The frames sent so far: first byte and payload. nil if the bytes are no whole frames.
    var frames: [(UInt8, [UInt8])]? {
        var found: [(UInt8, [UInt8])] = []
        var rest = sent[...]
        while let first = rest.popFirst() {
            guard let second = rest.popFirst() else { return nil }
            var length = Int(second)
            if length > 125 {
                let count = length == 126 ? 2 : 8
                guard rest.count >= count else { return nil }
                length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(count)
            }
            guard rest.count >= length else { return nil }
            found.append((first, Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return found
    }
}

@Suite struct FrameWriterTests {
    @Test func aStateIsSmall() { #expect(MemoryLayout<FrameWriter>.size <= 24) }

    @Test(arguments: [1, 125, 126, 0xFFFF, 0x10000])
    func oneWriteIsOneFrameWithTheShortestLength(_ count: Int) {
        var socket = Socket()
        let payload = [UInt8](repeating: 7, count: count)
        #expect(socket.send([payload]) == count)
        #expect(socket.sent.count == count + (count <= 125 ? 2 : count <= 0xFFFF ? 4 : 10))
        #expect(socket.frames?.map(\.1) == [payload])
        #expect(socket.sent[0] == 0x82)
    }

    @Test func partsAreOneFrame() {
        var socket = Socket()
        #expect(socket.send([[1, 2], [], [3]]) == 3)
        #expect(socket.sent == [0x82, 3, 1, 2, 3])
    }

    @Test func theRestOfAFrameComesFirst() {
        var socket = Socket()
        socket.room = 4
        #expect(socket.send([[1, 2, 3, 4]]) == 2)
        #expect(socket.writer.isWithinFrame)
        socket.room = .max
        #expect(socket.send([[3, 4, 5], [6]]) == 4)
        #expect(socket.sent == [0x82, 4, 1, 2, 3, 4, 0x82, 2, 5, 6])
        #expect(!socket.writer.isWithinFrame)
    }

    @Test func aHeaderMayBeCut() {
        var socket = Socket()
        socket.room = 1
        #expect(socket.send([[UInt8](repeating: 1, count: 200)]) == 0)
        #expect(socket.writer.isWaiting)
        socket.room = 1
        #expect(socket.send([[UInt8](repeating: 1, count: 200)]) == 0)
        socket.room = .max
        #expect(socket.send([[UInt8](repeating: 1, count: 201)]) == 201)
        #expect(socket.frames?.map(\.1.count) == [200, 1])
    }

    @Test func aFullSocketBeginsNoFrame() {
        var socket = Socket()
        socket.room = 0
        #expect(socket.send([[1]]) == 0)
        #expect(!socket.writer.isWithinFrame)
        socket.room = .max
        #expect(socket.send([[1, 2]]) == 2)
        #expect(socket.sent == [0x82, 2, 1, 2])
    }

    @Test func aPongWaitsForTheFrameToEnd() {
        var socket = Socket()
        socket.room = 3
        #expect(socket.send([[1, 2]]) == 1)
        socket.room = .max
        socket.pong([7])
        socket.pong([8, 9])
        #expect(socket.sent.count == 3)
        #expect(socket.send([[2, 3]]) == 2)
        #expect(socket.sent == [0x82, 2, 1, 2, 0x8A, 2, 8, 9, 0x82, 1, 3])
    }

    @Test func aPongMayBeCut() {
        var socket = Socket()
        socket.room = 1
        socket.pong([5])
        #expect(socket.writer.isWaiting)
        socket.room = .max
        #expect(socket.send([[1]]) == 1)
        #expect(socket.sent == [0x8A, 1, 5, 0x82, 1, 1])
    }

    @Test func theAnswerToTheHandshakeComesBeforeTheFirstFrame() {
        var socket = Socket()
        socket.room = 2
        var writer = socket.writer
        writer.begin(with: [1, 2, 3]) { socket.write($0) }
        socket.writer = writer
        socket.room = .max
        #expect(socket.send([[7]]) == 1)
        #expect(socket.sent == [1, 2, 3, 0x82, 1, 7])
    }

    @Test func closingHasACodeOrNone() {
        var socket = Socket()
        socket.close(.goingAway)
        #expect(socket.sent == [0x88, 2, 0x03, 0xE9])
        socket = Socket()
        socket.close(nil)
        #expect(socket.sent == [0x88, 0])
        socket = Socket()
        socket.room = 3
        #expect(socket.send([[1, 2]]) == 1)
        socket.room = .max
        socket.close(.normal)
        #expect(socket.sent.count == 3, "a Close frame inside another one would be taken for its payload")
    }

    @Test func whateverTheSocketTakesNothingIsLost() {
        var random = SeededRandom()
        for _ in 0..<500 {
            var socket = Socket()
            var expected: [UInt8] = []
            var waiting: [UInt8] = []
            var pongs = 0
            for _ in 0..<30 {
                let more = random.bytes(random.below([5, 200, 2000][random.below(3)]))
                expected += more
                waiting += more
                socket.room = random.below([3, 20, 500, 5000][random.below(4)])
                if random.below(4) == 0 {
                    socket.pong(random.bytes(random.below(20)))
                    pongs += 1
                }
                let cut = random.below(waiting.count + 1)
                let taken = socket.send([Array(waiting[..<cut]), Array(waiting[cut...])])
                waiting.removeFirst(taken)
            }
            socket.room = .max
            #expect(socket.send([waiting]) == waiting.count)
            socket.flush()
            guard let frames = socket.frames else {
                Issue.record("broken frames, seed \(random.seed)")
                return
            }
            #expect(frames.filter { $0.0 == 0x82 }.flatMap(\.1) == expected, "seed \(random.seed)")
            #expect(frames.allSatisfy { $0.0 == 0x82 || $0.0 == 0x8A }, "seed \(random.seed)")
            #expect(frames.filter { $0.0 == 0x8A }.count <= pongs)
            #expect(frames.allSatisfy { $0.0 == 0x8A || !$0.1.isEmpty }, "an empty frame, seed \(random.seed)")
        }
    }
}
