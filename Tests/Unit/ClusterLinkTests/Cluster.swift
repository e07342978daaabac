// SPDX-License-Identifier: Apache-2.0
// A whole plugin in a mock host, and the peer it talks to, played by the test.

import LinkTestSupport
import PluginAPI
import Testing

@testable import ClusterLinkBody

final class Cluster {
    let mock: MockHost
    private let slots = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: 16)

    init(_ name: String, links: String, node: String? = nil, extra: [String: String] = [:]) {
        mock = MockHost()
        mock.config = [
            "cluster.name": "\"\(name)\"", "node.name": "\"\(node ?? "n@\(name)")\"", "cluster.links": links,
        ]
        mock.config.merge(extra) { $1 }
        slots.initialize(repeating: nil, count: 16)
        #expect(mock.start(ClusterLink.self), "\(mock.logs)")
        #expect(mock.ready(), "\(mock.logs)")
    }

    deinit {
        for connection in 0..<16 { closed(connection) }
        mock.stop()
        slots.deallocate()
    }

    /// What the broker answered a PUBLISH of a client with.
    struct Answer: Equatable {
        let result: Int
        let reason: UInt8?
    }

    static let consumed = Answer(result: ISTH_CONSUMED, reason: nil)
    static let noSubscribers = Answer(result: ISTH_CONSUMED, reason: 0x10)
    static let protocolError = Answer(result: ISTH_DISCONNECT, reason: 0x83)

    /// A client on connection number `connection` publishes.
    func publish(_ message: Message, connection: Int = 0) -> Answer {
        mock.lastReason = nil
        let edit = mock.host.ctx
        let result = withClient(connection) { client in
            message.with { mock.hooks.message_publish?(mock.plugin.`self`, client, $0, edit) ?? 99 }
        }
        mock.settle()
        return Answer(result: Int(result), reason: mock.lastReason)
    }

    func closed(_ connection: Int) {
        withClient(connection) { mock.hooks.client_closed?(mock.plugin.`self`, $0, 0, isth_str()) }
    }

    func authorize(_ topic: String) -> Int {
        withClient(0) { client in
            topic.withStr { Int(mock.hooks.client_authorize?(mock.plugin.`self`, client, 1, 1, $0, 0, 0) ?? 99) }
        }
    }

    private func withClient<Result>(_ connection: Int, _ body: (UnsafePointer<isth_client>) -> Result) -> Result {
        var client = isth_client()
        client.size = UInt32(MemoryLayout<isth_client>.size)
        client.slot = slots + connection
        return body(&client)
    }

    func subscribe(_ filter: String, group: String = "") {
        mock.localRoutes.append((filter, group))
        filter.withStr { f in group.withStr { mock.hooks.route_added?(mock.plugin.`self`, f, $0) } }
    }

    func unsubscribe(_ filter: String, group: String = "") {
        mock.localRoutes.removeAll { $0.filter == filter && $0.group == group }
        filter.withStr { f in group.withStr { mock.hooks.route_removed?(mock.plugin.`self`, f, $0) } }
    }

    /// The only link's destination.
    var destination: MockDestination? { mock.destinations.values.first }

    /// A local client publishes what the host's index finds for the destination.
    func deliver(_ message: Message) {
        destination?.deliver(message)
        mock.settle()
    }

    // MARK: The peer that introduces itself

    static func control(_ cluster: String, _ payload: [UInt8], reply: Bool = false) -> Message {
        var message = Message("$LINK/cluster/route/\(cluster)", qos: 1)
        message.payload = payload
        if reply {
            message.responseTopic = "$LINK/cluster/resp/\(cluster)/n1"
            message.correlation = Array("0123456789abcdef".utf8)
            message.flags = UInt32(ISTH_MSG_HAS_RESPONSE_TOPIC | ISTH_MSG_HAS_CORRELATION)
        }
        return message
    }

    static func actorInit(_ actor: String = "n1", _ incarnation: UInt64 = 1, target: String = "own") -> [UInt8] {
        var writer = TermWriter()
        Array(actor.utf8).withView { a in
            Array(target.utf8).withView { writer.actorInit(actor: a, incarnation: incarnation, target: $0) }
        }
        return writer.bytes.array
    }

    static func heartbeat(_ actor: String = "n1", _ incarnation: UInt64 = 1) -> [UInt8] {
        var writer = TermWriter()
        Array(actor.utf8).withView { writer.heartbeat(actor: $0, incarnation: incarnation) }
        return writer.bytes.array
    }

    static func routes(_ operations: [String], actor: String = "n1", _ incarnation: UInt64 = 1) -> [UInt8] {
        var writer = TermWriter()
        Array(actor.utf8).withView { writer.beginRoutes(operations.count, actor: $0, incarnation: incarnation) }
        for operation in operations {
            Array(operation.utf8.dropFirst()).withView {
                writer.routeOperation(filter: $0, id: $0, isDelete: operation.hasPrefix("-"))
            }
        }
        writer.endRoutes(operations.count)
        return writer.bytes.array
    }

    static func forwarded(_ message: Message) -> [UInt8] {
        var writer = TermWriter()
        message.with { writer.forwardedMessage($0.pointee, id: .init(microseconds: 1, node: 2, sequence: 3)) }
        return writer.bytes.array
    }
}
