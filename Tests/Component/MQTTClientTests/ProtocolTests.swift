// SPDX-License-Identifier: Apache-2.0
// The client's rules without a socket: bytes in, events and bytes out. [MQTT3-7.0.0-1]

import Glibc
import MQTT
import PluginAPI
import Testing

@testable import Host

@Suite struct ProtocolTests {
    private func connected(
        _ change: (inout ClientOptions) -> Void = { _ in },
        _ answer: [UInt8] = connack()
    )
        -> ClientProtocol
    {
        var options = ClientOptions(host: "h", port: 1)
        options.highWater = 1 << 20
        change(&options)
        var machine = ClientProtocol(options)
        machine.connect()
        _ = takeOutput(&machine)
        _ = events(&machine, answer)
        return machine
    }

    private func takeOutput(_ machine: inout ClientProtocol) -> [UInt8] {
        let bytes = Array(machine.output.view.buffer)
        machine.output.consumed(bytes.count)
        return bytes
    }

    /// Everything up to the end of the bytes or of the connection, in words.
    private func events(_ machine: inout ClientProtocol, _ bytes: [UInt8]) -> [String] {
        bytes.withUnsafeBytes { raw in
            var offset = 0
            var all: [String] = []
            while true {
                switch machine.receive(ByteView(raw), at: &offset, now: 0) {
                case .nothing: all.append("nothing")
                case .incomplete(let needed):
                    #expect(needed > bytes.count - offset)
                    return all
                case .up(let present): all.append("up \(present)")
                case .message(let packet): all.append("message \(packet.topic.string)")
                case .acknowledged(let cookie, let reason): all.append("acknowledged \(cookie) \(reason.rawValue)")
                case .down(let fault): return all + ["down \(fault.reason.rawValue)"]
                }
                #expect(offset <= bytes.count)
            }
        }
    }

    private func publish(
        _ machine: inout ClientProtocol,
        _ topic: String,
        qos: UInt8 = 0,
        cookie: UInt64 = 0
    )
        -> ClientProtocol.Submission
    {
        topic.withStr { topic in
            var message = isth_msg()
            message.topic = topic
            message.qos = qos
            return machine.publish(&message, cookie: cookie)
        }
    }

    // Expectations cannot hold calls that change a value.

    private func subscribe(_ machine: inout ClientProtocol) -> ClientProtocol.Submission {
        machine.subscribe(isth_sub(), cookie: 0)
    }

    private func unsubscribe(
        _ machine: inout ClientProtocol,
        _ filter: ByteView,
        cookie: UInt64
    )
        -> ClientProtocol.Submission
    { machine.unsubscribe(filter, cookie: cookie) }

    private func takeRoom(_ machine: inout ClientProtocol) -> Bool { machine.takeRoom() }

    private func check(_ keepAlive: inout KeepAlive, _ now: UInt64) -> KeepAlive.Verdict { keepAlive.check(now) }

    private func wait(_ backoff: inout Backoff, _ random: UInt64) -> UInt64? { backoff.next(random: random) }

    @Test func nothingIsSentBeforeTheConnack() {
        var machine = ClientProtocol(ClientOptions(host: "h", port: 1))
        #expect(publish(&machine, "t") == .notConnected)
        machine.connect()
        #expect(publish(&machine, "t") == .notConnected)
        #expect(subscribe(&machine) == .notConnected)
        #expect(unsubscribe(&machine, "t", cookie: 0) == .notConnected)
        _ = takeOutput(&machine)
        #expect(events(&machine, connack()) == ["up false"])
        #expect(publish(&machine, "t") == .accepted)
        machine.deallocate()
    }

