// SPDX-License-Identifier: Apache-2.0
// Random commands of several clients, to the broker and to the reference: both must give every client the same messages,
// those of one topic and QoS in the same order. 100,000 commands in all; a failure prints the seed that repeats it.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct ModelTests {
    @Test(arguments: [1, 2, 3], Array(0..<10))
    func theBrokerDoesWhatTheReferenceDoes(loops: Int, round: Int) {
        let run = ModelRun(SeededRandom(), loops: loops)
        for step in 0..<3400 {
            run.step()
            if step % 40 == 39 { run.compare() }
            if !run.faults.isEmpty { break }
        }
        run.compareAll()
        #expect(run.faults.isEmpty, "seed \(run.seed), \(loops) loops:\n\(run.report)")
    }
}

/// One broker, one reference, and the clients between them.
final class ModelRun {
    private static let topics = ["t/a", "t/b", "t/a/c", "t", "/", "t//c", "$t/a"]
    private static let filters = [
        "t/a", "t/b", "t/+", "t/#", "#", "+", "+/a", "t/a/c", "t/+/c", "t//c", "+/+", "$t/#", "$t/+", "/", "t",
    ]
    private static let wills = ["w/a", "w/b"]

    let seed: UInt64
    private var random: SeededRandom
    private let world: World
    private var reference = ReferenceBroker()
    private let clients: [ModelClient]
    /// Members of shared groups; their sessions never end.
    private let members: [ModelClient]
    private var published = 0
    private(set) var faults: [String] = []
    private var history: [String] = []

    init(_ random: SeededRandom, loops: Int) {
        self.random = random
        seed = random.seed
        var settings = BrokerSettings()
        settings.maximumQueueLength = .max
        world = World(loops: loops, settings)
        let world = world
        clients = (0..<6).map { ModelClient(world, "c\($0)", $0 % 3 == 2 ? .v311 : .v5) }
        members = (0..<3).map { ModelClient(world, "m\($0)", .v5) }
        for (i, member) in members.enumerated() {
            connect(member, cleanStart: true, expiry: nil)
            let filter = "$share/\(i == 2 ? "h" : "g")/s/#"
            let options = SubscriptionOptions(qos: .exactlyOnce)
            member.subscribe(filter, options, 0)
            reference.subscribe(member.name, filter, options, 0)
        }
    }

    var report: String { (faults.prefix(10) + ["after:"] + history.suffix(30)).joined(separator: "\n") }

    // MARK: Commands

    func step() {
        if random.below(20) == 0 { return stepOfMember() }
        let client = random.pick(clients)
        guard client.isConnected else {
            if random.below(3) == 0 { connectAnyhow(client) } else { advance() }
            return
        }
        switch random.below(100) {
        case 0..<3: connectAnyhow(client)
        case 3..<6: disconnect(client)
        case 6..<9: vanish(client)
        case 9..<22: subscribe(client)
        case 22..<28: unsubscribe(client)
        case 28..<75: publish(client)
        case 75..<77: advance()
        default: client.answer(atMost: random.below(5))
        }
    }

    private func note(_ text: String) { history.append("  \(text)") }

    private func connectAnyhow(_ client: ModelClient) {
        let cleanStart = random.below(3) == 0
        var expiry: Int?
        if client.version == .v5 { expiry = random.pick([0, 0, 3, 30, nil]) } else { expiry = cleanStart ? 0 : 7200 }
        var will: ReferenceWill?
        if random.below(2) == 0 {
            published += 1
            will = ReferenceWill(
                topic: random.pick(Self.wills),
                payload: "will\(published)",
                qos: UInt8(random.below(3)),
                retain: random.below(4) == 0,
                delay: client.version == .v5 ? random.pick([0, 0, 2, 10]) : 0
            )
        }
        connect(client, cleanStart: cleanStart, expiry: expiry, will: will)
    }

    /// `expiry`: `nil` = never.
    private func connect(_ client: ModelClient, cleanStart: Bool, expiry: Int?, will: ReferenceWill? = nil) {
        note("\(client.name) connects, clean \(cleanStart), expiry \(expiry ?? -1), will \(will?.payload ?? "-")")
        let expectsSession = reference.connect(client.name, cleanStart: cleanStart, expiry: expiry, will: will)
        client.connect(
            loop: random.below(world.brokers.count),
            cleanStart: cleanStart,
            expiry: expiry.map { UInt32($0) } ?? .max,
            receiveMaximum: random.pick([nil, 1, 3]),
            will: will,
            expectsSession: expectsSession
        )
    }

    private func disconnect(_ client: ModelClient) {
        note("\(client.name) disconnects")
        client.disconnect()
        reference.disconnect(client.name)
    }

    private func vanish(_ client: ModelClient) {
        note("\(client.name) vanishes")
        client.vanish()
        reference.drop(client.name)
    }

