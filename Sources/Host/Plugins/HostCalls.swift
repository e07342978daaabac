// SPDX-License-Identifier: Apache-2.0
// The calls of `isth_host` that act on the broker. Each finds the loop it concerns and runs there: at once if that is
// the caller's thread, else in the loop's next turn.

import Broker
import MQTT
import PluginAPI
import Reactor

enum HostCalls {
    static func isValidFilter(_ filter: isth_str) -> Bool {
        let bytes = filter.bytes
        return bytes.withUnsafeBytes { TopicFilter.validate(ByteView($0)) }
    }

    /// `$share/…` and the like say how a client's subscription works; as a plain filter they would match nothing.
    private static func isOfClients(_ filter: isth_str) -> Bool {
        let filter = filter.string
        return ["$share/", "$queue/", "$exclusive/"].contains { filter.hasPrefix($0) }
    }

    static let answer: @convention(c) (OpaquePointer, isth_id, UnsafePointer<isth_decision>) -> Int32 = {
        context,
        ticket,
        decision in
        guard let runtime = PluginContext.from(context).runtime else { return Int32(ISTH_E_STATE) }
        guard let home = runtime.loop(UInt32(ticket >> 56)) else { return Int32(ISTH_E_GONE) }
        let answer = HookAnswer(decision.pointee)
        if home.loop.isCurrent {
            return home.current.answer(ticket, answer) ? Int32(ISTH_OK) : Int32(ISTH_E_GONE)
        }
        home.loop.post { _ = home.current.answer(ticket, answer) }
        return Int32(ISTH_OK)
    }

    static let publish: @convention(c) (OpaquePointer, UnsafePointer<isth_msg>, UInt32) -> Int32 = {
        context,
        message,
        flags in
        let plugin = PluginContext.from(context)
        guard let runtime = plugin.runtime else { return Int32(ISTH_E_STATE) }
        let now = UInt64(monotonicMilliseconds())
        guard let injected = InjectedMessage(message.pointee, flags: flags, now: now) else {
            plugin.log(.error, "published a message whose topic, QoS, properties or size are not valid; it is dropped")
            return Int32(ISTH_E_ARG)
        }
        guard let home = runtime.currentLoop else {
            let home = runtime.loops[0]
            home.loop.post { home.current.inject(injected) }
            return Int32(ISTH_OK)
        }
        return home.current.inject(injected) ? Int32(ISTH_OK) : Int32(ISTH_E_NOT_FOUND)
    }

