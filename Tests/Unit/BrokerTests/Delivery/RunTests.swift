// SPDX-License-Identifier: Apache-2.0
// Messages that come behind each other in one read: every kind of receiver gets each of them as if it had come alone.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct RunTests {
    /// Runs of plain packets, with what ends a run between them.
    private func burst(_ client: TestClient) -> [UInt8] {
        func plain(_ topic: String, _ numbers: ClosedRange<Int>) -> [UInt8] {
            numbers.flatMap { client.publishBytes(topic, Array("\($0)".utf8)) }
        }
        return plain("a/b", 1...20) + plain("a/c", 21...22)
            + client.publishBytes("a/b", Array("23".utf8), .atLeastOnce, false, false, 9)
            + client.publishBytes("a/b", Array("24".utf8), .atMostOnce, true) + plain("a/b", 25...200)
    }

    private let onB = Array(1...20) + [23, 24] + Array(25...200)

    private func numbers(_ client: TestClient) -> [Int] { client.takeAndAcknowledge().compactMap { Int($0.text) } }

    @Test(arguments: [ProtocolVersion.v31, .v311, .v5], [1, 2])
    func everyReceiverGetsEachMessage(version: ProtocolVersion, loops: Int) {
        let world = World(loops: loops)
        var receivers: [(client: TestClient, expected: [Int])] = []
        for loop in 0..<loops {
            for (name, other) in [("3", ProtocolVersion.v311), ("5", .v5)] {
                let client = TestClient.connected(world, "\(name)-\(loop)", other, loop: loop)
                client.subscribe("a/b", .exactlyOnce)
                receivers.append((client, onB))
            }
            let marked = TestClient.connected(world, "marked-\(loop)", loop: loop)
            marked.subscribe("a/b", identifier: 7)
            receivers.append((marked, onB))
            let deaf = TestClient.connected(world, "deaf-\(loop)", loop: loop)
            deaf.subscribe([("a/b", SubscriptionOptions(qos: .atMostOnce, noLocal: true))])
            receivers.append((deaf, onB))
            let small = TestClient(world, "small-\(loop)", loop: loop)
            small.connect(maximumPacketSize: 1000)
            _ = small.take()
            small.subscribe("a/b")
            receivers.append((small, onB))
        }
        let publisher = TestClient.connected(world, "p", version)
        publisher.subscribe("a/c")
        publisher.send(burst(publisher))
        for receiver in receivers {
            #expect(numbers(receiver.client) == receiver.expected, "\(receiver.client.name)")
        }
        #expect(numbers(publisher) == [21, 22])
        #expect(world.broker.counters.publishReceived == 200)
        publisher.send(burst(publisher))
        let marks = receivers[2].client.take().filter { $0.type == .publish }.map(\.subscriptionIdentifiers)
        #expect(marks.count == onB.count && marks.allSatisfy { $0 == [7] })
        for receiver in receivers { receiver.client.disconnect() }
        publisher.publish("a/b", "", retain: true)
        publisher.disconnect()
        #expect(world.leftovers == [:])
    }

    @Test(arguments: [1, 2])
    func wildcardsGroupsAndOwnMessages(loops: Int) {
        let world = World(loops: loops)
        let last = loops - 1
        let wild = TestClient.connected(world, "wild", loop: last)
        wild.subscribe("a/+")
        wild.subscribe("#", .atLeastOnce)
        let members = [0, last].enumerated().map { TestClient.connected(world, "member\($0)", loop: $1) }
        for member in members { member.subscribe("$share/g/a/b") }
        let marked = TestClient.connected(world, "marked", loop: last)
        marked.subscribe("a/b", identifier: 1)
        marked.subscribe("a/#", identifier: 2)
        let own = TestClient.connected(world, "own")
        own.subscribe([("a/b", SubscriptionOptions(qos: .atMostOnce, noLocal: true))])
        own.send(burst(own))
        #expect(numbers(wild) == Array(1...200))
        #expect(members.flatMap { numbers($0) }.sorted() == onB)
        #expect(numbers(own).isEmpty)
        #expect(numbers(marked) == Array(1...200))
    }

    @Test(arguments: [false, true])
    func eachMessageIsAuthorisedUntilTheAnswerIsKnown(isKept: Bool) {
        let plugin = ScriptedPlugin()
        var asked = 0
        plugin.authorize = { _, _, topic, access in
            if access == Int(ISTH_ACCESS_PUBLISH) { asked += 1 }
            return topic == "a/c" ? Int(ISTH_DENY) : Int(ISTH_ALLOW)
        }
        var settings = BrokerSettings()
        settings.authorizationCacheTime = isKept ? 60_000 : 0
        let world = World(settings, plugins: [plugin])
        let subscriber = TestClient.connected(world, "s")
        subscriber.subscribe("a/b")
        subscriber.subscribe("a/c")
        let publisher = TestClient.connected(world, "p")
        publisher.send(burst(publisher))
        #expect(numbers(subscriber) == onB)
        // By topic and kind of message: plain, acknowledged, retained, denied.
        #expect(asked == (isKept ? 4 : 200))
    }

    @Test func hooksSeeEachMessage() {
        let plugin = ScriptedPlugin()
        var seen = 0
        plugin.publish = { _, _ in
            seen += 1
            return Int(ISTH_NEXT)
        }
        let world = World(plugins: [plugin])
        let subscriber = TestClient.connected(world, "s")
        subscriber.subscribe("a/b")
        let publisher = TestClient.connected(world, "p")
        publisher.send(burst(publisher))
        #expect(numbers(subscriber) == onB)
        #expect(seen == 200)
    }

    @Test func aPluginsSubscriptionGetsEachMessage() {
        final class Sink {
            var count = 0
        }
        let world = World()
        let sink = Sink()
        let index = world.broker.openDestination(
            identifier: 7,
            isSubscription: true,
            state: Unmanaged.passUnretained(sink).toOpaque(),
            deliver: { state, _ in Unmanaged<Sink>.fromOpaque(state!).takeUnretainedValue().count += 1 }
        )
        "a/b".withView { world.broker.addFilter(index, $0) }
        let publisher = TestClient.connected(world, "p")
        publisher.send(burst(publisher))
        #expect(sink.count == onB.count)
        world.broker.closeDestination(index)
    }

    @Test func aMessageThatWouldBeMalformedEndsTheConnectionBehindTheRun() {
        let world = World()
        let subscriber = TestClient.connected(world, "s")
        subscriber.subscribe("#")
        let publisher = TestClient.connected(world, "p")
        let good = (1...3).flatMap { publisher.publishBytes("a", Array("\($0)".utf8)) }
        var bad = publisher.publishBytes("a", Array("4".utf8))
        bad[4] = UInt8(ascii: "+")
        publisher.send(good + bad + good)
        #expect(numbers(subscriber) == [1, 2, 3])
        #expect(publisher.isClosed)
    }
    @Test(arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce])
    func whatTheyMakeIsTold(qos: QoS) {
        let world = World()
        let receivers = (0..<50).map { TestClient.connected(world, "r\($0)") }
        for receiver in receivers { receiver.subscribe("a", qos) }
        let publisher = TestClient.connected(world, "p")
        let packets = (1...3).flatMap { number in
            publisher.publishBytes("a", [1, 2, 3, 4], qos, false, false, qos == .atMostOnce ? 0 : number)
        }
        // The payload, and 32 bytes for whatever else there is to a message.
        #expect(packets.withUnsafeBytes { world.broker.received(publisher.identifier, $0) } == 50 * 3 * (4 + 32))
        #expect([0xC0, 0].withUnsafeBytes { world.broker.received(publisher.identifier, $0) } == 0)
    }
}
