// SPDX-License-Identifier: Apache-2.0
// From publisher to subscriber: QoS, options, limits and what travels with a message.

import MQTT
import Testing

@testable import Broker

@Suite struct PublishTests {
    @Test(arguments: [ProtocolVersion.v31, .v311, .v5], [QoS.atMostOnce, .atLeastOnce, .exactlyOnce])
    func theLowerQoSCounts(version: ProtocolVersion, granted: QoS) {
        let world = World()
        let subscriber = TestClient.connected(world, "s", version)
        #expect(subscriber.subscribe("a/+", granted) == [granted.rawValue])
        let publisher = TestClient.connected(world, "p", version)
        for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
            publisher.publish("a/b", "\(qos.rawValue)", qos: qos)
        }
        let packets = subscriber.takeAndAcknowledge().filter { $0.type == .publish }
        #expect(packets.map(\.text) == ["0", "1", "2"])
        #expect(packets.map(\.qos) == [0, 1, 2].map { min($0, granted.rawValue) })
        #expect(packets.allSatisfy { !$0.retain && !$0.dup })
        #expect(publisher.takeTypes() == [.puback, .pubrec])
        publisher.acknowledge(.pubrel, 2)
        #expect(publisher.takeTypes() == [.pubcomp])
        for client in [subscriber, publisher] { client.disconnect() }
        #expect(world.leftovers == [:])
    }

    @Test func thePublisherLearnsAtQoS1ThatNobodySubscribes() {
        let world = World()
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", qos: .atLeastOnce)
        publisher.publish("a", qos: .exactlyOnce)
        #expect(publisher.take().map(\.reason) == [0x10, 0])
        let old = TestClient.connected(world, "o", .v311)
        old.publish("a", qos: .atLeastOnce)
        #expect(old.takeTypes() == [.puback])
    }

    @Test func aRepeatedQoS2MessageIsRoutedOnce() {
        let world = World()
        let client = TestClient.connected(world, "c")
        client.subscribe("a", .atMostOnce)
        client.publish("a", qos: .exactlyOnce, identifier: 5)
        client.publish("a", qos: .exactlyOnce, dup: true, identifier: 5)
        #expect(client.takeTypes() == [.pubrec, .publish, .pubrec])
        client.acknowledge(.pubrel, 5)
        client.publish("a", qos: .exactlyOnce, identifier: 5)
        #expect(client.takeTypes() == [.pubcomp, .pubrec, .publish])
    }

    @Test func tooManyUnreleasedMessagesEndTheConnection() {
        var settings = BrokerSettings()
        settings.maximumAwaitingRelease = 2
        let world = World(settings)
        let client = TestClient.connected(world, "c")
        for _ in 0..<3 { client.publish("a", qos: .exactlyOnce) }
        #expect(client.take().map(\.reason) == [0, 0, 0x93])
        #expect(client.isClosed)
    }

    @Test func clientsThatCannotBeToldMayHaveTenTimesAsMany() {
        var settings = BrokerSettings()
        settings.maximumAwaitingRelease = 2
        let client = TestClient.connected(World(settings), "c", .v311)
        for _ in 0..<20 { client.publish("a", qos: .exactlyOnce) }
        #expect(client.takeTypes() == Array(repeating: .pubrec, count: 20))
        client.publish("a", qos: .exactlyOnce)
        #expect(client.isClosed)
    }

    @Test func acknowledgementsOfNothingAreTolerated() {
        let world = World()
        let client = TestClient.connected(world, "c")
        client.acknowledge(.puback, 9)
        client.acknowledge(.pubcomp, 9)
        #expect(client.take().isEmpty)
        client.acknowledge(.pubrec, 9)
        #expect(client.take().map(\.reason) == [0x92])
        client.acknowledge(.pubrel, 9)
        #expect(client.take().map(\.reason) == [0x92])
        #expect(!client.isClosed)
    }

    /// [MQTT-4.3.3-4]
    @Test func anErrorInThePubrecOfNothingIsNotAnswered() {
        let world = World()
        let client = TestClient.connected(world, "c")
        client.acknowledge(.pubrec, 9, .unspecifiedError)
        #expect(client.take().isEmpty)
        #expect(!client.isClosed)
    }

    /// [MQTT-4.3.3-4] [MQTT-4.4.0-2]
    @Test func anErrorBehindASuccessEndsTheFlight() {
        let world = World()
        let client = TestClient.connected(world, "c", receiveMaximum: 1)
        client.subscribe("a", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        for text in ["1", "2"] { publisher.publish("a", text, qos: .exactlyOnce) }
        let first = client.take()[0]
        client.acknowledge(.pubrec, first.identifier)
        #expect(client.takeTypes() == [.pubrel])
        client.acknowledge(.pubrec, first.identifier, .quotaExceeded)
        let next = client.take()
        #expect(next.map(\.type) == [.publish])
        #expect(next.map(\.text) == ["2"])
    }

    @Test func anErrorInThePubrecEndsTheFlight() {
        let world = World()
        let client = TestClient.connected(world, "c", receiveMaximum: 1)
        client.subscribe("a", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        for text in ["1", "2"] { publisher.publish("a", text, qos: .exactlyOnce) }
        let first = client.take()
        #expect(first.map(\.text) == ["1"])
        client.acknowledge(.pubrec, first[0].identifier, .quotaExceeded)
        #expect(client.takeTexts() == ["2"])
    }

    @Test func receiveMaximumAndOrderAreKept() {
        let world = World()
        let client = TestClient.connected(world, "c", receiveMaximum: 3)
        client.subscribe("a", .exactlyOnce)
        let publisher = TestClient.connected(world, "p")
        for i in 0..<20 { publisher.publish("a", "\(i)", qos: i % 3 == 0 ? .exactlyOnce : .atLeastOnce) }
        var texts: [String] = []
        var open = 0
        var work = client.take()
        while let packet = work.first {
            work.removeFirst()
            switch (packet.type, packet.qos) {
            case (.publish, 1):
                open += 1
                #expect(open <= 3)
                texts.append(packet.text)
                open -= 1
                client.acknowledge(.puback, packet.identifier)
            case (.publish, _):
                open += 1
                texts.append(packet.text)
                client.acknowledge(.pubrec, packet.identifier)
            default:
                open -= 1
                client.acknowledge(.pubcomp, packet.identifier)
            }
            work += client.take()
        }
        #expect(texts == (0..<20).map(String.init))
    }

    @Test func aFullQueueLosesItsOldest() {
        var settings = BrokerSettings()
        settings.maximumQueueLength = 3
        let world = World(settings)
        let client = TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 100)
        client.subscribe("a", .atLeastOnce)
        client.vanish()
        let publisher = TestClient.connected(world, "p")
        for i in 0..<5 { publisher.publish("a", "\(i)", qos: .atLeastOnce) }
        #expect(world.broker.counters.publishDropped == 2)
        let back = TestClient(world, "c")
        back.connect(cleanStart: false, sessionExpiry: 100)
        #expect(back.takeTexts() == ["2", "3", "4"])
    }

    @Test func qos0WaitsForAnAbsentClientOnlyIfAsked() {
        for isKept in [true, false] {
            var settings = BrokerSettings()
            settings.queuesQoS0 = isKept
            let world = World(settings)
            let client = TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 100)
            client.subscribe("a", .atLeastOnce)
            client.vanish()
            TestClient.connected(world, "p").publish("a")
            let back = TestClient(world, "c")
            back.connect(cleanStart: false, sessionExpiry: 100)
            #expect(back.takeTexts() == (isKept ? ["x"] : []))
        }
    }

    @Test func aMessageTooLargeForAReceiverIsDroppedForItAlone() {
        let world = World()
        let small = TestClient(world, "small")
        small.connect(receiveMaximum: 1, maximumPacketSize: 30)
        small.subscribe("a", .atLeastOnce)
        let large = TestClient.connected(world, "large")
        large.subscribe("a", .atLeastOnce)
        _ = small.take()
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", String(repeating: "y", count: 50), qos: .atLeastOnce)
        publisher.publish("a", "ok", qos: .atLeastOnce)
        #expect(small.takeTexts() == ["ok"])
        #expect(large.takeTexts().map(\.count) == [50, 2])
        #expect(world.broker.counters.publishDropped == 1)
    }

    @Test func propertiesTravelInTheirOrder() {
        let world = World()
        let reader = TestClient.connected(world, "r")
        reader.subscribe("a", .atMostOnce, identifier: 77)
        let old = TestClient.connected(world, "o", .v311)
        old.subscribe("a", .atMostOnce)
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "body") { writer, text in
            writer.appendUserProperty(name: text("k"), value: text("1"))
            writer.append(.topicAlias, 3)
            writer.append(.contentType, text("text/plain"))
            writer.appendUserProperty(name: text("k"), value: text("2"))
            writer.append(.payloadFormatIndicator, true)
            writer.append(.responseTopic, text("answer"))
            writer.append(.correlationData, text("id"))
            writer.append(.messageExpiryInterval, 60)
            writer.appendUserProperty(name: text("a"), value: text("3"))
        }
        let packet = reader.take()[0]
        #expect(packet.text == "body")
        #expect(packet.userProperties == ["k=1", "k=2", "a=3"])
        #expect(packet.subscriptionIdentifiers == [77])
        packet.property { properties in
            #expect(properties.contentType?.string == "text/plain")
            #expect(properties.responseTopic?.string == "answer")
            #expect(properties.correlationData?.string == "id")
            #expect(properties.payloadFormatIndicator == 1)
            #expect(properties.messageExpiryInterval == 60)
            #expect(properties.topicAlias == nil)
        }
        #expect(old.takeTexts() == ["body"])
    }

    @Test func aMessageExpiresInTheQueueAndItsRestTravels() {
        let world = World()
        let client = TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 1000)
        client.subscribe("a", .atLeastOnce)
        client.vanish()
        let publisher = TestClient.connected(world, "p")
        for seconds in [UInt32(5), 50] {
            publisher.publish("a", "\(seconds)", qos: .atLeastOnce) { writer, _ in
                writer.append(.messageExpiryInterval, seconds)
            }
        }
        world.advance(seconds: 20)
        let back = TestClient(world, "c")
        back.connect(cleanStart: false, sessionExpiry: 1000)
        let packets = back.take().filter { $0.type == .publish }
        #expect(packets.map(\.text) == ["50"])
        #expect(packets.map { $0.property(\.messageExpiryInterval) } == [30])
    }

    @Test func aTopicAliasStandsForItsTopic() {
        let world = World()
        let reader = TestClient.connected(world, "r")
        reader.subscribe("#", .atMostOnce)
        let publisher = TestClient.connected(world, "p")
        func publish(_ topic: String, _ alias: UInt32) {
            publisher.publish(topic) { writer, _ in writer.append(.topicAlias, alias) }
        }
        publish("a", 2)
        publish("", 2)
        publish("b", 2)
        publish("c", 1)
        publish("", 2)
        publish("", 1)
        #expect(reader.take().map(\.topic) == ["a", "a", "b", "c", "b", "c"])
        publish("", 9)
        #expect(publisher.take().map(\.reason) == [0x82])
    }

    /// [MQTT-3.2.2-17] [MQTT-3.2.2-18]
    @Test(arguments: [UInt16(0), 2])
    func anAliasAboveTheMaximumEndsTheConnection(maximum: UInt16) {
        var settings = BrokerSettings()
        settings.maximumTopicAlias = maximum
        let world = World(settings)
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a") { writer, _ in writer.append(.topicAlias, 3) }
        #expect(publisher.take().map(\.reason) == [0x94])
    }

    /// [MQTT-3.2.2-11] [MQTT-3.2.2-14]
    @Test func whatIsSwitchedOffEndsTheConnection() {
        var settings = BrokerSettings()
        settings.maximumQoS = 1
        settings.isRetainAvailable = false
        settings.maximumTopicLevels = 3
        let world = World(settings)
        let first = TestClient.connected(world, "a")
        first.publish("a", qos: .exactlyOnce)
        #expect(first.take().map(\.reason) == [0x9B])
        let second = TestClient.connected(world, "b")
        second.publish("a", retain: true)
        #expect(second.take().map(\.reason) == [0x9A])
        let third = TestClient.connected(world, "c")
        third.publish("1/2/3", qos: .atLeastOnce)
        #expect(third.take().map(\.reason) == [0x10])
        third.publish("1/2/3/4", qos: .atLeastOnce)
        #expect(third.take().map(\.reason) == [0x90])
    }

    @Test func aLargePayloadIsNotCopied() {
        let world = World()
        let readers = (0..<3).map { TestClient.connected(world, "r\($0)", $0 == 0 ? .v311 : .v5) }
        for reader in readers { reader.subscribe("a", .atLeastOnce) }
        let payload = String(repeating: "z", count: 100_000)
        TestClient.connected(world, "p").publish("a", payload, qos: .atLeastOnce)
        for reader in readers { #expect(reader.takeTexts() == [payload]) }
    }
}
