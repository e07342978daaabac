// SPDX-License-Identifier: Apache-2.0
// CONNECT with an authentication method, AUTH back and forth, and the CONNACK at the end, or none.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct EnhancedAuthenticationTests {
    private func world(_ challenges: ChallengePlugin..., settings: BrokerSettings = BrokerSettings()) -> World {
        World(settings, plugins: challenges.map(\.plugin))
    }

    @Test func anExchangeEndsInAConnackWithItsData() {
        let challenge = ChallengePlugin()
        var seen: [String] = []
        challenge.plugin.connected = { seen.append("\($0.username.text) \($0.flags & UInt32(ISTH_CLIENT_SUPERUSER))") }
        let world = world(challenge)
        let client = TestClient(world, "c")
        client.connect(method: "challenge", "hello")
        let auth = client.take()
        #expect(auth.map(\.type) == [.auth])
        #expect(auth.map(\.reason) == [0x18])
        #expect(auth.map(\.authenticationMethod) == ["challenge"])
        #expect(auth.map(\.authenticationData) == ["challenge"])
        client.auth(.continueAuthentication, "challenge", "response")
        let connack = client.take()
        #expect(connack.map(\.type) == [.connack])
        #expect(connack.map(\.reason) == [0])
        #expect(connack.map(\.authenticationMethod) == ["challenge"])
        #expect(connack.map(\.authenticationData) == ["welcome"])
        #expect(challenge.asked == ["1 challenge hello", "2 challenge response"])
        #expect(seen == ["ann \(ISTH_CLIENT_SUPERUSER)"])
        client.ping()
        #expect(client.takeTypes() == [.pingresp])
        client.disconnect()
        #expect(world.leftovers == [:])
    }

    @Test func anExchangeMayHaveOneStepOrMany() {
        let challenge = ChallengePlugin()
        let world = world(challenge)
        let quick = TestClient(world, "quick")
        quick.connect(method: "challenge", "once")
        #expect(quick.take().map(\.authenticationData) == ["welcome"])
        let slow = TestClient(world, "slow")
        slow.connect(method: "challenge")
        for _ in 0..<5 { slow.auth(.continueAuthentication, "challenge", "again") }
        #expect(slow.takeTypes() == Array(repeating: .auth, count: 6))
        slow.auth(.continueAuthentication, "challenge", "bare")
        let connack = slow.take()
        #expect(connack.map(\.type) == [.connack])
        #expect(connack.map(\.authenticationMethod) == ["challenge"])
        #expect(connack.map(\.authenticationData) == [nil])
    }

    @Test func aMethodThatNobodyServesIsRefused() {
        let world = world(ChallengePlugin("other"), ChallengePlugin("another"))
        let client = TestClient(world, "c")
        client.connect(method: "challenge")
        #expect(client.take().map(\.reason) == [0x8C])
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func aMethodBelongsToTheFirstPluginThatServesIt() {
        let plugins = [ChallengePlugin("other"), ChallengePlugin(), ChallengePlugin()]
        let world = World(plugins: plugins.map(\.plugin))
        let client = TestClient(world, "c")
        client.connect(method: "challenge", "x")
        client.auth(.continueAuthentication, "challenge", "response")
        #expect(client.takeTypes() == [.auth, .connack])
        #expect(plugins.map(\.asked) == [["1 challenge x"], ["1 challenge x", "2 challenge response"], []])
    }

    /// What is neither a yes nor another question is a no.
    @Test(arguments: ["wrong", "error", "next"])
    func everythingElseIsANo(response: String) {
        let plugins = [ChallengePlugin(), ChallengePlugin()]
        let world = World(plugins: plugins.map(\.plugin))
        let client = TestClient(world, "c")
        client.connect(method: "challenge", will: "w")
        client.auth(.continueAuthentication, "challenge", response)
        let packets = client.take()
        #expect(packets.map(\.type) == [.auth, .connack])
        #expect(packets[1].reason == 0x87)
        #expect(packets[1].reasonString == (response == "wrong" ? "wrong response" : nil))
        #expect(client.isClosed)
        #expect(plugins[1].asked == [])
        #expect(world.leftovers == [:])
    }

    /// Only AUTH of the same method and DISCONNECT, before the CONNACK.
    @Test func aWrongPacketEndsTheExchange() {
        let challenge = ChallengePlugin()
        let world = world(challenge)
        let wrong: [(TestClient) -> Void] = [
            { $0.ping() }, { $0.publish("a") }, { $0.connect(method: "challenge") },
            { $0.auth(.continueAuthentication, "other", "response") }, { $0.auth(.reauthenticate, "challenge") },
            { $0.auth(.success, "challenge") }, { $0.auth(.continueAuthentication, nil) }, { $0.send([0xF0, 0]) },
        ]
        for (number, send) in wrong.enumerated() {
            let client = TestClient(world, "c\(number)")
            client.connect(method: "challenge")
            send(client)
            let packets = client.take()
            #expect(packets.map(\.type) == [.auth, .connack], "\(number)")
            #expect(packets.last?.reason == 0x82, "\(number)")
            #expect(client.isClosed, "\(number)")
        }
        let client = TestClient(world, "leaves")
        client.connect(method: "challenge")
        client.disconnect()
        #expect(client.takeTypes() == [.auth])
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func everyStepMayBeAnsweredLater() {
        let challenge = ChallengePlugin()
        challenge.putsOff = true
        var asked = 0
        challenge.plugin.authorize = { _, ticket, topic, _ in
            asked += 1
            return Int(ISTH_ALLOW)
        }
        let world = world(challenge)
        let client = TestClient(world, "c")
        let connect = TestClient(world, "bytes")
        _ = connect
        client.connect(method: "challenge", will: "w")
        #expect(client.transport.isPaused)
        #expect(client.takeTypes() == [])
        #expect(challenge.answer())
        #expect(client.takeTypes() == [.auth])
        #expect(!client.transport.isPaused)
        client.auth(.continueAuthentication, "challenge", "response")
        #expect(client.takeTypes() == [])
        #expect(challenge.answer())
        #expect(client.takeTypes() == [.connack])
        #expect(challenge.asked.count == 2)
        // A superuser's will needs no leave.
        #expect(asked == 0)
        client.publish("a", qos: .atLeastOnce)
        #expect(client.takeTypes() == [.puback])
    }

    /// The will is asked about behind the last AUTH, which is processed again for that.
    @Test func theWillMayWaitForAPlugin() {
        let challenge = ChallengePlugin()
        var ticket: UInt64 = 0
        challenge.plugin.authorize = { _, given, _, _ in
            ticket = given
            return Int(ISTH_LATER)
        }
        let world = world(challenge)
        let client = TestClient(world, "c")
        client.connect(method: "challenge", will: "w")
        client.send(client.authBytes(.continueAuthentication, "challenge", "bare") + [0xC0, 0])
        #expect(client.takeTypes() == [.auth])
        #expect(world.broker.answer(ticket, HookAnswer(result: Int32(ISTH_ALLOW))))
        world.settle()
        #expect(client.takeTypes() == [.connack, .pingresp])
        #expect(challenge.asked.count == 2)
        client.vanish()
        #expect(world.leftovers == [:])
    }

    @Test func aClientMayLeaveWhileItsAnswerIsAwaited() {
        for step in 0..<2 {
            let challenge = ChallengePlugin()
            challenge.putsOff = true
            var closed = 0
            challenge.plugin.closed = { _, _ in closed += 1 }
            let world = world(challenge)
            let client = TestClient(world, "c")
            client.connect(method: "challenge")
            if step == 1 {
                #expect(challenge.answer())
                client.auth(.continueAuthentication, "challenge", "response")
            }
            client.vanish()
            #expect(!challenge.answer())
            #expect(closed == 1)
            #expect(world.leftovers == [:])
        }
    }

    @Test func anAnswerThatNeverComesIsANo() {
        let challenge = ChallengePlugin()
        challenge.putsOff = true
        let world = world(challenge)
        let client = TestClient(world, "c")
        client.connect(method: "challenge")
        world.advance(world.broker.settings.hookDeadline)
        #expect(client.take().map(\.reason) == [0x87])
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    /// Neither many steps nor slow plugins buy time.
    @Test(arguments: [true, false])
    func theIdleTimeoutIsForTheWholeExchange(putsOff: Bool) {
        var settings = BrokerSettings()
        settings.idleTimeout = 1000
        let challenge = ChallengePlugin()
        challenge.putsOff = putsOff
        let world = world(challenge, settings: settings)
        let client = TestClient(world, "c")
        client.connect(method: "challenge")
        _ = challenge.answer()
        for _ in 0..<3 {
            world.advance(300)
            client.auth(.continueAuthentication, "challenge", "again")
            _ = challenge.answer()
        }
        #expect(client.takeTypes() == [.auth, .auth, .auth, .auth])
        world.advance(99)
        #expect(!client.isClosed)
        world.advance(1)
        #expect(client.take().map(\.reason) == [0x87])
        #expect(client.isClosed)
        #expect(world.leftovers == [:])
    }

    @Test func dataLargerThanTheClientTakesEndsTheExchange() {
        let world = world(ChallengePlugin())
        let client = TestClient(world, "c")
        client.connect(method: "challenge", maximumPacketSize: 20)
        #expect(client.take().map(\.reason) == [0x83])
        #expect(client.isClosed)
    }

    /// A plugin that serves a method guards the broker, as one that checks passwords does.
    @Test func nobodyElseGetsInWithoutAMethod() {
        let world = world(ChallengePlugin())
        for version in [ProtocolVersion.v31, .v311, .v5] {
            let client = TestClient(world, "c", version)
            client.connect()
            #expect(client.take().map(\.reason) == [0x87])
        }
    }

    /// [MQTT-4.12.0-6]
    @Test func passwordsAreAskedForWithoutAMethod() {
        let challenge = ChallengePlugin()
        var asked = 0
        challenge.plugin.authenticate = { _, _, _ in
            asked += 1
            return Int(ISTH_ALLOW)
        }
        let world = world(challenge)
        let old = TestClient(world, "old", .v311)
        old.connect()
        #expect(old.take().map(\.reason) == [0])
        #expect(asked == 1)
        let plain = TestClient(world, "plain")
        plain.connect()
        #expect(plain.take().map(\.authenticationMethod) == [nil])
        #expect(asked == 2)
        let new = TestClient(world, "new")
        new.connect(method: "challenge", "once")
        #expect(new.take().map(\.reason) == [0])
        #expect(asked == 2)
        #expect(challenge.asked == ["1 challenge once"])
    }

    @Test func theSessionMayComeFromAnotherLoop() {
        let challenge = ChallengePlugin()
        challenge.plugin.authenticate = { _, _, _ in Int(ISTH_ALLOW) }
        let world = World(loops: 2, plugins: [challenge.plugin])
        let first = TestClient(world, "c", loop: 1)
        first.connect(cleanStart: false, sessionExpiry: 100, userName: "ann")
        #expect(first.takeTypes() == [.connack])
        let second = TestClient(world, "c")
        second.connect(cleanStart: false) { writer, text in
            writer.append(.authenticationMethod, text("challenge"))
            writer.append(.sessionExpiryInterval, 100)
        }
        #expect(second.takeTypes() == [.auth])
        #expect(!first.isClosed)
        second.auth(.continueAuthentication, "challenge", "response")
        let connack = second.take()
        #expect(connack.map(\.sessionPresent) == [true])
        #expect(connack.map(\.authenticationData) == ["welcome"])
        #expect(first.take().map(\.reason) == [0x8E])
    }
}
