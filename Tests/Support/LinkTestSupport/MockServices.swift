// SPDX-License-Identifier: Apache-2.0
// The services route/1, mqtt_client/1 and metrics/1 of MockHost. Nothing is connected to anything: a test plays the
// peer through MockConnection.

import PluginAPI
import PluginKit

package final class MockDestination {
    package let name: String
    package var filters: Set<String> = []
    let deliver: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<isth_msg>) -> Void
    let ud: UnsafeMutableRawPointer?

    init(
        _ name: String,
        _ deliver: @escaping @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<isth_msg>) -> Void,
        _ ud: UnsafeMutableRawPointer?
    ) {
        self.name = name
        self.deliver = deliver
        self.ud = ud
    }

    package func deliver(_ message: Message) { message.with { deliver(ud, $0) } }
}

/// An outbound connection the plugin asked for, seen from the other side.
package final class MockConnection {
    package struct Sent {
        package let message: Message
        package let cookie: UInt64
    }

    package let id: isth_id
    package let clientID: String
    package let server: String
    package let isTLS: Bool
    package let tlsRules: (depth: UInt8, versions: String, ciphers: String)
    /// What the peer says that it takes.
    package var limits = isth_mqtt_limits(
        size: UInt32(MemoryLayout<isth_mqtt_limits>.size),
        maximum_packet_size: 1 << 20,
        receive_maximum: 32,
        maximum_qos: 2,
        retain_available: 1,
        reserved0: 0
    )
    package let sni: String
    package let username: String?
    package let password: [UInt8]?
    package private(set) var isClosed = false
    package private(set) var isUp = false
    /// It was lost; the plugin asked for connections that do not come back by themselves.
    package private(set) var isLost = false
    package var subscriptions: [(filter: String, cookie: UInt64)] = []
    package var sent: [Sent] = []
    /// What the next publishes are answered with; ISTH_OK when it is empty.
    package var publishResults: [Int32] = []

    private let callbacks: isth_mqtt_callbacks

    init(_ id: isth_id, _ options: isth_mqtt_options, _ callbacks: isth_mqtt_callbacks) {
        self.id = id
        self.callbacks = callbacks
        clientID = options.client_id.string
        server = "\(options.host.string):\(options.port)"
        isTLS = options.tls != 0
        tlsRules = (options.tls_depth, options.tls_versions.string, options.tls_ciphers.string)
        sni = options.sni.string
        username = options.has_username != 0 ? options.username.string : nil
        password = options.has_password != 0 ? options.password.view.array : nil
    }

    package func up() {
        isUp = true
        callbacks.up?(callbacks.ud, id, 0)
    }

    package func down(_ text: String = "connection lost") {
        isUp = false
        isLost = true
        text.withStr { callbacks.down?(callbacks.ud, id, 0, $0) }
    }

    package func ack(_ cookie: UInt64, _ reasonCode: UInt8 = 0) {
        callbacks.acked?(callbacks.ud, id, cookie, reasonCode)
    }

    package func writable() { callbacks.writable?(callbacks.ud, id) }

    package func receive(_ message: Message) { message.with { callbacks.message?(callbacks.ud, id, $0) } }

    func close() { isClosed = true }
}

package final class MockConnections {
    weak var host: MockHost?
    package private(set) var all: [MockConnection] = []

    /// Those that are not closed.
    package var open: [MockConnection] { all.filter { !$0.isClosed } }
    package var routes: MockConnection? { open.last { $0.clientID.contains(":routesync:") } }
    package var messages: [MockConnection] { open.filter { $0.clientID.contains(":msg:") } }

    func add(_ connection: MockConnection) { all.append(connection) }
    func find(_ id: isth_id) -> MockConnection? { all.first { $0.id == id && !$0.isClosed } }
}

private let ok = Int32(ISTH_OK)

enum MockServices {
    static func table(_ name: String) -> UnsafeRawPointer? {
        switch name {
        case "route/1": UnsafeRawPointer(route)
        case "mqtt_client/1": UnsafeRawPointer(client)
        case "mqtt_limits/1": UnsafeRawPointer(limits)
        case "metrics/1": UnsafeRawPointer(metrics)
        default: nil
        }
    }