    static let subscribe:
        @convention(c) (
            OpaquePointer, UInt32, isth_str, UInt32,
            @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<isth_msg>) -> Void,
            UnsafeMutableRawPointer?, UnsafeMutablePointer<isth_id>
        ) -> Int32 = { context, loop, filter, flags, on, state, out in
            let plugin = PluginContext.from(context)
            guard let runtime = plugin.runtime else { return Int32(ISTH_E_STATE) }
            guard let home = runtime.loop(loop) else {
                plugin.log(.error, "subscribed on loop \(loop), and there are \(runtime.loops.count)")
                return Int32(ISTH_E_ARG)
            }
            guard isValidFilter(filter), !isOfClients(filter) else {
                plugin.log(
                    .error,
                    "subscribed to \"\(filter.string)\", which is no topic filter or has a client's prefix"
                )
                return Int32(ISTH_E_ARG)
            }
            let wantsRetained = flags & UInt32(ISTH_SUB_NO_RETAINED) == 0
            let identifier = runtime.makeIdentifier() | UInt64(home.loop.index) << 56
            let bytes = filter.bytes
            let opaque = Opaque(pointer: state)
            runtime.run(on: home) {
                home.openDestination(identifier, isSubscription: true, opaque, on)
                home.withDestination(identifier) { broker, index in
                    bytes.withUnsafeBytes {
                        broker.addFilter(index, ByteView($0))
                        if wantsRetained { broker.handRetained(ByteView($0), to: index) }
                    }
                }
            }
            out.pointee = identifier
            return Int32(ISTH_OK)
        }

    static let unsubscribe: @convention(c) (OpaquePointer, isth_id) -> Int32 = { context, identifier in
        guard let runtime = PluginContext.from(context).runtime else { return Int32(ISTH_E_STATE) }
        guard let home = runtime.loop(UInt32(identifier >> 56)) else { return Int32(ISTH_E_GONE) }
        runtime.run(on: home) { home.closeDestination(identifier) }
        return Int32(ISTH_OK)
    }

    static let kick: @convention(c) (OpaquePointer, isth_str, UInt8, Int32) -> Int32 = {
        context,
        clientIdentifier,
        reason,
        dropSession in
        let plugin = PluginContext.from(context)
        guard let runtime = plugin.runtime else { return Int32(ISTH_E_STATE) }
        let name = clientIdentifier.bytes
        let home = runtime.loops[runtime.sessions.owner(name) ?? 0]
        // Never inside a hook of that very client: its connection is in use up the stack.
        home.loop.post {
            name.withUnsafeBytes {
                _ = home.current.kick(ByteView($0), reason, dropSession: dropSession != 0, by: plugin.name)
            }
        }
        return Int32(ISTH_OK)
    }

    static let routesEach:
        @convention(c) (
            OpaquePointer, @convention(c) (UnsafeMutableRawPointer?, isth_str, isth_str) -> Void,
            UnsafeMutableRawPointer?
        ) -> Int32 = { context, with, state in
            guard let runtime = PluginContext.from(context).runtime, runtime.loops[0].loop.isCurrent else {
                return Int32(ISTH_E_STATE)
            }
            runtime.loops[0].broker.forEachRoute { filter, group in with(state, isth_str(filter), isth_str(group)) }
            return Int32(ISTH_OK)
        }

    static let runOnLoop:
        @convention(c) (
            OpaquePointer, UInt32, @convention(c) (UnsafeMutableRawPointer?) -> Void, UnsafeMutableRawPointer?
        ) -> Int32 = { context, loop, task, state in
            guard let runtime = PluginContext.from(context).runtime else { return Int32(ISTH_E_STATE) }
            guard let home = runtime.loop(loop) else { return Int32(ISTH_E_ARG) }
            let opaque = Opaque(pointer: state)
            home.loop.post { task(opaque.pointer) }
            return Int32(ISTH_OK)
        }

    static let runBlocking:
        @convention(c) (OpaquePointer, @convention(c) (UnsafeMutableRawPointer?) -> Void, UnsafeMutableRawPointer?) ->
            Int32 = { context, task, state in
                guard let runtime = PluginContext.from(context).runtime else { return Int32(ISTH_E_STATE) }
                let opaque = Opaque(pointer: state)
                return runtime.pool.submit { task(opaque.pointer) } ? Int32(ISTH_OK) : Int32(ISTH_E_LIMIT)
            }

    static let timer:
        @convention(c) (
            OpaquePointer, UInt32, UInt32, UInt32, @convention(c) (UnsafeMutableRawPointer?) -> Void,
            UnsafeMutableRawPointer?, UnsafeMutablePointer<isth_id>
        ) -> Int32 = { context, loop, first, every, task, state, out in
            guard let runtime = PluginContext.from(context).runtime else { return Int32(ISTH_E_STATE) }
            guard let home = runtime.loop(loop) else { return Int32(ISTH_E_ARG) }
            let identifier = runtime.makeIdentifier() | UInt64(home.loop.index) << 56
            let opaque = Opaque(pointer: state)
            runtime.run(on: home) { home.addTimer(identifier, first: first, every: every) { task(opaque.pointer) } }
            out.pointee = identifier
            return Int32(ISTH_OK)
        }

    static let timerCancel: @convention(c) (OpaquePointer, isth_id) -> Int32 = { context, identifier in
        guard let runtime = PluginContext.from(context).runtime else { return Int32(ISTH_E_STATE) }
        guard let home = runtime.loop(UInt32(identifier >> 56)) else { return Int32(ISTH_E_GONE) }
        runtime.run(on: home) { home.cancelTimer(identifier) }
        return Int32(ISTH_OK)
    }

    static let service: @convention(c) (OpaquePointer, UnsafePointer<CChar>) -> UnsafeRawPointer? = { context, name in
        let name = String(cString: name)
        switch name {
        case "route/1": return UnsafeRawPointer(RouteService.table)
        case "mqtt_client/1": return UnsafeRawPointer(MQTTClientService.table)
        case "mqtt_limits/1": return UnsafeRawPointer(MQTTClientService.limits)
        case "metrics/1": return UnsafeRawPointer(MetricsService.table)
        case "log/1": return UnsafeRawPointer(LogService.table)
        default: return PluginContext.from(context).runtime?.providedService(name)
        }
    }
}
