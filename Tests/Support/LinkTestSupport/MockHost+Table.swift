// SPDX-License-Identifier: Apache-2.0
// The C functions of MockHost. What the plugin does not use answers ISTH_E_UNSUPPORTED.

import PluginAPI
import PluginKit

private let ok = Int32(ISTH_OK)
private let unsupported = Int32(ISTH_E_UNSUPPORTED)

extension MockHost {
    static func makeTable(_ ctx: OpaquePointer, loops: UInt32) -> isth_host {
        isth_host(
            size: UInt32(MemoryLayout<isth_host>.size),
            abi: pluginABI,
            ctx: ctx,
            version: UnsafeRawPointer(("1.0.0" as StaticString).utf8Start).assumingMemoryBound(to: CChar.self),
            loop_count: loops,
            reserved0: 0,
            log: { ctx, level, text in MockHost.of(ctx).logs.append("\(level) \(text.string)") },
            log_enabled: { _, _ in 1 },
            config: { ctx, path, json in
                let me = MockHost.of(ctx)
                guard let text = me.config[path.string] else { return Int32(ISTH_E_NOT_FOUND) }
                json.pointee = me.keep(text)
                return ok
            },
            config_origin: { ctx, path, origin in
                let me = MockHost.of(ctx)
                origin.pointee = me.keep(me.origins[path.string] ?? "default")
                return ok
            },
            answer: { _, _, _ in unsupported },
            edit_topic: { _, _ in unsupported },
            edit_payload: { _, _ in unsupported },
            edit_qos: { _, _ in unsupported },
            edit_retain: { _, _ in unsupported },
            edit_filter: { _, _ in unsupported },
            edit_reason: { edit, reason in
                MockHost.of(edit).lastReason = reason
                return ok
            },
            msg_retain: { ctx, message in
                let copy = OwnedMessage(Message(message.pointee))
                MockHost.of(ctx).retained[copy.pointer] = copy
                return copy.pointer
            },
            msg_release: { ctx, message in MockHost.of(ctx).retained[message] = nil },
            publish: { ctx, message, flags in
                let me = MockHost.of(ctx)
                me.published.append(MockHost.Published(message: Message(message.pointee), flags: flags))
                return me.publishResult
            },
            subscribe: { _, _, _, _, _, _, _ in unsupported },
            unsubscribe: { _, _ in unsupported },
            hook_filter: { ctx, filter in
                MockHost.of(ctx).hookFilters.append(filter.string)
                return ok
            },
            kick: { _, _, _, _ in unsupported },
            routes_each: { ctx, with, ud in
                let me = MockHost.of(ctx)
                for route in me.localRoutes { with(ud, me.keep(route.filter), me.keep(route.group)) }
                return ok
            },
            run_on_loop: { ctx, _, function, ud in
                MockHost.of(ctx).tasks.append(MockHost.Task(function: function, ud: ud))
                return ok
            },
            run_blocking: { _, _, _ in unsupported },
            timer: { ctx, _, first, every, function, ud, out in
                let me = MockHost.of(ctx)
                out.pointee = me.nextID()
                let task = MockHost.Task(function: function, ud: ud)
                me.timers[out.pointee] = MockHost.Timer(due: me.now + UInt64(first), every: UInt64(every), task: task)
                return ok
            },
            timer_cancel: { ctx, id in
                MockHost.of(ctx).timers[id] = nil
                return ok
            },
            now_ms: { MockHost.of($0).now },
            service: { ctx, name in
                let me = MockHost.of(ctx)
                return me.offersServices ? MockServices.table(String(cString: name)) : nil
            },
            provide: { _, _, _ in unsupported }
        )
    }
}
