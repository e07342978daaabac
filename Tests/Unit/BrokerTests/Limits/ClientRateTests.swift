// SPDX-License-Identifier: Apache-2.0
// A client over its rate is not read: nothing is lost, nobody else waits, and it is not cut off for silence.

import MQTT
import PluginAPI
import TestRandom
import Testing

@testable import Broker

@Suite struct ClientRateTests {
    private func rates(messages: Int64? = nil, bytes: Int64? = nil) -> ClientRates {
        ClientRates(
            messages: messages.flatMap { Rate($0, per: 1000) }.map { Allowance($0) },
            bytes: bytes.flatMap { Rate($0, per: 1000) }.map { Allowance($0) }
        )
    }

    private func limited(_ world: World, _ rates: ClientRates, keepAlive: UInt16 = 0) -> TestClient {
        let client = TestClient(world, "limited", rates: rates)
        client.connect(keepAlive: keepAlive)
        _ = client.take()
        return client
    }

    @Test func messagesBeyondTheRateComeLaterAndInOrder() {
        let world = World()
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a")
        let client = limited(world, rates(messages: 10))
        let stream = (0..<25).flatMap { client.publishBytes("a", Array("\($0)".utf8)) }
        client.send(stream)
        #expect(client.transport.isPaused)
        #expect(receiver.takeTexts() == (0..<10).map(String.init))
        world.advance(1000)
        #expect(receiver.takeTexts() == (10..<20).map(String.init))
        #expect(client.transport.isPaused)
        world.advance(1000)
        #expect(receiver.takeTexts() == (20..<25).map(String.init))
        #expect(!client.transport.isPaused)
        client.disconnect()
        receiver.disconnect()
        #expect(world.leftovers == [:])
    }

    /// Whatever stands behind a CONNECT in one read, also when a plugin lets the client wait at first.
    @Test(arguments: [false, true])
    func whatComesWithConnectIsCounted(_ waits: Bool) {
        let plugin = ScriptedPlugin()
        var ticket: UInt64 = 0
        plugin.authenticate = { client, asked, _ in
            ticket = asked
            return waits && client.client_id.text == "limited" ? Int(ISTH_LATER) : Int(ISTH_ALLOW)
        }
        let world = World(plugins: [plugin])
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a")
        let client = TestClient(world, "limited", rates: rates(messages: 10))
        let messages = (0..<25).flatMap { client.publishBytes("a", Array("\($0)".utf8)) }
        client.send(client.connectBytes() + messages)
        if waits {
            #expect(receiver.takeTexts() == [])
            #expect(world.broker.answer(ticket, HookAnswer(result: Int32(ISTH_ALLOW))))
            world.settle()
        }
        #expect(receiver.takeTexts() == (0..<10).map(String.init))
        #expect(client.transport.isPaused)
        world.advance(2000)
        #expect(receiver.takeTexts() == (10..<25).map(String.init))
    }

    @Test func otherClientsAndOtherPacketsAreNotCounted() {
        let world = World()
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a")
        let client = limited(world, rates(messages: 1))
        for _ in 0..<100 { client.ping() }
        #expect(client.takeTypes() == Array(repeating: .pingresp, count: 100))
        client.publish("a", "1")
        client.publish("a", "2")
        #expect(client.transport.isPaused)
        let free = TestClient.connected(world, "free")
        for _ in 0..<100 { free.publish("a", "free") }
        #expect(receiver.takeTexts() == ["1"] + Array(repeating: "free", count: 100))
    }

    @Test func bytesCountAsWell() {
        let world = World()
        let receiver = TestClient.connected(world, "r")
        receiver.subscribe("a")
        let client = limited(world, rates(bytes: 1000))
        let packet = client.publishBytes("a", Array(repeating: 120, count: 400))
        client.send(Array(repeating: packet, count: 6).flatMap { $0 })
        // The third overdraws, as a packet cannot be taken in part.
        #expect(receiver.takeTexts().count == 3)
        world.advance(250)
        #expect(receiver.takeTexts().count == 1)
        world.advance(1000)
        #expect(receiver.takeTexts().count == 2)
    }

    @Test func anyCutsGiveTheSameMessages() {
        var random = SeededRandom()
        for _ in 0..<50 {
            let world = World()
            let receiver = TestClient.connected(world, "r")
            receiver.subscribe("a")
            let client = limited(world, rates(messages: 3, bytes: 500))
            let texts = (0..<40).map { "\($0)" + String(repeating: "x", count: random.below(60)) }
            var stream = texts.flatMap { client.publishBytes("a", Array($0.utf8)) }[...]
            var received: [String] = []
            while !stream.isEmpty || client.transport.isPaused {
                if client.transport.isPaused {
                    world.advance(UInt64(1 + random.below(400)))
                } else {
                    let count = min(stream.count, 1 + random.below(300))
                    client.send(Array(stream.prefix(count)))
                    stream = stream.dropFirst(count)
                }
                received += receiver.takeTexts()
            }
            #expect(received == texts, "seed \(random.seed)")
        }
    }

    @Test func waitingIsNoSilence() {
        let world = World()
        let client = limited(world, rates(bytes: 10), keepAlive: 1)
        client.publish("a", String(repeating: "x", count: 300))
        client.publish("a", "waits")
        #expect(client.transport.isPaused)
        world.advance(seconds: 20)
        #expect(!client.isClosed)
        world.advance(seconds: 30)
        #expect(!client.transport.isPaused)
        #expect(client.isClosed)
    }

    @Test func aWaitingClientMayEnd() {
        let world = World()
        let client = limited(world, rates(messages: 1))
        client.publish("a")
        client.publish("a")
        client.vanish()
        world.advance(seconds: 10)
        #expect(world.leftovers == [:])
        #expect(world.broker.counters.publishReceived == 1)
    }

    @Test func aQuestionToAPluginIsNotChargedTwice() {
        let plugin = ScriptedPlugin()
        var tickets: [UInt64] = []
        plugin.authorize = { _, ticket, _, _ in
            tickets.append(ticket)
            return Int(ISTH_LATER)
        }
        let world = World(plugins: [plugin])
        let client = limited(world, rates(messages: 2))
        client.send(client.publishBytes("a", [49]) + client.publishBytes("b", [50]))
        while let ticket = tickets.popLast() {
            #expect(world.broker.answer(ticket, HookAnswer(result: Int32(ISTH_ALLOW))))
            world.settle()
        }
        #expect(world.broker.counters.publishReceived == 2)
        #expect(!client.transport.isPaused)
    }
}