    private func subscribe(_ client: ModelClient) {
        let isV5 = client.version == .v5
        // A client's own will is no matter of No Local here.
        let filter = random.below(4) == 0 ? random.pick(["w/a", "w/+", "+/b"]) : random.pick(Self.filters)
        let reachesWills = Self.wills.contains { ReferenceBroker.matches(filter, $0) }
        let options = SubscriptionOptions(
            qos: random.pick([.atMostOnce, .atLeastOnce, .exactlyOnce]),
            noLocal: isV5 && !reachesWills && random.below(4) == 0,
            retainAsPublished: isV5 && random.below(2) == 0,
            retainHandling: isV5 ? random.pick([.sendAtSubscribe, .sendIfNew, .doNotSend]) : .sendAtSubscribe
        )
        // The same one for all of a client's subscriptions, so that overlapping ones are one copy.
        let identifier: UInt32 = client.name == "c1" ? 77 : 0
        note("\(client.name) subscribes \(filter) \(options)")
        client.subscribe(filter, options, identifier)
        reference.subscribe(client.name, filter, options, identifier)
    }

    private func unsubscribe(_ client: ModelClient) {
        let own = reference.sessions[client.name]?.subscriptions.keys.sorted() ?? []
        let filter = own.isEmpty || random.below(4) == 0 ? random.pick(Self.filters) : random.pick(own)
        note("\(client.name) unsubscribes \(filter)")
        let existed = reference.unsubscribe(client.name, filter)
        client.unsubscribe(filter, expectsSubscription: existed)
    }

    private func publish(_ client: ModelClient) {
        let topic = random.below(5) == 0 ? random.pick(["s/a", "s/b"]) : random.pick(Self.topics)
        let qos = random.pick([QoS.atMostOnce, .atLeastOnce, .exactlyOnce])
        let retain = random.below(6) == 0
        published += 1
        let payload = retain && random.below(3) == 0 ? "" : "p\(published)"
        note("\(client.name) publishes \(topic) \(payload) QoS \(qos.rawValue)\(retain ? " retained" : "")")
        client.publish(
            topic,
            payload,
            qos: qos,
            retain: retain,
            repeats: qos == .exactlyOnce && random.below(4) == 0
        )
        reference.publish(topic, payload, qos.rawValue, retain: retain, from: client.name)
    }

    private func advance() {
        let seconds = random.pick([1, 2, 5, 40])
        note("\(seconds) s pass")
        world.advance(seconds: UInt64(seconds))
        reference.advance(seconds)
    }

    private func stepOfMember() {
        let member = random.pick(members)
        if !member.isConnected {
            connect(member, cleanStart: false, expiry: nil)
        } else if random.below(3) == 0 {
            vanish(member)
        } else {
            member.answer(atMost: 3)
        }
    }

    // MARK: Comparison

    /// Everything has come to every client that is connected.
    func compare() {
        for client in clients {
            // Others' answers may make room for what waits behind them.
            if client.isConnected { client.answerAll() }
        }
        for client in clients + members { faults += client.faults }
        for client in clients where client.isConnected {
            let expected = Self.byTopic(reference.sessions[client.name]?.expected ?? [])
            let received = Self.byTopic(client.received)
            for key in Set(expected.keys).union(received.keys).sorted() where expected[key] != received[key] {
                faults.append("\(client.name) \(key): expected \(expected[key] ?? []), got \(received[key] ?? [])")
            }
            reference.forgetExpected(client.name)
            client.received = []
        }
    }

    /// Order is promised to the messages of one client only. Each will is of another one, and two that are due at the
    /// same time come as their loops get to them.
    private static func byTopic(_ deliveries: [ReferenceDelivery]) -> [String: [ReferenceDelivery]] {
        Dictionary(grouping: deliveries) { "\($0.topic) QoS \($0.qos)" }
            .mapValues { group in wills.contains(group[0].topic) ? group.sorted { $0.payload < $1.payload } : group }
    }

    /// And, when all are there, one member of each group has what was published to the group.
    func compareAll() {
        for client in clients + members where !client.isConnected {
            connect(client, cleanStart: false, expiry: nil)
        }
        for _ in 0..<3 { for member in members { member.answerAll() } }
        compare()
        for group in ["g", "h"] {
            let own = members.filter { ($0.name == "m2") == (group == "h") }
            for topic in ["s/a", "s/b"] {
                let received = own.flatMap(\.received).filter { $0.topic == topic }.map(\.payload).sorted()
                let expected = (reference.shared["\(group)/\(topic)"] ?? []).sorted()
                if received != expected {
                    faults.append("group \(group), \(topic): expected \(expected), got \(received)")
                }
            }
        }
        if !world.warnings.isEmpty { faults.append("warned: \(world.warnings)") }
    }
}