    @Test func identifiersAreUsedAgainAndNeverTwice() {
        var machine = connected()
        var under: Set<UInt16> = []
        // More than there are: each third is acknowledged at once.
        for number in 0..<100_000 as Range<UInt64> {
            let submission = publish(&machine, "t", qos: 1, cookie: number)
            if submission == .full { break }
            let packet = takeOutput(&machine)
            let identifier = UInt16(packet[5]) << 8 | UInt16(packet[6])
            #expect(under.insert(identifier).inserted)
            if number % 3 == 0 {
                let answer = events(&machine, [0x40, 2, packet[5], packet[6]])
                #expect(answer == ["acknowledged \(number) 0"])
                under.remove(identifier)
            }
        }
        #expect(machine.publishes.count == Int(ClientProtocol.firstRequestIdentifier) - 1)
        #expect(under.count == machine.publishes.count)
        #expect(!takeRoom(&machine))
        machine.deallocate()
    }

    @Test func requestsHaveALimitOfTheirOwn() {
        var machine = connected()
        for _ in 0..<ClientProtocol.requestLimit {
            #expect(unsubscribe(&machine, "t", cookie: 1) == .accepted)
        }
        #expect(unsubscribe(&machine, "t", cookie: 1) == .full)
        #expect(publish(&machine, "t", qos: 2) == .accepted)
        #expect(!takeRoom(&machine))
        #expect(events(&machine, [0xB0, 4, 0xFF, 0xFF, 0, 0]) == ["acknowledged 1 0"])
        #expect(takeRoom(&machine))
        #expect(!takeRoom(&machine), "told once")
        machine.deallocate()
    }

    @Test func answersOfTheWrongKindAreErrors() {
        for answer: [UInt8] in [[0x50, 2, 0, 1], [0x70, 2, 0, 1], [0x90, 4, 0, 1, 0, 0], [0x40, 2, 0, 2]] {
            var machine = connected()
            #expect(publish(&machine, "t", qos: 1) == .accepted)
            let events = events(&machine, answer)
            // A PUBREC that fits nothing is answered, not punished.
            #expect(events == (answer[0] == 0x50 ? ["nothing"] : ["down 130"]))
            machine.deallocate()
        }
    }

    @Test func answersNobodyReadsHaveAnEnd() {
        var machine = connected { $0.highWater = 1000 }
        let message = connack().isEmpty ? [] : [0x32, 6, 0, 1, 0x61, 0, 1, 0] as [UInt8]
        var count = 0
        var last: [String] = []
        while count < 1 << 20, last != ["down 147"] {
            last = events(&machine, message)
            count += 1
        }
        #expect(last == ["down 147"])
        #expect(machine.output.waiting < (1 << 20) + 2000)
        machine.deallocate()
    }

    @Test func assignedIdentifierIsKept() {
        var machine = connected({ $0.cleanStart = false }, connack([18, 0, 2, 0x69, 0x64]))
        machine.disconnected()
        machine.connect()
        let packet = takeOutput(&machine)
        #expect(Array(packet.suffix(4)) == [0, 2, 0x69, 0x64])
        machine.deallocate()
    }

    // MARK: - Garbage

