// SPDX-License-Identifier: Apache-2.0
// What the log says of who was refused, disconnected or taken over: who, why, and by which plugin.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct RefusalReasonTests {
    private func world(_ plugins: ScriptedPlugin...) -> World { World(plugins: plugins, logLevel: .notice) }

    @Test func aDeniedTopicIsExplained() {
        let plugin = ScriptedPlugin()
        plugin.authorize = { _, _, topic, _ in Int(topic == "t" ? ISTH_DENY : ISTH_ALLOW) }
        plugin.explain = { topic, access in "rules.conf:3:1: \(topic) by \(access)" }
        let world = world(plugin)
        let client = TestClient.connected(world, "c")
        client.publish("t", "x", qos: .atLeastOnce)
        _ = client.subscribe("t")
        #expect(world.warnings.count == 2)
        #expect(world.warnings[0].hasSuffix(": not authorised to publish to t by plugin 0: rules.conf:3:1: t by 1"))
        #expect(world.warnings[1].hasSuffix(": not authorised to subscribe to t by plugin 0: rules.conf:3:1: t by 2"))
    }

    /// What no line of the log says is not asked for.
    @Test func explanationsAreMadeForTheLogOnly() {
        let plugin = ScriptedPlugin()
        plugin.authorize = { _, _, _, _ in Int(ISTH_DENY) }
        var asked = 0
        plugin.explain = { _, _ in
            asked += 1
            return "why"
        }
        let world = world(plugin)
        let client = TestClient.connected(world, "c")
        for number in 0..<100 { client.publish("t/\(number)", "x") }
        #expect(asked == 4)
        #expect(world.warnings.count == 3)
    }

    @Test func anAnswerBringsItsReasonAlong() {
        let plugin = ScriptedPlugin()
        var ticket: UInt64 = 0
        plugin.authorize = { _, given, _, _ in
            ticket = given
            return Int(ISTH_LATER)
        }
        plugin.explain = { _, _ in "not asked" }
        let world = world(plugin)
        let client = TestClient.connected(world, "c")
        client.publish("t", "x", qos: .atLeastOnce)
        var answer = HookAnswer(result: Int32(ISTH_DENY))
        answer.details = AnswerDetails(reason: Array("a remote one".utf8))
        #expect(world.broker.answer(ticket, answer))
        world.settle()
        #expect(world.warnings.map { $0.hasSuffix("publish to t by plugin 0 (a remote one)") } == [true])
        #expect(client.take().map(\.reason) == [0x87])
    }

    @Test func aPluginThatFailsIsNamed() {
        let plugin = ScriptedPlugin()
        plugin.authorize = { _, _, _, _ in Int(ISTH_ERROR) }
        let world = world(ScriptedPlugin(), plugin)
        TestClient.connected(world, "c").publish("t", "x")
        #expect(world.warnings.map { $0.hasSuffix("publish to t: plugin 1 gave no answer") } == [true])
    }

    @Test(
        arguments: [
            (Int(ISTH_DENY), "u", "not admitted: plugin 0 refuses the user \"u\", reason code 0x86"),
            (Int(ISTH_NEXT), "u", "not admitted: no plugin knows the user \"u\", or it has no password"),
            (
                Int(ISTH_NEXT), nil,
                "not admitted: no plugin knows this client, which gives no user name, or it has no password"
            ),
        ] as [(Int, String?, String)]
    )
    func aRefusedClientIsNamedWithWhoRefusesIt(verdict: Int, userName: String?, sentence: String) {
        let plugin = ScriptedPlugin()
        plugin.authenticate = { _, _, _ in verdict }
        let world = world(plugin)
        TestClient(world, "c").connect(userName: userName, password: userName.map { _ in "p" })
        #expect(world.warnings.count == 1)
        #expect(world.warnings.first?.hasSuffix(sentence) == true, "\(world.warnings)")
        #expect(world.warnings.first?.hasPrefix("client c from ") == true)
    }

    /// The answer to a password tells nobody whether there is such a user.
    @Test(arguments: [ProtocolVersion.v311, .v5])
    func aStrangerIsAnsweredAsAUserWithAWrongPassword(version: ProtocolVersion) {
        for verdict in [Int(ISTH_DENY), Int(ISTH_NEXT)] {
            let plugin = ScriptedPlugin()
            plugin.authenticate = { _, _, _ in verdict }
            let client = TestClient(world(plugin), "c", version)
            client.connect(userName: "u", password: "p")
            #expect(client.take().map(\.reason) == [0x86])
        }
    }

    @Test func whatTheBrokerRefusesItselfIsLoggedOnce() {
        var settings = BrokerSettings()
        settings.maximumQoS = 0
        let world = World(settings, logLevel: .notice)
        TestClient(world, "c").connect(will: .init(topic: "t", qos: .atLeastOnce))
        #expect(world.warnings.count == 1)
        #expect(
            world.warnings[0].hasSuffix("not admitted: the will's QoS is above mqtt.max_qos_allowed, reason code 0x9B")
        )
        let rude = TestClient(world, "d")
        rude.send([0x20, 2, 0, 0])
        #expect(world.warnings.count == 2)
        #expect(world.warnings[1].hasSuffix("the first packet is not a CONNECT; closing the connection"))
    }

    @Test func takeOverAndKickAreLogged() {
        let world = world()
        let first = TestClient.connected(world, "c")
        let second = TestClient.connected(world, "c")
        #expect(first.isClosed)
        #expect(
            world.warnings.map { $0.hasSuffix("another connection with this client identifier takes over") } == [true]
        )
        _ = "c".withView { world.broker.kick($0, 0x98, dropSession: false, by: "Bouncer") }
        world.settle()
        #expect(second.isClosed)
        #expect(world.warnings.last?.hasSuffix("Bouncer disconnects it, reason code 0x98") == true)
        #expect(world.warnings.count == 2)
    }
}
