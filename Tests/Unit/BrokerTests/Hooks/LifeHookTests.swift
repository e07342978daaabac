// SPDX-License-Identifier: Apache-2.0
// Hooks that see connections, sessions and routes come and go, and what they may do to them.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct LifeHookTests {
    @Test func aLifeIsToldInOrder() {
        let plugin = ScriptedPlugin()
        plugin.recordsLife = true
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, "c", cleanStart: false, sessionExpiry: 10)
        client.subscribe("a")
        _ = client.unsubscribe("a")
        client.vanish()
        let back = TestClient(world, "c")
        back.connect(cleanStart: false)
        back.disconnect()
        #expect(
            plugin.events == [
                "created c", "connected c", "subscribed a", "unsubscribed a", "closed c 128",
                "resumed c", "connected c", "terminated c", "closed c 0",
            ]
        )
    }

    @Test func aRefusedClientIsClosedToo() {
        let plugin = ScriptedPlugin()
        plugin.recordsLife = true
        plugin.authenticate = { _, _, _ in Int(ISTH_DENY) }
        let world = World(plugins: [plugin])
        TestClient(world, "c").connect()
        #expect(plugin.events == ["closed c 134"])
    }

    @Test func theConnectHookMayRefuse() {
        let plugin = ScriptedPlugin()
        plugin.hooksConnect = true
        plugin.connect = { $0.client_id.text == "bad" ? Int(ISTH_DENY) : Int(ISTH_NEXT) }
        let world = World(plugins: [plugin])
        let bad = TestClient(world, "bad")
        bad.connect()
        #expect(bad.take().map(\.reason) == [0x87])
        let good = TestClient(world, "good")
        good.connect()
        #expect(good.take().map(\.reason) == [0])
    }

    @Test func theWillComesBeforeTheLastHook() {
        let plugin = ScriptedPlugin()
        plugin.publish = { message, _ in
            plugin.events.append("will \(message.topic.text) \(message.origin)")
            return 0
        }
        plugin.closed = { client, _ in plugin.events.append("closed \(client.client_id.text)") }
        let world = World(plugins: [plugin])
        TestClient.connected(world, "c", will: .init(topic: "w")).vanish()
        #expect(plugin.events == ["will w \(ISTH_ORIGIN_WILL)", "closed c"])
    }

    @Test func everyPluginHasAPointerOfItsOwn() {
        let plugins = (0..<2).map { _ in ScriptedPlugin() }
        var freed: [Int] = []
        for (i, plugin) in plugins.enumerated() {
            plugin.connected = { $0.slot?.pointee = UnsafeMutableRawPointer(bitPattern: 100 + i) }
            plugin.closed = { client, _ in freed.append(Int(bitPattern: client.slot?.pointee)) }
        }
        let world = World(plugins: plugins)
        TestClient.connected(world, "c").disconnect()
        #expect(freed == [100, 101])
    }

    private enum Moment: CaseIterable {
        case connected
        case publish
        case deliver
        case acked
        case authorize
        case will
    }

    /// Whatever a plugin is called for, it may kick the very client, and end its session.
    @Test(arguments: [true, false])
    func aHookMayKickItsOwnClient(dropsSession: Bool) {
        for moment in Moment.allCases {
            let plugin = ScriptedPlugin()
            func kick() { _ = "c".withView { plugin.world.broker.kick($0, 0x98, dropSession: dropsSession) } }
            plugin.connected = { if moment == .connected, $0.client_id.text == "c" { kick() } }
            plugin.publish = { message, _ in
                if moment == .publish || (moment == .will && message.topic.text == "w") { kick() }
                return 0
            }
            plugin.deliver = { _, _ in
                if moment == .deliver { kick() }
                return 0
            }
            plugin.acked = { _, _ in if moment == .acked { kick() } }
            plugin.authorize = { _, _, _, _ in
                if moment == .authorize { kick() }
                return Int(ISTH_ALLOW)
            }
            let world = World(plugins: [plugin])
            let client = TestClient(world, "c")
            client.connect(cleanStart: false, sessionExpiry: 100, will: .init(topic: "w"))
            client.subscribe([
                ("a", SubscriptionOptions(qos: .atLeastOnce)), ("+", SubscriptionOptions(qos: .atLeastOnce)),
            ])
            client.publish("a", qos: .atLeastOnce)
            for packet in client.take() where packet.type == .publish { client.acknowledge(.puback, packet.identifier) }
            if moment == .will { client.vanish() }
            #expect(client.isClosed, "not kicked by \(moment)")
            #expect(world.broker.sessionCount == (dropsSession ? 0 : 1), "\(moment)")
            world.advance(seconds: 200)
            #expect(world.leftovers == [:], "\(moment)")
        }
    }

    /// The receivers of a message may be kicked while it is on its way to them.
    @Test func aHookMayKickOtherReceivers() {
        let plugin = ScriptedPlugin()
        plugin.deliver = { client, _ in
            guard client.client_id.text == "r0" else { return 0 }
            for i in 0..<3 { _ = "r\(i)".withView { plugin.world.broker.kick($0, 0x98, dropSession: true) } }
            return 0
        }
        let world = World(plugins: [plugin])
        let readers = (0..<5).map { TestClient.connected(world, "r\($0)") }
        for reader in readers {
            reader.subscribe("a", .atLeastOnce)
            reader.subscribe("#", .atLeastOnce)
        }
        TestClient.connected(world, "p").publish("a", qos: .atLeastOnce)
        #expect(readers.map { $0.takeTexts() } == Array(repeating: ["x"], count: 5))
        #expect(readers.map(\.isClosed) == [true, true, true, false, false])
        #expect(world.broker.sessionCount == 3)
    }

    /// An answer given in the middle of a delivery lets a client in that ends a session which the delivery serves.
    @Test func anAnswerInsideADeliveryWaits() {
        let plugin = ScriptedPlugin()
        var ticket: UInt64 = 0
        plugin.authenticate = { _, given, password in
            guard password.text == "late" else { return Int(ISTH_ALLOW) }
            ticket = given
            return Int(ISTH_LATER)
        }
        plugin.deliver = { _, _ in
            if ticket != 0 { _ = plugin.world.broker.answer(ticket, HookAnswer(result: Int32(ISTH_ALLOW))) }
            ticket = 0
            return 0
        }
        let world = World(plugins: [plugin])
        let readers = (0..<3).map { TestClient.connected(world, "r\($0)") }
        for reader in readers { reader.subscribe("a", .atLeastOnce) }
        let late = TestClient(world, "r2")
        late.connect(password: "late")
        #expect(ticket != 0)
        TestClient.connected(world, "p").publish("a", qos: .atLeastOnce)
        #expect(late.takeTypes() == [.connack])
        #expect(readers[2].takeTypes() == [.publish, .disconnect])
        #expect(readers[1].takeTypes() == [.publish])
        #expect(world.broker.sessionCount == 4)
    }

    @Test func routesAreToldOnceEach() {
        let plugin = ScriptedPlugin()
        plugin.recordsRoutes = true
        let world = World(plugins: [plugin])
        let clients = (0..<2).map { TestClient.connected(world, "c\($0)") }
        for client in clients {
            client.subscribe("a", .atMostOnce)
            client.subscribe("a", .atLeastOnce)
            client.subscribe("$share/g/a")
            client.subscribe("$share/h/a")
        }
        #expect(plugin.events == ["+a|", "+a|g", "+a|h"])
        var routes: Set<String> = []
        world.broker.forEachRoute { routes.insert("\($0.string)|\($1.string)") }
        #expect(routes == ["a|", "a|g", "a|h"])
        plugin.events = []
        _ = clients[0].unsubscribe("a", "$share/g/a")
        #expect(plugin.events == [])
        _ = clients[1].unsubscribe("a", "$share/g/a")
        #expect(plugin.events == ["-a|", "-a|g"])
        clients[0].vanish()
        clients[1].vanish()
        #expect(plugin.events == ["-a|", "-a|g", "-a|h"])
        world.broker.forEachRoute { filter, _ in Issue.record("\(filter.string) is left") }
    }
}
