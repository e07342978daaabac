// SPDX-License-Identifier: Apache-2.0
// What one client can make the broker keep is bounded, whatever it sends and however little it reads.

import MQTT
import Testing

@testable import Broker

@Suite struct FloodTests {
    private func world(_ change: (inout BrokerSettings) -> Void = { _ in }) -> World {
        var settings = BrokerSettings()
        settings.highWatermark = 1000
        change(&settings)
        return World(settings)
    }

    private func output(of client: TestClient) -> Int {
        client.broker.connection(client.identifier)?.pointee.output.pending ?? 0
    }

    private func input(of client: TestClient) -> Int {
        client.broker.connection(client.identifier)?.pointee.input.capacity ?? 0
    }

    /// Sends `packet` until the client is not read any more, and returns how often.
    private func flood(_ client: TestClient, _ packet: (Int) -> [UInt8]) -> Int {
        client.transport.room = 0
        var count = 0
        while !client.transport.isPaused, count < 100_000 {
            client.send(packet(count))
            count += 1
        }
        return count
    }

    private func drain(_ client: TestClient) {
        client.transport.room = nil
        client.broker.writable(client.identifier)
        client.world.settle()
    }

    @Test func pingsOfAClientThatDoesNotRead() {
        let world = world()
        let client = TestClient.connected(world, "c")
        let count = flood(client) { _ in [0xC0, 0] }
        #expect(output(of: client) <= 2002)
        drain(client)
        #expect(!client.transport.isPaused)
        #expect(client.takeTypes() == Array(repeating: .pingresp, count: count))
    }

    @Test(arguments: [QoS.atLeastOnce, .exactlyOnce])
    func publishesOfAClientThatDoesNotRead(qos: QoS) {
        let world = world { $0.maximumAwaitingRelease = 65_535 }
        let client = TestClient.connected(world, "c", .v311)
        let count = flood(client) { client.publishBytes("a", [], qos, false, false, UInt16($0 + 1)) }
        #expect(count < 600)
        #expect(output(of: client) <= 2004)
        drain(client)
        #expect(client.take().map(\.identifier) == (1...count).map { UInt16($0) })
    }

    @Test func subscribesOfAClientThatDoesNotRead() {
        let world = world()
        let client = TestClient.connected(world, "c", .v311)
        let filters = [("a", SubscriptionOptions(qos: .atMostOnce))]
        let count = flood(client) { client.subscribeBytes(filters, UInt16($0 + 1)) }
        #expect(output(of: client) <= 2005)
        drain(client)
        #expect(client.takeTypes() == Array(repeating: .suback, count: count))
    }

    @Test func itIsReadAgainOnlyWhenMostIsTaken() {
        let world = world()
        let client = TestClient.connected(world, "c")
        _ = flood(client) { _ in [0xC0, 0] }
        client.transport.room = 500
        world.broker.writable(client.identifier)
        #expect(client.transport.isPaused)
        client.transport.room = 600
        world.broker.writable(client.identifier)
        #expect(!client.transport.isPaused)
    }

    @Test func whatCameMeanwhileIsProcessedThen() {
        let world = world()
        let client = TestClient.connected(world, "c")
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a")
        _ = flood(client) { _ in [0xC0, 0] }
        // The rest of a read that began before the pause.
        client.publish("a", "late")
        #expect(receiver.takeTexts() == [])
        drain(client)
        #expect(receiver.takeTexts() == ["late"])
    }

    @Test func aClientThatTakesNothingIsSilent() {
        let world = world()
        let client = TestClient(world, "c")
        client.connect(keepAlive: 10)
        _ = client.take()
        _ = flood(client) { _ in [0xC0, 0] }
        world.advance(seconds: 14)
        // It takes a little: it lives.
        client.transport.room = 10
        world.broker.writable(client.identifier)
        world.advance(seconds: 14)
        #expect(!client.isClosed)
        world.advance(seconds: 2)
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func repeatedSubscribesForRetainedMessages() {
        let world = world { $0.maximumQueueLength = 10 }
        let publisher = TestClient.connected(world, "p")
        for i in 0..<100 {
            publisher.publish("t/\(i)", String(repeating: "x", count: 100), qos: .atLeastOnce, retain: true)
        }
        for qos in [QoS.atMostOnce, .atLeastOnce] {
            let client = TestClient.connected(world, "c\(qos.rawValue)", .v311)
            client.transport.room = 0
            let packets = (1...200).flatMap { client.subscribeBytes([("t/#", SubscriptionOptions(qos: qos))], $0) }
            client.send(packets)
            // One answer may begin before the socket is known to be full.
            #expect(output(of: client) < 1 << 18)
            let queued = world.broker.sessions.indices.map { world.broker.sessions[$0].pointee.queue.count }.max() ?? 0
            #expect(queued <= 200)
        }
    }

    @Test func anUnfinishedPacketTakesTheMemoryOfWhatCame() {
        let world = world()
        let client = TestClient.connected(world, "c")
        // A PUBLISH of a megabyte, announced.
        client.send([0x30, 0x80, 0x80, 0x3F])
        #expect(input(of: client) <= 128)
        for _ in 0..<1000 { client.send([120]) }
        #expect(input(of: client) <= 2048)
    }

    @Test func bytesDoNotProlongTheTimeForAConnect() {
        let world = world { $0.idleTimeout = 1000 }
        let client = TestClient(world, "slow")
        let bytes = client.connectBytes()
        for byte in bytes.dropLast().prefix(9) {
            client.send([byte])
            world.advance(100)
        }
        #expect(!client.isClosed)
        world.advance(100)
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func aliasesAreBoundedInBytes() {
        let world = world()
        let client = TestClient.connected(world, "c")
        client.publish("high") { writer, _ in writer.append(.topicAlias, 65_535) }
        #expect(!client.isClosed)
        for alias in 1...20 where !client.isClosed {
            let topic = String(repeating: "x", count: 60_000) + "\(alias)"
            client.publish(topic) { writer, _ in writer.append(.topicAlias, UInt32(alias)) }
        }
        #expect(client.isClosed)
        #expect(client.take().map(\.reason) == [0x97])
        #expect(world.broker.counters.publishReceived == 18)
    }

    @Test func anAliasThatIsSetAgainIsCountedOnce() {
        let world = world()
        let client = TestClient.connected(world, "c")
        for i in 0..<100 {
            let topic = String(repeating: "x", count: 60_000) + "\(i)"
            client.publish(topic) { writer, _ in writer.append(.topicAlias, 7) }
        }
        #expect(!client.isClosed)
        #expect(world.broker.counters.publishReceived == 100)
    }
}
