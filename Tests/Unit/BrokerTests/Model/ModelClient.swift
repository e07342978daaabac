// SPDX-License-Identifier: Apache-2.0
// A client of the broker under test that answers when it is told to, and tells a message from its repetition by the
// rules of the specification.

import MQTT

@testable import Broker

final class ModelClient {
    let name: String
    let version: ProtocolVersion
    private let world: World
    private var connection: TestClient?
    /// Read and not answered yet.
    private var unanswered: [Packet] = []
    /// Packet Identifiers of QoS 1 and 2 messages that were read and are not acknowledged to the end, by QoS.
    private var open: [UInt16: UInt8] = [:]
    /// Every message once, as it first came.
    var received: [ReferenceDelivery] = []
    private(set) var faults: [String] = []

    init(_ world: World, _ name: String, _ version: ProtocolVersion) {
        self.world = world
        self.name = name
        self.version = version
    }

    var isConnected: Bool { connection != nil }

    // MARK: Connection

    func connect(
        loop: Int,
        cleanStart: Bool,
        expiry: UInt32?,
        receiveMaximum: UInt16?,
        will: ReferenceWill?,
        expectsSession: Bool
    ) {
        // What came before a take-over has been read; the last connection's DISCONNECT is of no interest.
        if connection != nil { read() }
        unanswered = []
        if !expectsSession {
            open = [:]
            received = []
        }
        let fresh = TestClient(world, name, version, loop: loop)
        connection = fresh
        fresh.connect(
            cleanStart: cleanStart,
            sessionExpiry: version == .v5 ? expiry : nil,
            receiveMaximum: version == .v5 ? receiveMaximum : nil,
            will: will.map { will in
                TestClient.Will(
                    topic: will.topic,
                    payload: will.payload,
                    qos: QoS(rawValue: will.qos) ?? .atMostOnce,
                    retain: will.retain,
                    delay: will.delay > 0 ? UInt32(will.delay) : nil
                )
            }
        )
        let packets = fresh.take()
        guard let connack = packets.first, connack.type == .connack, connack.reason == 0 else {
            faults.append("\(name): no CONNACK but \(packets)")
            return
        }
        if connack.sessionPresent != expectsSession {
            faults.append("\(name): Session Present is \(connack.sessionPresent)")
        }
        for packet in packets.dropFirst() { note(packet) }
    }

    func disconnect() {
        read()
        connection?.disconnect()
        connection = nil
    }

    func vanish() {
        read()
        connection?.vanish()
        connection = nil
    }

    // MARK: Requests

    func subscribe(_ filter: String, _ options: SubscriptionOptions, _ identifier: UInt32) {
        read()
        let codes = connection?.subscribe([(filter, options)], identifier: identifier == 0 ? nil : identifier)
        if codes != [options.qos.rawValue] { faults.append("\(name): SUBACK \(codes ?? []) for \(filter)") }
    }

    func unsubscribe(_ filter: String, expectsSubscription: Bool) {
        read()
        let codes = connection?.unsubscribe(filter)
        let expected: [UInt8] = version == .v5 ? [expectsSubscription ? 0 : 0x11] : []
        if codes != expected { faults.append("\(name): UNSUBACK \(codes ?? []) for \(filter)") }
    }

    /// `repeats`: QoS 2 and the PUBREC got lost, so that the PUBLISH is sent again. [MQTT-4.3.3-10]
    func publish(_ topic: String, _ payload: String, qos: QoS, retain: Bool, repeats: Bool) {
        read()
        guard let connection else { return }
        let number = connection.publish(topic, payload, qos: qos, retain: retain)
        if repeats { connection.publish(topic, payload, qos: qos, retain: retain, dup: true, identifier: number) }
        if qos == .exactlyOnce { connection.acknowledge(.pubrel, number) }
        var answers: [PacketType] = []
        for packet in connection.take() {
            let isAnswer = [.puback, .pubrec, .pubcomp].contains(packet.type) && packet.identifier == number
            if isAnswer {
                answers.append(packet.type)
                if packet.reason >= 0x80 { faults.append("\(name): \(packet.type) \(packet.reason)") }
            } else {
                note(packet)
            }
        }
        let expected: [PacketType] =
            switch qos {
            case .atMostOnce: []
            case .atLeastOnce: [.puback]
            case .exactlyOnce: repeats ? [.pubrec, .pubrec, .pubcomp] : [.pubrec, .pubcomp]
            }
        if answers != expected { faults.append("\(name): \(answers) for a PUBLISH of QoS \(qos.rawValue)") }
    }

    // MARK: Receiving

    /// Answers some of what came, in order. [MQTT-4.6.0-2]
    func answer(atMost limit: Int) {
        read()
        for _ in 0..<min(limit, unanswered.count) { answer(unanswered.removeFirst()) }
    }

    /// Answers until nothing comes any more.
    func answerAll() {
        repeat {
            read()
            while !unanswered.isEmpty { answer(unanswered.removeFirst()) }
            read()
        } while !unanswered.isEmpty
    }

    private func read() {
        for packet in connection?.take() ?? [] { note(packet) }
    }

    private func note(_ packet: Packet) {
        switch packet.type {
        case .publish: notePublish(packet)
        case .pubrel: unanswered.append(packet)
        case .disconnect where packet.reason == 0x8E: break
        default: faults.append("\(name): unexpected \(packet)")
        }
    }

    private func notePublish(_ packet: Packet) {
        if packet.qos > 0 {
            unanswered.append(packet)
            if let qos = open[packet.identifier] {
                if qos != packet.qos || !packet.dup { faults.append("\(name): identifier in use by \(packet)") }
                return
            }
            if packet.dup { faults.append("\(name): DUP on a new message: \(packet)") }
            open[packet.identifier] = packet.qos
        }
        received.append(
            ReferenceDelivery(
                topic: packet.topic,
                payload: packet.text,
                qos: packet.qos,
                retain: packet.retain,
                identifiers: packet.subscriptionIdentifiers
            )
        )
    }

    private func answer(_ packet: Packet) {
        guard let connection else { return }
        switch (packet.type, packet.qos) {
        case (.publish, 1):
            open[packet.identifier] = nil
            connection.acknowledge(.puback, packet.identifier)
        case (.publish, _): connection.acknowledge(.pubrec, packet.identifier)
        default:
            open[packet.identifier] = nil
            connection.acknowledge(.pubcomp, packet.identifier)
        }
    }
}
