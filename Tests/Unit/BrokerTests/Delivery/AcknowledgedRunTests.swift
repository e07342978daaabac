// SPDX-License-Identifier: Apache-2.0
// QoS 1 or 2 messages that come behind each other in one read: whoever receives them gets the very packets that they would
// get if each message came alone.

import MQTT
import Testing

@testable import Broker

@Suite struct AcknowledgedRunTests {
    /// How the receivers come by the messages.
    struct Way: Sendable {
        var loops: Int
        var qos: QoS
        /// By several filters, and some by more than one of them.
        var isManifold: Bool

        static let all = [1, 2].flatMap { loops in
            [QoS.atLeastOnce, .exactlyOnce].flatMap { qos in
                [false, true].map { Way(loops: loops, qos: qos, isManifold: $0) }
            }
        }
    }

    /// Receivers of one topic, and its publisher.
    private final class Audience {
        let world: World
        let publisher: TestClient
        let receivers: [TestClient]

        init(_ way: Way, version: ProtocolVersion) {
            world = World(loops: way.loops)
            publisher = TestClient.connected(world, "p", version)
            var receivers: [TestClient] = []
            for loop in 0..<way.loops {
                for other in [ProtocolVersion.v311, .v5] {
                    for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
                        let client = TestClient.connected(world, "\(other)-\(qos)-\(loop)", other, loop: loop)
                        client.subscribe("a/b", qos)
                        receivers.append(client)
                    }
                }
                let kept = TestClient.connected(world, "kept-\(loop)", loop: loop, sessionExpiry: 3600)
                kept.subscribe("a/b", .atLeastOnce)
                let marked = TestClient.connected(world, "marked-\(loop)", loop: loop)
                marked.subscribe("a/b", .atLeastOnce, identifier: 7)
                let small = TestClient(world, "small-\(loop)", loop: loop)
                small.connect(maximumPacketSize: 30)
                small.subscribe("a/b", .atLeastOnce)
                receivers += [kept, marked, small]
                guard way.isManifold else { continue }
                let twice = TestClient.connected(world, "twice-\(loop)", loop: loop)
                for filter in ["a/b", "a/+"] { twice.subscribe(filter, .atLeastOnce) }
                let all = TestClient.connected(world, "all-\(loop)", loop: loop)
                all.subscribe("#", .exactlyOnce)
                receivers[1].subscribe("a/#", .exactlyOnce)
                receivers += [twice, all]
            }
            if way.isManifold, version == .v5 {
                publisher.subscribe([("#", SubscriptionOptions(qos: .exactlyOnce, noLocal: true))])
                _ = publisher.take()
            }
            self.receivers = receivers
            for receiver in receivers { _ = receiver.take() }
        }

