// SPDX-License-Identifier: Apache-2.0
// `mqtt_client/1` and `mqtt_limits/1`: thin C entries to the outbound connections. Each finds the connection of a handle, on its loop only.

import Broker
import MQTT
import PluginAPI

enum MQTTClientService {
    /// Lives as long as the process.
    nonisolated(unsafe) static let table: UnsafePointer<isth_mqtt_service> = {
        let table = UnsafeMutablePointer<isth_mqtt_service>.allocate(capacity: 1)
        table.initialize(
            to: isth_mqtt_service(
                size: UInt32(MemoryLayout<isth_mqtt_service>.size),
                reserved0: 0,
                open: { open($0, $1.pointee, $2.pointee, $3) },
                publish: { context, identifier, message, cookie in
                    with(context, identifier) { $0.publish(message, cookie) }
                },
                subscribe: { context, identifier, subscription, cookie in
                    with(context, identifier) { $0.subscribe(subscription.pointee, cookie) }
                },
                unsubscribe: { context, identifier, filter, cookie in
                    with(context, identifier) { $0.unsubscribe(ByteView(filter), cookie) }
                },
                reconnect: { context, identifier, delay in
                    with(context, identifier) {
                        $0.reconnect(after: delay)
                        return Int32(ISTH_OK)
                    }
                },
                close: { context, identifier in
                    with(context, identifier) { connection in
                        connection.context.runtime?.clients[connection.loop.index].close(connection)
                        return Int32(ISTH_OK)
                    }
                }
            )
        )
        return UnsafePointer(table)
    }()

    /// Lives as long as the process.
    nonisolated(unsafe) static let limits: UnsafePointer<isth_mqtt_limits_service> = {
        let table = UnsafeMutablePointer<isth_mqtt_limits_service>.allocate(capacity: 1)
        table.initialize(
            to: isth_mqtt_limits_service(
                size: UInt32(MemoryLayout<isth_mqtt_limits_service>.size),
                reserved0: 0,
                get: { context, identifier, out in
                    with(context, identifier) { connection in
                        guard let limits = connection.serverLimits else { return Int32(ISTH_E_STATE) }
                        out.pointee = isth_mqtt_limits(limits)
                        return Int32(ISTH_OK)
                    }
                }
            )
        )
        return UnsafePointer(table)
    }()

    private static func open(
        _ context: OpaquePointer,
        _ options: isth_mqtt_options,
        _ callbacks: isth_mqtt_callbacks,
        _ out: UnsafeMutablePointer<isth_id>
    ) -> Int32 {
        let plugin = PluginContext.from(context)
        guard let runtime = plugin.runtime else { return Int32(ISTH_E_STATE) }
        do {
            let checked = try ClientOptions(options)
            guard callbacks.size >= MemoryLayout<isth_mqtt_callbacks>.size else {
                throw InvalidOptions(
                    "`size` of the callbacks is \(callbacks.size); set it to sizeof(isth_mqtt_callbacks)"
                )
            }
            guard options.loop < runtime.clients.count else {
                throw InvalidOptions("there is no loop \(options.loop); use one of 0 ..< \(runtime.clients.count)")
            }
            let home = runtime.clients[Int(options.loop)]
            guard let identifier = home.reserve() else { return Int32(ISTH_E_LIMIT) }
            // First the handle: the callbacks may come before this returns.
            out.pointee = identifier
            home.start(
                OutboundConnection(
                    identifier: identifier,
                    options: checked,
                    callbacks: callbacks,
                    context: plugin,
                    loop: home.loop,
                    pool: runtime.pool
                )
            )
            return Int32(ISTH_OK)
        } catch {
            plugin.log(.error, "cannot open an MQTT connection: \(error)")
            return Int32(ISTH_E_ARG)
        }
    }

    @inline(__always)
    private static func with(
        _ context: OpaquePointer,
        _ identifier: isth_id,
        _ body: (OutboundConnection) -> Int32
    ) -> Int32 {
        let plugin = PluginContext.from(context)
        guard let clients = plugin.runtime?.clients else { return Int32(ISTH_E_STATE) }
        let loop = OutboundConnections.loop(of: identifier)
        guard loop < clients.count else { return Int32(ISTH_E_GONE) }
        guard clients[loop].loop.isCurrent else {
            plugin.log(.error, "an MQTT connection of loop \(loop) was used on another thread; use run_on_loop")
            return Int32(ISTH_E_STATE)
        }
        guard let connection = clients[loop].find(identifier, of: plugin) else { return Int32(ISTH_E_GONE) }
        return body(connection)
    }
}

extension isth_mqtt_limits {
    fileprivate init(_ limits: ServerLimits) {
        self.init(
            size: UInt32(MemoryLayout<isth_mqtt_limits>.size),
            maximum_packet_size: UInt32(clamping: limits.maximumPacketSize),
            receive_maximum: UInt16(clamping: limits.receiveMaximum),
            maximum_qos: limits.maximumQoS.rawValue,
            retain_available: limits.retainAvailable ? 1 : 0,
            reserved0: 0
        )
    }
}
