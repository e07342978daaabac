// SPDX-License-Identifier: Apache-2.0
// A client with a session that comes back on one loop after the other, without waiting for anything, and keeps account
// of what it gets as the specification has it: what was acknowledged must not come again, QoS 2 is told by its Packet
// Identifier, and what came before and was not acknowledged must say so with DUP.

import MQTT
import TestRandom

@testable import Broker

final class HoppingClient {
    private let world: World
    private let name: String
    private let filters: [String]
    private(set) var connection: TestClient
    private var earlier: [TestClient] = []
    /// Read and not answered yet.
    private var unanswered: [Packet] = []
    /// QoS 2 messages between PUBLISH and PUBREL. [MQTT-4.3.3-10]
    private var awaitingPUBREL: Set<UInt16> = []
    private var texts: Set<String> = []
    private var acknowledged: Set<String> = []
    /// A SUBACK came since the session began: from then on nothing may be missed.
    private(set) var isSubscribed = false
    /// QoS 1 and 2, in the order in which they first came.
    private(set) var received: [String] = []
    private(set) var faults: [String] = []

    /// The payloads that a session in this state must get.
    var expected: [String] = []

    init(_ world: World, _ name: String, _ filters: [String], loop: Int) {
        self.world = world
        self.name = name
        self.filters = filters
        connection = TestClient(world, name, loop: loop)
        open(cleanStart: true)
    }

    private func open(cleanStart: Bool) {
        connection.settles = false
        unanswered = []
        connection.connect(cleanStart: cleanStart, sessionExpiry: 100, receiveMaximum: 6)
    }

    func hop(_ random: inout SeededRandom, cleanStart: Bool = false) {
        if random.below(3) == 0 { connection.vanish() } else { earlier.append(connection) }
        if cleanStart {
            isSubscribed = false
            awaitingPUBREL = []
            texts = []
            acknowledged = []
            received = []
            expected = []
        }
        connection = TestClient(world, name, loop: random.below(world.brokers.count))
        open(cleanStart: cleanStart)
    }

    /// Reads what came and answers some of what it read; the answers keep their order. [MQTT-4.6.0-2]
    func act(_ random: inout SeededRandom) {
        for packet in connection.take() { read(packet) }
        for _ in 0..<random.below(4) where !unanswered.isEmpty { answer(unanswered.removeFirst()) }
    }

    /// Goes on until nothing comes any more.
    func finish() {
        repeat {
            for packet in connection.take() { read(packet) }
            while !unanswered.isEmpty { answer(unanswered.removeFirst()) }
            world.settle()
        } while !connection.transport.bytes.isEmpty
    }

    func leave() {
        connection.disconnect(sessionExpiry: 0)
        for connection in earlier where !connection.isClosed { connection.vanish() }
    }

    private func read(_ packet: Packet) {
        switch packet.type {
        case .connack:
            // Again each time: the session may be another one, of a connection that had no time to subscribe.
            connection.subscribe(filters.map { ($0, SubscriptionOptions(qos: .exactlyOnce)) })
        case .suback: isSubscribed = true
        case .publish: readPublish(packet)
        case .pubrel: unanswered.append(packet)
        case .disconnect: faults.append("disconnected: \(packet.reason)")
        default: break
        }
    }

    private func readPublish(_ packet: Packet) {
        let text = packet.text
        if packet.qos == 0 {
            if !packet.retain, !texts.insert(text).inserted { faults.append("\(text) came twice with QoS 0") }
            return
        }
        unanswered.append(packet)
        if packet.qos == 2 {
            guard awaitingPUBREL.insert(packet.identifier).inserted else {
                if !packet.dup { faults.append("\(text) came again without DUP") }
                return
            }
        }
        // What is retained comes with each subscription.
        if packet.retain { return }
        if texts.insert(text).inserted {
            received.append(text)
        } else if packet.qos == 2 || acknowledged.contains(text) {
            faults.append("\(text) came again after its acknowledgement")
        } else if !packet.dup {
            faults.append("\(text) came again without DUP")
        }
    }

    private func answer(_ packet: Packet) {
        switch (packet.type, packet.qos) {
        case (.publish, 1):
            acknowledged.insert(packet.text)
            connection.acknowledge(.puback, packet.identifier)
        case (.publish, _): connection.acknowledge(.pubrec, packet.identifier)
        default:
            awaitingPUBREL.remove(packet.identifier)
            connection.acknowledge(.pubcomp, packet.identifier)
        }
    }
}
