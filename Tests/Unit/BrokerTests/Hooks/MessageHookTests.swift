// SPDX-License-Identifier: Apache-2.0
// Hooks that see messages: what they may change, and what they may do in the middle of a delivery.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct MessageHookTests {
    private func reader(
        _ world: World,
        _ name: String = "r",
        _ filter: String = "#",
        _ qos: QoS = .atLeastOnce
    ) -> TestClient {
        let client = TestClient.connected(world, name)
        client.subscribe(filter, qos)
        return client
    }

    @Test(arguments: [
        (Int(ISTH_NEXT), [UInt8(0)], 1), (Int(ISTH_ALLOW), [0], 1), (Int(ISTH_DENY), [0], 0),
        (Int(ISTH_CONSUMED), [0], 0), (Int(ISTH_DISCONNECT), [0x83], 0), (Int(ISTH_ERROR), [0], 1),
    ])
    func theVerdictOfThePublishHook(result: Int, reasons: [UInt8], delivered: Int) {
        let plugin = ScriptedPlugin()
        plugin.publish = { _, _ in result }
        let world = World(plugins: [plugin])
        let reader = reader(world)
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", qos: .atLeastOnce, retain: true)
        #expect(publisher.take().map(\.reason) == reasons)
        #expect(publisher.isClosed == (result == Int(ISTH_DISCONNECT)))
        #expect(reader.take().count == delivered)
        #expect(world.broker.retainedCount == delivered)
    }

    @Test func theReasonIsThePlugins() {
        let plugin = ScriptedPlugin()
        plugin.publish = { _, edit in
            _ = EditFunctions.reason(edit, 0x97)
            return Int(ISTH_DENY)
        }
        let world = World(plugins: [plugin])
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", qos: .exactlyOnce, identifier: 3)
        publisher.publish("a", qos: .exactlyOnce, identifier: 3)
        #expect(publisher.take().map(\.reason) == [0x97, 0x97])
    }

    /// [MQTT-3.4.2-1] [MQTT-3.14.2-1]
    @Test(arguments: [Int(ISTH_DENY), Int(ISTH_DISCONNECT)])
    func aCodeThatThePacketDoesNotHaveIsNotSent(result: Int) {
        let plugin = ScriptedPlugin()
        plugin.publish = { _, edit in
            _ = EditFunctions.reason(edit, 0x86)
            return result
        }
        let world = World(plugins: [plugin])
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) == [0x83])
    }

    @Test func theChainStopsAtTheFirstVerdict() {
        let plugins = (0..<3).map { _ in ScriptedPlugin() }
        for (i, plugin) in plugins.enumerated() {
            plugin.publish = { message, _ in
                plugins[0].events.append("\(i) \(message.topic.text)")
                return i == 1 ? Int(ISTH_ALLOW) : Int(ISTH_NEXT)
            }
        }
        let world = World(plugins: plugins)
        TestClient.connected(world, "p").publish("t")
        #expect(plugins[0].events == ["0 t", "1 t"])
    }

    @Test func editsGoToTheNextPluginAndTheReceivers() {
        let first = ScriptedPlugin()
        let second = ScriptedPlugin()
        first.publish = { _, edit in
            "b".withView { _ = EditFunctions.topic(edit, isth_str($0)) }
            "new".withView { _ = EditFunctions.payload(edit, isth_bytes($0)) }
            _ = EditFunctions.qos(edit, 1)
            _ = EditFunctions.retain(edit, 1)
            #expect("a/+".withView { EditFunctions.topic(edit, isth_str($0)) } == Int32(ISTH_E_ARG))
            #expect(EditFunctions.qos(edit, 3) == Int32(ISTH_E_ARG))
            return 0
        }
        second.publish = { message, _ in
            second.events.append("\(message.topic.text) \(message.payload.text) \(message.publisher_id.text)")
            return 0
        }
        let world = World(plugins: [first, second])
        let reader = reader(world, "r", "b")
        TestClient.connected(world, "p").publish("a", "old") { writer, text in
            writer.appendUserProperty(name: text("k"), value: text("v"))
        }
        let packets = reader.take()
        #expect(packets.map(\.text) == ["new"])
        #expect(packets.map(\.qos) == [1])
        #expect(packets.map(\.userProperties) == [["k=v"]])
        #expect(second.events == ["b new p"])
        #expect("b".withView { world.broker.retained[$0]?.payload.string } == "new")
    }

    @Test func anEditKeepsThePublisherOfAMessageWithoutConnection() {
        let first = ScriptedPlugin()
        let second = ScriptedPlugin()
        first.publish = { _, edit in
            "new".withView { _ = EditFunctions.payload(edit, isth_bytes($0)) }
            return 0
        }
        second.publish = { message, _ in
            second.events.append("\(message.publisher_id.text) \(message.payload.text)")
            return 0
        }
        let world = World(plugins: [first, second])
        TestClient.connected(world, "c", will: .init(topic: "w")).vanish()
        #expect(second.events == ["c new"])
    }

    @Test func anEditedTopicIsAuthorisedAgain() {
        let plugin = ScriptedPlugin()
        var result = Int(ISTH_DENY)
        var tickets: [UInt64] = []
        plugin.authorize = { _, ticket, topic, _ in
            tickets.append(ticket)
            return topic == "secret" ? result : Int(ISTH_ALLOW)
        }
        plugin.publish = { message, edit in
            if message.topic.text == "a" { "secret".withView { _ = EditFunctions.topic(edit, isth_str($0)) } }
            return 0
        }
        let world = World(plugins: [plugin])
        let reader = reader(world)
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) == [0x87])
        // An answer that would come later is a no, and nothing waits for it.
        result = Int(ISTH_LATER)
        publisher.publish("a", qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) == [0x87])
        #expect(!world.broker.answer(tickets.last ?? 0, HookAnswer(result: Int32(ISTH_ALLOW))))
        publisher.publish("b", qos: .atLeastOnce)
        #expect(publisher.take().map(\.reason) == [0])
        result = Int(ISTH_ALLOW)
        publisher.publish("a", "open", qos: .atLeastOnce)
        #expect(reader.take().map(\.topic) == ["b", "secret"])
    }

    @Test func filtersRestrictThePublishHook() {
        for (filters, expected) in [
            (["a/#"], ["a", "a/b"]), (["$x/+"], ["$x/1"]), (["+/b", "$x/1"], ["a/b", "b/b", "$x/1"]),
            (["#"], ["a", "a/b", "b/b"]),
        ] {
            let plugin = ScriptedPlugin()
            plugin.filters = filters.map { Array($0.utf8) }
            plugin.publish = { message, _ in
                plugin.events.append(message.topic.text)
                return 0
            }
            let world = World(plugins: [plugin])
            let publisher = TestClient.connected(world, "p")
            for topic in ["a", "a/b", "b/b", "$x/1"] { publisher.publish(topic) }
            #expect(plugin.events == expected)
        }
    }

    @Test func theDeliverHookSkipsAReceiver() {
        let plugin = ScriptedPlugin()
        plugin.deliver = { client, _ in client.client_id.text == "r1" ? Int(ISTH_DENY) : Int(ISTH_NEXT) }
        let world = World(plugins: [plugin])
        let readers = (0..<3).map { reader(world, "r\($0)") }
        TestClient.connected(world, "p").publish("a", qos: .atLeastOnce)
        #expect(readers.map { $0.take().count } == [1, 0, 1])
    }

    @Test func aPublishInsideAPublishHookIsRoutedFirst() {
        let plugin = ScriptedPlugin()
        plugin.publish = { message, _ in
            if message.topic.text == "outer" { plugin.inject("inner", "in", qos: 1) }
            return 0
        }
        let world = World(plugins: [plugin])
        let readers = (0..<3).map { reader(world, "r\($0)", "#", $0 == 0 ? .atMostOnce : .atLeastOnce) }
        TestClient.connected(world, "p").publish("outer", "out", qos: .atLeastOnce) { writer, text in
            writer.appendUserProperty(name: text("k"), value: text("v"))
        }
        for reader in readers {
            let packets = reader.take()
            #expect(packets.map(\.text) == ["in", "out"])
            #expect(packets.map(\.userProperties) == [[], ["k=v"]])
        }
    }

    /// The encoded form of the outer message must not be mixed up with the inner one's.
    @Test(arguments: ["a", "+/x"])
    func aPublishInsideADeliveryDisturbsNoOther(extraFilter: String) {
        let plugin = ScriptedPlugin()
        plugin.deliver = { _, message in
            if message.topic.text == "a" { plugin.inject("b", "inner") }
            return 0
        }
        let world = World(plugins: [plugin])
        let readers = (0..<4).map { reader(world, "r\($0)", "a", .atMostOnce) }
        for reader in readers { reader.subscribe("b", .atMostOnce) }
        let member = reader(world, "m", "$share/g/a")
        member.subscribe("b", .atMostOnce)
        readers[0].subscribe("#", .atMostOnce)
        readers[1].subscribe(extraFilter, .atMostOnce)
        TestClient.connected(world, "p").publish("a", "outer")
        for reader in readers + [member] {
            let packets = reader.take()
            #expect(packets.filter { $0.topic == "a" }.map(\.text) == ["outer"])
            #expect(packets.filter { $0.topic == "b" }.allSatisfy { $0.text == "inner" })
        }
    }

    @Test func aPublishInsideAnAcknowledgementMayFillTheWindow() {
        let plugin = ScriptedPlugin()
        plugin.acked = { _, message in
            plugin.events.append(message.payload.text)
            if message.payload.text == "first" { for i in 0..<40 { plugin.inject("a", "\(i)", qos: 1) } }
        }
        let world = World(plugins: [plugin])
        for qos in [QoS.atLeastOnce, .exactlyOnce] {
            plugin.events = []
            let reader = reader(world, "r", "a", qos)
            plugin.inject("a", "first", qos: qos.rawValue)
            world.settle()
            let texts = reader.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
            #expect(texts == ["first"] + (0..<40).map(String.init))
            #expect(plugin.events == texts)
            reader.disconnect()
        }
        #expect(world.leftovers == [:])
    }

    @Test func aPublishInsideAnAcknowledgementDoesNotOvertakeTheQueue() {
        let plugin = ScriptedPlugin()
        plugin.acked = { _, message in
            if message.payload.text == "0" { plugin.inject("a", "inner", qos: 1) }
        }
        let world = World(plugins: [plugin])
        let reader = TestClient.connected(world, "r", receiveMaximum: 1)
        reader.subscribe("a", .atLeastOnce)
        let publisher = TestClient.connected(world, "p")
        for i in 0..<3 { publisher.publish("a", "\(i)", qos: .atLeastOnce) }
        let texts = reader.takeAndAcknowledge().filter { $0.type == .publish }.map(\.text)
        #expect(texts == ["0", "1", "2", "inner"])
    }

    @Test func lossIsTold() {
        let plugin = ScriptedPlugin()
        plugin.dropped = { client, message, reason in
            plugin.events.append("\(client?.pointee.client_id.text ?? "-") \(message.payload.text) \(reason)")
        }
        var settings = BrokerSettings()
        settings.maximumQueueLength = 1
        let world = World(settings, plugins: [plugin])
        let publisher = TestClient.connected(world, "p")
        publisher.publish("a", "nobody")
        let reader = TestClient(world, "r")
        reader.connect(receiveMaximum: 1, maximumPacketSize: 50)
        reader.subscribe("a", .atLeastOnce)
        publisher.publish("a", String(repeating: "x", count: 60))
        for i in 0..<3 { publisher.publish("a", "\(i)", qos: .atLeastOnce) }
        // The publisher was held back for the reader, in vain.
        world.advance(5000)
        publisher.publish("a", "3", qos: .atLeastOnce)
        #expect(plugin.events.prefix(3) == ["- nobody 16", "r \(String(repeating: "x", count: 60)) 149", "r 1 151"])
    }
}
