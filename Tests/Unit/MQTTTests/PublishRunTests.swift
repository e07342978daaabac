// SPDX-License-Identifier: Apache-2.0
// Runs of plain PUBLISH packets: where they begin and end, against the decoder of single packets.

import TestRandom
import Testing

@testable import MQTT

@Suite struct PublishRunTests {
    private func packet(
        _ topic: String = "a/b",
        _ payload: Int = 3,
        _ version: ProtocolVersion = .v5,
        qos: QoS = .atMostOnce,
        retain: Bool = false,
        properties: [UInt8] = []
    ) -> [UInt8] {
        var buffer = ByteBuffer()
        defer { buffer.deallocate() }
        let payload = [UInt8](repeating: UInt8(ascii: "x"), count: payload)
        Array(topic.utf8).withUnsafeBytes { topic in
            payload.withUnsafeBytes { payload in
                properties.withUnsafeBytes { properties in
                    _ = PublishEncoder.encode(
                        into: &buffer,
                        topic: ByteView(topic),
                        payload: ByteView(payload),
                        qos: qos,
                        retain: retain,
                        packetIdentifier: 1,
                        propertiesRaw: ByteView(properties),
                        version: version
                    )
                }
            }
        }
        return Array(buffer.view.buffer)
    }

    private func run(_ bytes: ByteView, _ version: ProtocolVersion, limit: Int = 1 << 20) -> PublishRun? {
        PublishRun(first: bytes, version: version, maximumPacketSize: limit, payloadBorder: 8192)?
            .extended(in: bytes, maximumPacketSize: limit, payloadBorder: 8192)
    }

    /// Packets and bytes of the run at the start, (0, 0) if there is none.
    private func scan(_ bytes: [UInt8], _ version: ProtocolVersion = .v5, limit: Int = 1 << 20) -> [Int] {
        bytes.withUnsafeBytes { raw in
            let run = run(ByteView(raw), version, limit: limit)
            return [run?.count ?? 0, run?.bytes.count ?? 0]
        }
    }

    @Test(arguments: [ProtocolVersion.v311, .v5])
    func packetsOfOneTopicAreARun(version: ProtocolVersion) {
        // From 128 bytes on a packet's length takes two bytes: there a run ends.
        let sizes = [150, 200, 200, 8191, 170, 170, 180]
        let bytes = sizes.flatMap { packet("a/b", $0, version) }
        #expect(scan(bytes, version) == [sizes.count, bytes.count])
        bytes.withUnsafeBytes { raw in
            let run = run(ByteView(raw), version)
            var found: [Int] = []
            run?.eachPayload { payload in
                found.append(payload.count)
                return true
            }
            #expect(found == sizes)
            #expect(run?.payloadCount == sizes.reduce(0, +))
            #expect(run?.topic == "a/b")
            var copy = [UInt8](repeating: 0, count: bytes.count)
            copy.withUnsafeMutableBufferPointer { target in
                let copied = target.baseAddress.flatMap { run?.copied(to: $0) }
                #expect(copied?.topic == "a/b" && copied?.count == sizes.count && copied?.bytes == run?.bytes)
            }
        }
    }

    @Test func aRunEndsWhereSomethingElseBegins() {
        let plain = packet()
        let two = [2, 2 * plain.count]
        let others = [
            packet("a/c"), packet("a/bb"), packet(qos: .atLeastOnce), packet(retain: true), packet(properties: [1, 1]),
            packet("a/b", 8192), packet("a/b", 200), [0xC0, 0], [0x30], [0x30, 0x80], Array(plain.dropLast()),
        ]
        for other in others { #expect(scan(plain + plain + other) == two, "\(other.prefix(12))") }
    }

    @Test func whatIsNoRunIsLeftToTheDecoder() {
        let plain = packet()
        for length in 0..<plain.count { #expect(scan(Array(plain.prefix(length))) == [0, 0]) }
        for other in [
            packet(qos: .exactlyOnce), packet(retain: true), packet(properties: [1, 1]), packet("a/b", 8192),
            // The topic name is empty, or longer than the packet; the length is written in more bytes than it needs.
            [0x30, 4, 0, 0, 0, 1], [0x30, 4, 0, 9, 65, 0], [0x30, 0x85, 0, 0, 1, 65, 0, 1], [0x38, 4, 0, 1, 65, 0],
        ] { #expect(scan(other) == [0, 0], "\(other.prefix(12))") }
        #expect(scan(plain, limit: plain.count - 1) == [0, 0])
        #expect(scan(plain, limit: plain.count) == [1, plain.count])
    }

    @Test func aLongRunIsCut() {
        let bytes = (0..<400).flatMap { _ in packet("a/b", 200) }
        let first = scan(bytes)
        #expect(first[0] > 100 && first[1] < 40_000)
        #expect(scan(Array(bytes.dropFirst(first[1])))[0] > 100)
    }

    @Test func anyBytesAreReadAsTheDecoderReadsThem() {
        var random = SeededRandom()
        for _ in 0..<20_000 {
            let version: ProtocolVersion = random.below(2) == 0 ? .v311 : .v5
            var bytes: [UInt8] = []
            for _ in 0..<random.below(5) {
                bytes += packet(random.below(3) == 0 ? "a" : "a/b", random.below(140), version)
            }
            for _ in 0..<random.below(3) where !bytes.isEmpty {
                bytes[random.below(bytes.count)] = UInt8(random.below(256))
            }
            bytes = Array(bytes.prefix(random.below(bytes.count + 1)))
            bytes.withUnsafeBytes { raw in
                guard let run = run(ByteView(raw), version), TopicName.validate(run.topic) else { return }
                var rest = run.bytes
                var count = 0
                while case .packet(let header) = FixedHeader.parse(rest, version: version) {
                    let decoded = try? PublishPacket.decode(
                        header.body(in: rest),
                        flags: header.flags,
                        version: version
                    )
                    #expect(decoded?.topic == run.topic && decoded?.qos == .atMostOnce && decoded?.retain == false)
                    #expect(decoded?.properties.isEmpty == true)
                    count += 1
                    rest = rest.dropFirst(header.packetLength)
                }
                #expect(rest.isEmpty && count == run.count, "seed \(random.seed)")
            }
        }
    }
}
