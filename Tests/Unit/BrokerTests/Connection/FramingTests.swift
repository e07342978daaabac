// SPDX-License-Identifier: Apache-2.0
// Where the network cuts a stream makes no difference, and what is no MQTT disturbs nobody else.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct FramingTests {
    /// A stream with every packet that a client sends, some of them large.
    private func stream(_ client: TestClient) -> [UInt8] {
        var bytes = client.connectBytes()
        bytes += client.subscribeBytes([("a/#", SubscriptionOptions(qos: .exactlyOnce))], 1)
        bytes += client.publishBytes("a/b", Array("zero".utf8))
        bytes += client.publishBytes("a/b", Array("one".utf8), .atLeastOnce, false, false, 2)
        bytes += client.publishBytes("a/b", Array(repeating: 120, count: 300), .exactlyOnce, false, false, 3)
        bytes += [0xC0, 0]
        bytes += encoded { AckPacket(.pubrel, packetIdentifier: 3).encode(into: &$0, version: client.version) }
        bytes += client.publishBytes("a/c", [], .atLeastOnce, true, false, 4)
        bytes += [0xC0, 0]
        return bytes
    }

    private func answer(_ version: ProtocolVersion, _ send: (TestClient, [UInt8]) -> Void) -> [Packet] {
        let world = World()
        let client = TestClient(world, "c", version)
        send(client, stream(client))
        world.settle()
        let packets = client.take()
        client.vanish()
        #expect(world.leftovers == [:])
        return packets
    }

    @Test(arguments: [ProtocolVersion.v311, .v5])
    func aStreamMayBeCutAnywhere(version: ProtocolVersion) {
        let whole = answer(version) { $0.send($1) }
        #expect(whole.filter { $0.type == .publish }.count == 4)
        #expect(whole.filter { $0.type == .pingresp }.count == 2)
        let length = stream(TestClient(World(), "c", version)).count
        for cut in 1..<length {
            let packets = answer(version) { client, bytes in
                client.send(Array(bytes[..<cut]))
                client.send(Array(bytes[cut...]))
            }
            #expect(packets == whole, "cut at \(cut)")
        }
        let single = answer(version) { client, bytes in
            for byte in bytes { client.send([byte]) }
        }
        #expect(single == whole)
    }

    @Test func aStreamMayComeInRandomPieces() {
        var random = SeededRandom()
        let whole = answer(.v5) { $0.send($1) }
        for _ in 0..<200 {
            let packets = answer(.v5) { client, bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let n = min(rest.count, 1 + random.below(40))
                    client.settles = random.below(2) == 0
                    client.send(Array(rest.prefix(n)))
                    rest = rest.dropFirst(n)
                }
                client.settles = true
            }
            #expect(packets == whole, "seed \(random.seed)")
        }
    }

    @Test func aPacketBeyondTheLimitEndsTheConnection() {
        var settings = BrokerSettings()
        settings.maximumPacketSize = 100
        let world = World(settings)
        let client = TestClient.connected(world, "a")
        // The header alone tells.
        client.send([0x30, 0xFF, 0x01])
        #expect(client.take().map(\.reason) == [0x95])
        #expect(client.isClosed)
    }

    @Test func malformedPacketsDisturbNobodyElse() {
        let world = World()
        let witness = TestClient.connected(world, "witness")
        witness.subscribe("#", .atMostOnce)
        let faults: [[UInt8]] = [
            [0x00, 0], [0xF0, 0], [0x36, 2, 0, 0], [0x30, 1, 0], [0x32, 5, 0, 1, 97, 0, 0], [0x30, 4, 0, 1, 35, 0],
            [0x82, 3, 0, 1, 0], [0x80, 0], [0x82, 2, 0, 0], [0x40, 2, 0, 0], [0x40, 1, 1], [0x20, 2, 0, 0],
            [0x90, 3, 0, 1, 0], [0xD0, 0], [0xC0, 1, 0], [0xA2, 2, 0, 1], [0xE0, 1, 3], [0x30, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x62, 0],
        ]
        // A cut property, and the topic alias 0.
        let faultsOf5: [[UInt8]] = [[0x30, 6, 0, 1, 97, 2, 35, 0], [0x30, 7, 0, 1, 97, 3, 35, 0, 0]]
        for version in [ProtocolVersion.v311, .v5] {
            for fault in version == .v5 ? faults + faultsOf5 : faults {
                let client = TestClient.connected(world, "m", version)
                client.send(fault)
                #expect(client.isClosed, "\(fault) is accepted by \(version)")
                #expect(client.take().map(\.type) == (version == .v5 ? [.disconnect] : []))
            }
        }
        TestClient.connected(world, "p").publish("a", "still here")
        #expect(witness.takeTexts() == ["still here"])
        #expect(world.broker.counters.malformedPackets == UInt64(faults.count * 2 + faultsOf5.count))
    }

    @Test func randomBytesBreakNothing() {
        var random = SeededRandom()
        let world = World()
        let sample = stream(TestClient(World(), "c"))
        for round in 0..<3000 {
            let client = TestClient(world, "fuzz\(round % 5)", round % 2 == 0 ? .v5 : .v311)
            var bytes = round % 3 == 0 ? stream(client) : sample
            for _ in 0..<1 + random.below(4) { bytes[random.below(bytes.count)] = .random(in: 0...255, using: &random) }
            client.send(bytes)
            if random.below(2) == 0 { client.vanish() }
        }
        world.broker.shutDown()
        world.settle()
        world.advance(seconds: 8000)
        #expect(world.broker.connections.count == 0, "seed \(random.seed)")
        #expect(world.broker.connectedCount == 0, "seed \(random.seed)")
    }
}
