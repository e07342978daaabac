// SPDX-License-Identifier: Apache-2.0
// A publisher waits for a receiver that is slower than it, but not for ever, and nobody waits in a circle.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct HoldBackTests {
    private func world(_ loops: Int = 1, plugins: [ScriptedPlugin] = []) -> World {
        var settings = BrokerSettings()
        settings.maximumInflight = 4
        settings.maximumQueueLength = 10
        return World(loops: loops, settings, plugins: plugins)
    }

    private func burst(_ client: TestClient, _ topic: String, _ texts: Range<Int>) {
        client.send(
            texts.flatMap {
                client.publishBytes(topic, Array("\($0)".utf8), .atLeastOnce, false, false, UInt16($0 + 1))
            }
        )
    }

    /// A publisher of 100 messages, and the reader whose queue is full of them.
    private func heldBack() -> (World, reader: TestClient, publisher: TestClient) {
        let world = world()
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        burst(publisher, "a", 0..<100)
        return (world, reader, publisher)
    }

    @Test(arguments: [1, 2])
    func aFastPublisherLosesNothing(loops: Int) {
        let world = world(loops)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a", .atLeastOnce)
        let publisher = TestClient.connected(world, "p", loop: loops - 1)
        for start in stride(from: 0, to: 400, by: 20) { burst(publisher, "a", start..<start + 20) }
        #expect(publisher.transport.isPaused)
        let texts = reader.takeAndAcknowledge().map(\.text)
        #expect(texts == (0..<400).map(String.init))
        #expect(!publisher.transport.isPaused)
        #expect(publisher.take().count == 400)
        #expect(world.broker.counters.publishDropped == 0)
        for client in [reader, publisher] { client.disconnect() }
        #expect(world.leftovers == [:])
    }

    /// What a plugin publishes in its publish hook is of the client's making.
    @Test(arguments: [1, 2])
    func aPublisherWaitsForWhatPluginsMakeOfItsMessage(loops: Int) {
        let plugin = ScriptedPlugin()
        var next = 0
        plugin.publish = { message, _ in
            if message.topic.text == "in" {
                for _ in 0..<20 {
                    plugin.inject("a", "\(next)", loop: loops - 1, qos: 1)
                    next += 1
                }
            }
            return Int(ISTH_NEXT)
        }
        let world = world(loops, plugins: [plugin])
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a", .atLeastOnce)
        let publisher = TestClient.connected(world, "p", loop: loops - 1)
        for _ in 0..<5 { publisher.publish("in") }
        #expect(publisher.transport.isPaused)
        #expect(reader.takeAndAcknowledge().map(\.text) == (0..<100).map(String.init))
        #expect(!publisher.transport.isPaused)
    }

    @Test func nobodyWaitsForEver() {
        let (world, reader, publisher) = heldBack()
        world.advance(999)
        #expect(publisher.transport.isPaused)
        world.advance(1)
        #expect(!publisher.transport.isPaused)
        #expect(publisher.take().count == 100)
        #expect(world.broker.counters.publishDropped > 0)
        let texts = reader.takeAndAcknowledge().map(\.text)
        #expect(texts.prefix(4) == ["0", "1", "2", "3"] && texts.last == "99")
        // It caught up: it is waited for again.
        burst(publisher, "a", 100..<200)
        #expect(publisher.transport.isPaused)
        #expect(reader.takeAndAcknowledge().map(\.text) == (100..<200).map(String.init))
    }

    /// Half of the queue, 5 messages, in 5 s: one a second is just enough.
    @Test func whoKeepsThePaceHasLonger() {
        let (world, reader, publisher) = heldBack()
        for second: UInt16 in 1...4 {
            reader.acknowledge(.puback, second)
            world.advance(1000)
            #expect(publisher.transport.isPaused)
        }
        world.advance(999)
        #expect(publisher.transport.isPaused)
        #expect(world.broker.counters.publishDropped == 0)
        world.advance(1)
        #expect(!publisher.transport.isPaused)
        #expect(world.broker.counters.publishDropped > 0)
    }

    @Test func whoFallsBehindIsNotWaitedForAnyLonger() {
        let (world, reader, publisher) = heldBack()
        reader.acknowledge(.puback, 1)
        world.advance(1000)
        #expect(publisher.transport.isPaused)
        world.advance(1000)
        #expect(!publisher.transport.isPaused)
        #expect(world.broker.counters.publishDropped > 0)
    }

    /// Its queue took a while to fill up, so how fast it is was known by then.
    @Test(arguments: [1, 2])
    func nobodyWaitsForWhoIsKnownToBeSlow(loops: Int) {
        let world = world(loops)
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a", .atLeastOnce)
        let publisher = TestClient.connected(world, "p", loop: loops - 1)
        for number in 0..<40 {
            burst(publisher, "a", number..<number + 1)
            if number % 8 == 7 { reader.acknowledge(.puback, UInt16(number / 8 + 1)) }
            #expect(!publisher.transport.isPaused, "after \(number)")
            world.advance(100)
        }
        #expect(world.broker.counters.publishDropped > 0)
        // The oldest ones are gone, the newest are there.
        #expect(reader.takeAndAcknowledge().map(\.text).last == "39")
    }

    /// A slow receiver is between its publishers and itself.
    @Test func publishersToOthersOfItsLoopGoOn() {
        let world = world(2)
        let (slow, quick) = (TestClient.connected(world, "slow"), TestClient.connected(world, "quick"))
        slow.subscribe("slow", .atLeastOnce)
        quick.subscribe("quick", .atLeastOnce)
        let (mouth, other) = (
            TestClient.connected(world, "mouth", loop: 1), TestClient.connected(world, "other", loop: 1)
        )
        burst(mouth, "slow", 0..<100)
        #expect(mouth.transport.isPaused)
        for start in stride(from: 0, to: 40, by: 4) {
            burst(other, "quick", start..<start + 4)
            #expect(!other.transport.isPaused)
            #expect(quick.takeAndAcknowledge().map(\.text) == (start..<start + 4).map(String.init))
        }
        #expect(slow.takeAndAcknowledge().map(\.text) == (0..<100).map(String.init))
        #expect(!mouth.transport.isPaused)
        for client in [slow, quick, mouth, other] { client.disconnect() }
        #expect(world.leftovers == [:])
    }

    /// Each of them is judged from when its own queue began, not from when the one before was given up.
    @Test(arguments: [1, 2])
    func manySlowReceiversCostOneWait(loops: Int) {
        let world = world(loops)
        let readers = (0..<5).map { TestClient.connected(world, "r\($0)") }
        for reader in readers { reader.subscribe("a", .atLeastOnce) }
        let publisher = TestClient.connected(world, "p", loop: loops - 1)
        for start in stride(from: 0, to: 100, by: 20) { burst(publisher, "a", start..<start + 20) }
        #expect(publisher.transport.isPaused)
        world.advance(1000)
        #expect(!publisher.transport.isPaused)
        #expect(publisher.take().count == 100)
        for reader in readers { #expect(reader.takeAndAcknowledge().map(\.text).last == "99") }
        for client in readers + [publisher] { client.disconnect() }
        #expect(world.leftovers == [:])
    }

    /// A message that went on to another loop, as all members here were full, holds its publisher where that is.
    @Test func theMembersOfASharedGroupHoldThePublisher() {
        let world = world(2)
        let members = (0..<2).map { TestClient.connected(world, "m\($0)", loop: $0) }
        for member in members { member.subscribe("$share/g/a", .atLeastOnce) }
        let publisher = TestClient.connected(world, "p", loop: 1)
        for start in stride(from: 0, to: 60, by: 20) { burst(publisher, "a", start..<start + 20) }
        #expect(publisher.transport.isPaused)
        var texts: Set<String> = []
        for _ in 0..<20 { for member in members { texts.formUnion(member.takeAndAcknowledge().map(\.text)) } }
        #expect(texts == Set((0..<60).map(String.init)))
        #expect(!publisher.transport.isPaused)
        #expect(world.brokers.allSatisfy { $0.counters.publishDropped == 0 })
    }

    @Test func theEndOfTheReceiverReleases() {
        let (world, reader, publisher) = heldBack()
        reader.vanish()
        #expect(!publisher.transport.isPaused)
        #expect(publisher.take().count == 100)
        publisher.disconnect()
        #expect(world.leftovers == [:])
    }

    @Test func aHeldPublisherMayEnd() {
        let (world, reader, publisher) = heldBack()
        publisher.vanish()
        _ = reader.takeAndAcknowledge()
        reader.disconnect()
        #expect(world.leftovers == [:])
    }

    @Test func aClientDoesNotWaitForItself() {
        let world = world()
        let client = TestClient.connected(world, "c")
        client.subscribe("a", .atLeastOnce)
        burst(client, "a", 0..<100)
        #expect(!client.transport.isPaused)
        let texts = client.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
        #expect(texts == (0..<100).map(String.init))
    }

    /// Each publishes to the other: if both were held, neither could acknowledge.
    @Test(arguments: [1, 2])
    func clientsDoNotWaitForEachOther(loops: Int) {
        let world = world(loops)
        let clients = (0..<2).map { TestClient.connected(world, "c\($0)", loop: $0 % loops) }
        for (i, client) in clients.enumerated() { client.subscribe("to\(i)", .atLeastOnce) }
        var texts: [[String]] = [[], []]
        for start in stride(from: 0, to: 300, by: 30) {
            for (i, client) in clients.enumerated() {
                client.settles = false
                burst(client, "to\(1 - i)", start..<start + 30)
            }
            world.settle()
        }
        for client in clients { client.settles = true }
        #expect(clients.contains { !$0.transport.isPaused })
        for _ in 0..<100 {
            for (i, client) in clients.enumerated() where !client.transport.isPaused {
                texts[i] += client.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
            }
        }
        for received in texts { #expect(received == (0..<300).map(String.init)) }
        #expect(world.brokers.allSatisfy { $0.counters.publishDropped == 0 })
    }
}