    private static func allocate<Table>(_ table: Table) -> UnsafePointer<Table> {
        let pointer = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        pointer.initialize(to: table)
        return UnsafePointer(pointer)
    }

    nonisolated(unsafe) private static let route = allocate(
        isth_route_service(
            size: UInt32(MemoryLayout<isth_route_service>.size),
            reserved0: 0,
            open: { ctx, _, name, deliver, ud, out in
                let host = MockHost.of(ctx)
                out.pointee = host.nextID()
                host.destinations[out.pointee] = MockDestination(name.string, deliver, ud)
                return ok
            },
            add: { ctx, id, filter in
                MockHost.of(ctx).destinations[id]?.filters.insert(filter.string)
                return ok
            },
            remove: { ctx, id, filter in
                MockHost.of(ctx).destinations[id]?.filters.remove(filter.string)
                return ok
            },
            close: { ctx, id in
                MockHost.of(ctx).destinations[id] = nil
                return ok
            }
        )
    )

    nonisolated(unsafe) private static let client = allocate(
        isth_mqtt_service(
            size: UInt32(MemoryLayout<isth_mqtt_service>.size),
            reserved0: 0,
            open: { ctx, options, callbacks, out in
                let host = MockHost.of(ctx)
                let connection = MockConnection(host.nextID(), options.pointee, callbacks.pointee)
                host.connections.add(connection)
                out.pointee = connection.id
                return ok
            },
            publish: { ctx, id, message, cookie in
                guard let connection = MockHost.of(ctx).connections.find(id) else { return Int32(ISTH_E_GONE) }
                return connection.publish(message, cookie)
            },
            subscribe: { ctx, id, subscription, cookie in
                let filter = subscription.pointee.filter.string
                MockHost.of(ctx).connections.find(id)?.subscriptions.append((filter, cookie))
                return ok
            },
            unsubscribe: { _, _, _, _ in Int32(ISTH_E_UNSUPPORTED) },
            reconnect: { _, _, _ in Int32(ISTH_E_UNSUPPORTED) },
            close: { ctx, id in
                MockHost.of(ctx).connections.find(id)?.close()
                return ok
            }
        )
    )

    nonisolated(unsafe) private static let limits = allocate(
        isth_mqtt_limits_service(
            size: UInt32(MemoryLayout<isth_mqtt_limits_service>.size),
            reserved0: 0,
            get: { ctx, id, out in
                guard let connection = MockHost.of(ctx).connections.find(id) else { return Int32(ISTH_E_GONE) }
                guard connection.isUp else { return Int32(ISTH_E_STATE) }
                out.pointee = connection.limits
                return ok
            }
        )
    )

    nonisolated(unsafe) private static let metrics = allocate(
        isth_metrics_service(
            size: UInt32(MemoryLayout<isth_metrics_service>.size),
            reserved0: 0,
            counter: { ctx, _, _, _, topic in MockHost.of(ctx).register(topic) },
            gauge: { ctx, _, _, _, topic in MockHost.of(ctx).register(topic) },
            text: { ctx, _, _, _, topic in MockHost.of(ctx).register(topic) },
            add: { ctx, id, value in MockHost.of(ctx).change(id) { String((UInt64($0) ?? 0) + value) } },
            set: { ctx, id, value in MockHost.of(ctx).change(id) { _ in String(value) } },
            say: { ctx, id, text in MockHost.of(ctx).change(id) { _ in text.string } },
            remove: { _, _ in }
        )
    )
}

extension MockConnection {
    fileprivate func publish(_ message: UnsafePointer<isth_msg>, _ cookie: UInt64) -> Int32 {
        guard isUp else { return Int32(ISTH_E_STATE) }
        if !publishResults.isEmpty {
            let result = publishResults.removeFirst()
            if result != ISTH_OK { return result }
        }
        sent.append(Sent(message: Message(message.pointee), cookie: cookie))
        return Int32(ISTH_OK)
    }
}

extension MockHost {
    fileprivate func register(_ topic: isth_str) -> isth_id {
        let id = nextID()
        figureTopics[id] = topic.string
        return id
    }

    fileprivate func change(_ id: isth_id, _ change: (String) -> String) {
        guard let topic = figureTopics[id] else { return }
        figures[topic] = change(figures[topic] ?? "")
    }
}
