// SPDX-License-Identifier: Apache-2.0
// A whole broker without sockets: a thousand clients share the subscriptions, and one publishes to topics at random.

import Broker
import MQTT

private final class NullTransport: Transport {
    var sent = 0

    func send(_ parts: UnsafePointer<ByteView>, _ count: Int) -> Int {
        var taken = 0
        for i in 0..<count { taken += parts[i].count }
        sent += taken
        return taken
    }

    func pauseReading() {}
    func resumeReading() {}
    func close() { fail("the broker closed a connection.") }
}

private final class NoTimers: BrokerTimers {
    func schedule(_ token: UInt64, after delay: UInt64) -> UInt64 { 1 }
    func cancel(_ timer: UInt64) {}
}

private struct Client {
    let broker: Broker
    let transport = NullTransport()
    let identifier: ConnectionIdentifier

    init(_ broker: Broker, _ name: String) {
        self.broker = broker
        let origin = ConnectionOrigin(listener: "tcp:default", address: "127.0.0.1", port: 1, isLoopback: true)
        identifier = broker.accept(transport, origin)
        send(packet(0x10, [0, 4] + Array("MQTT".utf8) + [4, 2, 0, 0, 0, UInt8(name.utf8.count)] + Array(name.utf8)))
    }

    func send(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { broker.received(identifier, $0) }
        broker.endTurn { _, _ in }
    }
}

private func packet(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
    var header = [type]
    var rest = body.count
    repeat {
        header.append(UInt8(rest % 128) | (rest >= 128 ? 0x80 : 0))
        rest /= 128
    } while rest > 0
    return header + body
}

func measureBroker(_ shape: Shape, _ count: Int) -> String {
    let timers = NoTimers()
    let broker = Broker(
        loop: 0,
        loopCount: 1,
        settings: BrokerSettings(),
        registry: SessionRegistry(),
        timers: timers,
        logLevel: .error,
        log: { _, _ in }
    )
    let clients = (0..<1000).map { Client(broker, "client-\($0)") }
    let each = count / clients.count
    let before = residentBytes()
    let subscribe = nanoseconds(each: each * clients.count) {
        for (i, client) in clients.enumerated() {
            client.send(filters(shape, i * each..<(i + 1) * each, 0x82, options: [0]))
        }
    }
    guard broker.subscriptionCount == each * clients.count else { fail("subscriptions were refused.") }
    let bytes = Double(residentBytes() - before) / Double(broker.subscriptionCount)
    let publish = publishing(shape, each * clients.count, clients)
    let unsubscribe = nanoseconds(each: each * clients.count) {
        for (i, client) in clients.enumerated() {
            client.send(filters(shape, i * each..<(i + 1) * each, 0xA2, options: []))
        }
    }
    guard broker.filterCount == 0 else { fail("subscriptions were left.") }
    return json(
        "broker",
        shape,
        each * clients.count,
        ["bytes": bytes, "subscribe_ns": subscribe, "unsubscribe_ns": unsubscribe, "publish_ns": publish]
    )
}

/// A SUBSCRIBE or UNSUBSCRIBE.
private func filters(_ shape: Shape, _ numbers: Range<Int>, _ type: UInt8, options: [UInt8]) -> [UInt8] {
    var body: [UInt8] = [0, 1]
    for number in numbers {
        shape.withFilter(number) { filter in
            body.append(contentsOf: [0, UInt8(filter.count)])
            body.append(contentsOf: filter)
            body.append(contentsOf: options)
        }
    }
    return packet(type, body)
}

/// Nanoseconds for a message of 16 bytes, from its bytes to those for its one receiver.
private func publishing(_ shape: Shape, _ count: Int, _ clients: [Client]) -> Double {
    var disorder = Disorder()
    let batch = 1000
    let batches = (0..<min(500, count / batch)).map { _ in
        var bytes: [UInt8] = []
        for _ in 0..<batch {
            shape.withTopic(disorder.below(count)) { topic in
                bytes += packet(0x30, [0, UInt8(topic.count)] + topic + [UInt8](repeating: 0, count: 16))
            }
        }
        return bytes
    }
    let sent = clients.reduce(0) { $0 + $1.transport.sent }
    let time = nanoseconds(each: batches.count * batch) { for bytes in batches { clients[0].send(bytes) } }
    let arrived = clients.reduce(0) { $0 + $1.transport.sent } - sent
    guard arrived == batches.reduce(0, { $0 + $1.count }) else { fail("messages were lost.") }
    return time
}
