// SPDX-License-Identifier: Apache-2.0
// A connected client that authenticates again, while it goes on.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct ReauthenticationTests {
    private func connected(_ challenge: ChallengePlugin) -> TestClient {
        let client = TestClient(World(plugins: [challenge.plugin]), "c")
        client.connect(method: "challenge", "once")
        _ = client.take()
        return client
    }

    @Test func itEndsInAnAuthWithTheDataWhileTheClientGoesOn() {
        let challenge = ChallengePlugin()
        let client = connected(challenge)
        client.auth(.reauthenticate, "challenge", "hello")
        client.publish("a", qos: .atLeastOnce)
        let packets = client.take()
        #expect(packets.map(\.type) == [.auth, .puback])
        #expect(packets[0].reason == 0x18)
        client.auth(.continueAuthentication, "challenge", "response")
        let done = client.take()
        #expect(done.map(\.type) == [.auth])
        #expect(done.map(\.reason) == [0])
        #expect(done.map(\.authenticationMethod) == ["challenge"])
        #expect(done.map(\.authenticationData) == ["welcome"])
        #expect(challenge.asked == ["1 challenge once", "3 challenge hello", "2 challenge response"])
        // And again.
        client.auth(.reauthenticate, "challenge", "once")
        #expect(client.take().map(\.reason) == [0])
        client.disconnect()
        #expect(client.world.leftovers == [:])
    }

    @Test func aFailureEndsTheConnectionAndPublishesTheWill() {
        for response in ["wrong", "error", "next"] {
            let challenge = ChallengePlugin()
            let client = connected(challenge)
            let world = client.world
            let reader = TestClient(world, "r")
            reader.connect(method: "challenge", "once")
            reader.subscribe("w")
            let other = TestClient(world, "o")
            other.connect(method: "challenge", "once", will: "w")
            other.auth(.reauthenticate, "challenge")
            other.auth(.continueAuthentication, "challenge", response)
            let packets = other.take()
            #expect(packets.map(\.type) == [.connack, .auth, .disconnect])
            #expect(packets.last?.reason == 0x87)
            #expect(other.isClosed)
            #expect(reader.takeTexts() == ["gone"])
            #expect(!client.isClosed)
        }
    }

    @Test func aReasonThatNoDisconnectHasBecomesNotAuthorized() {
        let plugin = ScriptedPlugin()
        plugin.authStep = { _, ticket, phase, _, _ in
            guard phase == ISTH_AUTH_REAUTH else { return Int(ISTH_ALLOW) }
            var answer = HookAnswer(result: Int32(ISTH_DENY))
            answer.reasonCode = 0x86
            _ = plugin.world.broker.answer(ticket, answer)
            return Int(ISTH_LATER)
        }
        let client = TestClient(World(plugins: [plugin]), "c")
        client.connect(method: "m")
        client.auth(.reauthenticate, "m")
        #expect(client.take().map(\.reason) == [0, 0x87])
    }

    /// [MQTT-4.12.0-7] [MQTT-4.12.1-1]
    @Test func whatDoesNotFitIsAProtocolError() {
        let wrong: [(TestClient) -> Void] = [
            { $0.auth(.reauthenticate, "other") }, { $0.auth(.continueAuthentication, "challenge", "response") },
            { $0.auth(.success, "challenge") }, { $0.send([0xF0, 0]) }, { $0.auth(.reauthenticate, nil) },
            {
                $0.auth(.reauthenticate, "challenge")
                $0.auth(.reauthenticate, "challenge")
            },
        ]
        for (number, send) in wrong.enumerated() {
            let client = connected(ChallengePlugin())
            send(client)
            #expect(client.take().last?.reason == 0x82, "\(number)")
            #expect(client.isClosed, "\(number)")
        }
        let plain = TestClient.connected(World(), "c")
        plain.auth(.reauthenticate, "challenge")
        #expect(plain.take().map(\.reason) == [0x82])
        let old = TestClient.connected(World(), "c", .v311)
        old.auth(.reauthenticate, "challenge")
        #expect(old.take().isEmpty)
        #expect(old.isClosed)
    }

    @Test func theAnswerMayComeLater() {
        let challenge = ChallengePlugin()
        let client = connected(challenge)
        challenge.putsOff = true
        client.send(client.authBytes(.reauthenticate, "challenge", "once") + [0xC0, 0])
        #expect(client.takeTypes() == [])
        #expect(challenge.answer())
        #expect(client.takeTypes() == [.auth, .pingresp])
        client.auth(.reauthenticate, "challenge", "once")
        client.world.advance(client.world.broker.settings.hookDeadline)
        #expect(client.take().map(\.reason) == [0x87])
        #expect(client.world.leftovers == [:])
    }

    /// What its session has was asked for by who it was.
    @Test(arguments: ["ann", "bob", ""])
    func nobodyBecomesSomebodyElse(other: String) {
        let plugin = ScriptedPlugin()
        var name = Array("ann".utf8)
        plugin.authStep = { _, ticket, _, _, _ in
            var answer = HookAnswer(result: Int32(ISTH_ALLOW))
            answer.details = AnswerDetails(userName: name)
            _ = plugin.world.broker.answer(ticket, answer)
            return Int(ISTH_LATER)
        }
        let client = TestClient(World(plugins: [plugin]), "c")
        client.connect(method: "m")
        client.auth(.reauthenticate, "m")
        #expect(client.take().map(\.reason) == [0, 0])
        let next = Array(other.utf8)
        name = next
        client.auth(.reauthenticate, "m")
        let isSame = next.isEmpty || next == Array("ann".utf8)
        #expect(client.take().map(\.reason) == (isSame ? [0] : [0x87]))
        #expect(client.isClosed == !isSame)
    }

    /// What the client was allowed before is asked again: its rights may have changed.
    @Test func rememberedAuthorisationsAreForgotten() {
        let plugin = ScriptedPlugin()
        var asked = 0
        plugin.authStep = { _, _, _, _, _ in Int(ISTH_ALLOW) }
        plugin.authorize = { _, _, _, _ in
            asked += 1
            return Int(ISTH_ALLOW)
        }
        let client = TestClient(World(plugins: [plugin]), "c")
        client.connect(method: "m")
        client.publish("a")
        client.publish("a")
        #expect(asked == 1)
        client.auth(.reauthenticate, "m")
        client.publish("a")
        #expect(asked == 2)
    }
}