        /// Payloads of 1 to 60 bytes; every other one makes packets longer than the smallest receiver takes.
        func packets(_ numbers: ClosedRange<Int>, _ qos: QoS) -> [[UInt8]] {
            numbers.map { number in
                let payload = Array("\(number)".utf8) + [UInt8](repeating: 32, count: number % 2 == 0 ? 0 : 57)
                return publisher.publishBytes("a/b", payload, qos, false, false, UInt16(number))
            }
        }
    }

    private func numbered(_ numbers: ClosedRange<UInt16>, _ client: TestClient, _ qos: QoS = .atLeastOnce) -> [UInt8] {
        numbers.flatMap { client.publishBytes("a/b", Array("\($0)".utf8), qos, false, false, $0) }
    }

    @Test(arguments: [ProtocolVersion.v31, .v311, .v5], Way.all)
    func whoeverReceivesThemSeesNoDifference(version: ProtocolVersion, way: Way) {
        let qos = way.qos
        let audiences = [Audience(way, version: version), Audience(way, version: version)]
        for packet in audiences[0].packets(1...30, qos) { audiences[0].publisher.send(packet) }
        audiences[1].publisher.send(audiences[1].packets(1...30, qos).flatMap { $0 })
        for (alone, together) in zip(audiences[0].receivers, audiences[1].receivers) {
            let expected = alone.take()
            #expect(expected.filter { $0.type == .publish }.count == (alone.name.hasPrefix("small") ? 15 : 30))
            #expect(together.take() == expected, "\(alone.name)")
        }
        let acknowledgements = audiences[1].publisher.take()
        #expect(acknowledgements.map(\.type) == Array(repeating: qos == .atLeastOnce ? .puback : .pubrec, count: 30))
        #expect(acknowledgements.map(\.identifier) == Array(1...30))
        #expect(acknowledgements == audiences[0].publisher.take())
        let counted = audiences.map { audience in
            let counters = audience.world.broker.counters
            return [
                counters.publishReceived, counters.payloadBytesReceived, counters.publishSent,
                counters.payloadBytesSent,
                counters.publishDropped, counters.bytesSent,
            ]
        }
        #expect(counted[0] == counted[1])
    }

    @Test func whatDoesNotFitIntoTheWindowFollowsInOrder() {
        let world = World()
        let wide = TestClient.connected(world, "wide")
        let narrow = TestClient.connected(world, "narrow", receiveMaximum: 5)
        for receiver in [wide, narrow] { receiver.subscribe("a/b", .atLeastOnce) }
        let publisher = TestClient.connected(world, "p")
        publisher.send(numbered(1...20, publisher))
        #expect(publisher.takeTypes() == Array(repeating: .puback, count: 20))
        #expect(wide.takeTexts() == (1...20).map(String.init))
        let first = narrow.take()
        #expect(first.map(\.text) == (1...5).map(String.init))
        for packet in first { narrow.acknowledge(.puback, packet.identifier) }
        #expect(narrow.takeAndAcknowledge().map(\.text) == (6...20).map(String.init))
    }

    @Test func aSessionThatOutlivesItsConnectionIsSentThemAgain() {
        let world = World()
        let receiver = TestClient.connected(world, "r", sessionExpiry: 3600)
        let brief = TestClient.connected(world, "brief")
        for client in [receiver, brief] { client.subscribe("a/b", .atLeastOnce) }
        let publisher = TestClient.connected(world, "p")
        publisher.send(numbered(1...20, publisher))
        let first = receiver.take()
        for packet in first.prefix(8) { receiver.acknowledge(.puback, packet.identifier) }
        for client in [receiver, brief] { client.vanish() }
        #expect(world.broker.sessions.count == 2, "the publisher's and the one that is kept")
        let again = TestClient(world, "r")
        again.connect(cleanStart: false, sessionExpiry: 0)
        let repeated = again.take().filter { $0.type == .publish }
        #expect(repeated.map(\.text) == (9...20).map(String.init))
        #expect(repeated.filter(\.dup) == repeated)
        #expect(repeated.map(\.identifier) == first.dropFirst(8).map(\.identifier))
        for packet in repeated { again.acknowledge(.puback, packet.identifier) }
        for client in [again, publisher] { client.disconnect() }
        #expect(world.leftovers == [:])
    }

    @Test(arguments: [0, 3600] as [UInt32], [false, true])
    func whatNobodyCanAskForAgainIsNotKept(sessionExpiry: UInt32, isHookAsked: Bool) throws {
        let plugin = ScriptedPlugin()
        if isHookAsked { plugin.acked = { _, _ in } }
        let world = World(plugins: [plugin])
        let receiver = TestClient.connected(world, "r", sessionExpiry: sessionExpiry)
        receiver.subscribe("a/b", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a/b", "1", qos: .atLeastOnce)
        publisher.send(numbered(2...9, publisher))
        let connection = try #require(world.broker.connection(receiver.identifier))
        let inFlight = world.broker.sessions[connection.pointee.session].pointee.inflight.inOrder
        let isKept = sessionExpiry != 0 || isHookAsked
        #expect(inFlight.map { $0.pointee.message != nil } == Array(repeating: isKept, count: 9))
    }

    @Test func whoReceivesWhatItPublishesIsAnsweredFirst() {
        let world = World()
        let client = TestClient.connected(world, "c")
        client.subscribe("a/b", .atLeastOnce)
        client.send(numbered(1...3, client))
        let types = client.takeTypes()
        #expect(types == [.puback, .publish, .puback, .publish, .puback, .publish])
    }

    @Test func aRunEndsWhereAnotherKindOfMessageBegins() {
        let world = World()
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a/b", .exactlyOnce)
        receiver.subscribe("a/c", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        func bytes(_ number: UInt16, _ topic: String = "a/b", _ qos: QoS = .atLeastOnce, size: Int = 0) -> [UInt8] {
            let payload = Array("\(number)".utf8) + [UInt8](repeating: 32, count: size)
            return publisher.publishBytes(topic, payload, qos, false, false, qos == .atMostOnce ? 0 : number)
        }
        let packets = [
            bytes(1), bytes(2), bytes(3, "a/c"), bytes(4), bytes(5, "a/b", .atMostOnce), bytes(6), bytes(7),
            bytes(8, size: Output.referenceBorder), bytes(9), bytes(10, "a/b", .exactlyOnce), bytes(11), bytes(12),
        ]
        publisher.send(packets.flatMap { $0 })
        let received = receiver.take().map { Int($0.text.filter(\.isNumber)) }
        #expect(received == Array(1...12))
        #expect(publisher.take().map(\.identifier) == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12])
    }

    @Test func aBrokenPacketEndsTheConnectionBehindTheRun() {
        let world = World()
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a/b", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        let without = publisher.publishBytes("a/b", [52], .atLeastOnce, false, false, 0)
        publisher.send(numbered(1...3, publisher) + without + numbered(4...4, publisher))
        #expect(receiver.takeTexts() == ["1", "2", "3"])
        #expect(publisher.isClosed)
    }
    @Test func aMessageThatIsRepeatedAmongOthersIsDeliveredOnce() {
        let world = World()
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a/b", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        publisher.send(
            numbered(1...4, publisher, .exactlyOnce) + numbered(3...6, publisher, .exactlyOnce)
                + numbered(1...1, publisher, .exactlyOnce) + numbered(7...7, publisher, .exactlyOnce)
        )
        #expect(receiver.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text) == (1...7).map(String.init))
        let answers = publisher.take()
        #expect(answers.map(\.identifier) == [1, 2, 3, 4, 3, 4, 5, 6, 1, 7])
        #expect(answers.allSatisfy { $0.type == .pubrec && $0.reason == 0 })
        for identifier in 1...7 as ClosedRange<UInt16> { publisher.acknowledge(.pubrel, identifier) }
        #expect(publisher.takeTypes() == Array(repeating: .pubcomp, count: 7))
    }

    @Test func oneMessageTooManyEndsTheConnectionBehindTheOthers() {
        var settings = BrokerSettings()
        settings.maximumAwaitingRelease = 5
        let world = World(settings)
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a/b", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        publisher.send(numbered(1...8, publisher, .exactlyOnce))
        #expect(receiver.takeTexts() == (1...5).map(String.init))
        let answers = publisher.take()
        #expect(answers.map(\.type) == Array(repeating: .pubrec, count: 5) + [.disconnect])
        #expect(answers.last?.reason == ReasonCode.receiveMaximumExceeded.rawValue)
    }
}
