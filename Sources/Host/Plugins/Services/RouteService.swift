// SPDX-License-Identifier: Apache-2.0
// `route/1`: a plugin's destinations in the broker's own index.

import MQTT
import PluginAPI

enum RouteService {
    nonisolated(unsafe) static let table: UnsafePointer<isth_route_service> = {
        let table = UnsafeMutablePointer<isth_route_service>.allocate(capacity: 1)
        table.initialize(
            to: isth_route_service(
                size: UInt32(MemoryLayout<isth_route_service>.size),
                reserved0: 0,
                open: { context, loop, _, deliver, state, out in
                    guard let runtime = PluginContext.from(context).runtime else { return Int32(ISTH_E_STATE) }
                    guard let home = runtime.loop(loop) else { return Int32(ISTH_E_ARG) }
                    let identifier = runtime.makeIdentifier() | UInt64(home.loop.index) << 56
                    let opaque = Opaque(pointer: state)
                    runtime.run(on: home) {
                        home.openDestination(identifier, isSubscription: false, opaque, deliver)
                    }
                    out.pointee = identifier
                    return Int32(ISTH_OK)
                },
                add: { context, identifier, filter in
                    change(context, identifier, filter) { home, index in
                        filter.bytes.withUnsafeBytes { home.broker.addFilter(index, ByteView($0)) }
                    }
                },
                remove: { context, identifier, filter in
                    change(context, identifier, filter) { home, index in
                        filter.bytes.withUnsafeBytes { home.broker.removeFilter(index, ByteView($0)) }
                    }
                },
                close: { context, identifier in
                    guard let home = home(context, identifier) else { return Int32(ISTH_E_STATE) }
                    return home.closeDestination(identifier) ? Int32(ISTH_OK) : Int32(ISTH_E_GONE)
                }
            )
        )
        return UnsafePointer(table)
    }()

    /// The destination's loop, if this is its thread.
    private static func home(_ context: OpaquePointer, _ identifier: UInt64) -> BrokerLoop? {
        guard let home = PluginContext.from(context).runtime?.loop(UInt32(identifier >> 56)), home.loop.isCurrent else {
            return nil
        }
        return home
    }

    private static func change(
        _ context: OpaquePointer,
        _ identifier: UInt64,
        _ filter: isth_str,
        _ body: (BrokerLoop, Int32) -> Void
    ) -> Int32 {
        guard HostCalls.isValidFilter(filter) else { return Int32(ISTH_E_ARG) }
        guard let home = home(context, identifier) else { return Int32(ISTH_E_STATE) }
        let isKnown = home.withDestination(identifier) { _, index in body(home, index) }
        return isKnown ? Int32(ISTH_OK) : Int32(ISTH_E_GONE)
    }
}