    /// name | version | direction | hex | expectation
    private static let samples: [(name: String, bytes: [UInt8])] = {
        let file =
            #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/Tests/Corpus/mqtt/malformed.txt"
        guard let stream = fopen(file, "r") else { return [] }
        defer { fclose(stream) }
        var line = [CChar](repeating: 0, count: 1 << 20)
        var samples: [(String, [UInt8])] = []
        while fgets(&line, Int32(line.count), stream) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let fields = text.split(separator: "|").map { $0.trimming }
            // What only a client must not send is good from a server.
            guard fields.count == 5, fields[1] == "5", !fields[0].hasPrefix("publish-from-client") else { continue }
            samples.append((String(fields[0]), fields[3].bytesOfHex))
        }
        return samples
    }()

    @Test func everyMalformedSampleEndsTheConnection() {
        #expect(Self.samples.count > 300)
        for (name, bytes) in Self.samples {
            var machine = connected()
            let words = events(&machine, bytes)
            #expect(words.last?.hasPrefix("down") ?? false, "\(name)")
            #expect(machine.phase == .idle, "\(name)")
            // A refusal in front of the CONNACK needs no more than that it is one.
            var fresh = ClientProtocol(ClientOptions(host: "h", port: 1))
            fresh.connect()
            #expect(events(&fresh, bytes).last?.hasPrefix("down") ?? false, "\(name)")
            machine.deallocate()
            fresh.deallocate()
        }
    }

    @Test func damagedTrafficNeverCrashes() {
        var random = SeededRandom(state: 1)
        let traffic: [[UInt8]] = [
            connack([33, 0, 2, 39, 0, 0, 1, 0]), [0x40, 2, 0, 1], [0x50, 3, 0, 2, 0x10], [0x70, 2, 0, 2], [0xD0, 0],
            [0x90, 4, 0xFC, 0, 0, 1], [0xB0, 4, 0xFC, 1, 0, 0], [0x32, 12, 0, 1, 0x61, 0, 5, 4, 3, 0, 1, 0x78, 1, 2],
            [0x34, 7, 0, 1, 0x61, 0, 6, 0, 9], [0x62, 2, 0, 6], [0xE0, 7, 0x8E, 5, 31, 0, 2, 0x68, 0x69],
        ]
        for round in 0..<20_000 {
            var machine = connected()
            _ = publish(&machine, "t", qos: 1)
            _ = publish(&machine, "t", qos: 2)
            _ = unsubscribe(&machine, "t", cookie: 0)
            var bytes = (0..<4).flatMap { _ in traffic[Int(random.next() % UInt64(traffic.count))] }
            for _ in 0...(round % 4) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            bytes.removeLast(Int(random.next() % 4))
            _ = events(&machine, bytes)
            machine.deallocate()
        }
    }

    // MARK: - Time

    @Test func pingsWithinTheKeepAlive() {
        var keepAlive = KeepAlive(seconds: 10, now: 1000)
        #expect(keepAlive.nextCheck == 10_000)
        #expect(check(&keepAlive, 9_999) == .wait)
        #expect(check(&keepAlive, 10_000) == .ping)
        #expect(keepAlive.nextCheck == 20_000)
        keepAlive.answered()
        #expect(keepAlive.nextCheck == 19_000)
        #expect(check(&keepAlive, 19_000) == .ping)
        // Other bytes show that the server lives.
        keepAlive.heard(25_000)
        #expect(check(&keepAlive, 29_000) == .wait)
        #expect(check(&keepAlive, 35_000) == .timedOut)
        #expect(KeepAlive.none.nextCheck == nil)
    }

    @Test func backoffDoublesAndForgets() {
        var backoff = Backoff(minimum: 100, maximum: 1000)
        let waits = (0..<6).map { _ in backoff.next(random: 0) ?? 0 }
        #expect(waits == [100, 200, 400, 800, 1000, 1000])
        backoff.connectionEnded(after: 999)
        #expect(wait(&backoff, 5) == 1000, "too short to count")
        backoff.connectionEnded(after: 1000)
        #expect(wait(&backoff, 12) == 112, "an eighth more at most")
        #expect(wait(&backoff, 26) == 200)
        var never = Backoff(minimum: 0, maximum: 0)
        #expect(wait(&never, 1) == nil)
        var odd = Backoff(minimum: 0, maximum: 2)
        let oddWaits = (0..<4).map { _ in odd.next(random: 0) ?? 0 }
        #expect(oddWaits == [1, 2, 2, 2])
        var reversed = Backoff(minimum: 50, maximum: 10)
        #expect(wait(&reversed, 7) == 50)
    }
}

struct SeededRandom {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}

extension Substring {
    fileprivate var trimming: Substring {
        let start = drop { $0.isWhitespace }
        return start.lastIndex { !$0.isWhitespace }.map { start[...$0] } ?? ""
    }

    fileprivate var bytesOfHex: [UInt8] {
        var bytes: [UInt8] = []
        var rest = self
        while rest.count >= 2 {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
