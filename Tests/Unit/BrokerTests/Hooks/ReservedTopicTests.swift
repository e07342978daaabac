// SPDX-License-Identifier: Apache-2.0
// Topics below $LINK/ are closed unless a plugin says that it means to open them, whatever else is allowed.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct ReservedTopicTests {
    private static let inside = ["$LINK/cluster/route/eu", "$LINK/x", "$LINK"]

    private func guardian(_ verdict: Int) -> ScriptedPlugin {
        let plugin = ScriptedPlugin()
        plugin.authorize = { _, _, _, _ in verdict }
        return plugin
    }

    private func mayPublish(_ topic: String, _ world: World, qos: QoS = .atLeastOnce) -> Bool {
        let client = TestClient.connected(world, "publisher")
        defer { client.disconnect() }
        client.publish(topic, "x", qos: qos)
        return client.take().map(\.reason) != [0x87]
    }

    private func maySubscribe(_ filter: String, _ world: World) -> Bool {
        let client = TestClient.connected(world, "subscriber")
        defer { client.disconnect() }
        return client.subscribe(filter) != [0x87]
    }

    @Test(arguments: [[], [Int(ISTH_NEXT)], [Int(ISTH_ALLOW)], [Int(ISTH_ALLOW), Int(ISTH_ALLOW)]])
    func nothingThatAllowsInGeneralOpensThem(verdicts: [Int]) {
        let world = World(plugins: verdicts.map(guardian))
        for topic in Self.inside {
            #expect(!mayPublish(topic, world), "\(topic)")
            #expect(!maySubscribe(topic, world), "\(topic)")
            #expect(!maySubscribe("$share/g/\(topic)", world), "\(topic)")
            #expect(!mayPublish("$delayed/0/\(topic)", world), "\(topic)")
        }
        #expect(!maySubscribe("$LINK/#", world))
        for topic in ["$LINKS/x", "LINK/x", "$SYS/x", "x/$LINK/y", "$LIN"] {
            #expect(mayPublish(topic, world), "\(topic)")
            #expect(maySubscribe(topic, world), "\(topic)")
        }
    }

    @Test(arguments: [
        ([Int(ISTH_ALLOW_NAMED)], true), ([Int(ISTH_ALLOW), Int(ISTH_ALLOW_NAMED)], true),
        ([Int(ISTH_DENY), Int(ISTH_ALLOW_NAMED)], false), ([Int(ISTH_ALLOW), Int(ISTH_DENY)], false),
        ([Int(ISTH_ERROR), Int(ISTH_ALLOW_NAMED)], false),
    ])
    func theFirstPluginThatMeansThemDecides(verdicts: [Int], isOpen: Bool) {
        let world = World(plugins: verdicts.map(guardian))
        for topic in Self.inside {
            #expect(mayPublish(topic, world) == isOpen)
            #expect(maySubscribe(topic, world) == isOpen)
        }
        #expect(mayPublish("t", world) == (verdicts[0] > 0 && verdicts[0] != ISTH_DENY))
    }

    @Test(arguments: [(Int(ISTH_ALLOW), false), (Int(ISTH_ALLOW_NAMED), true)])
    func anAnswerThatComesLaterIsNoOther(verdict: Int, isOpen: Bool) {
        let plugin = ScriptedPlugin()
        var ticket: UInt64 = 0
        plugin.authorize = { _, given, _, _ in
            ticket = given
            return Int(ISTH_LATER)
        }
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, "c")
        client.publish("$LINK/x", "x", qos: .atLeastOnce)
        #expect(client.take().isEmpty)
        #expect(world.broker.answer(ticket, HookAnswer(result: Int32(verdict))))
        world.settle()
        #expect((client.take().map(\.reason) != [0x87]) == isOpen)
    }

    @Test func aWillIsDropped() {
        let world = World(plugins: [guardian(Int(ISTH_ALLOW))])
        let client = TestClient(world, "c")
        client.connect(will: .init(topic: "$LINK/x"))
        #expect(client.take().map(\.reason) == [0])
        let session = "c".withView { world.broker.session(named: $0) }
        #expect(world.broker.sessions[session].pointee.connection?.pointee.will == nil)
    }
}
