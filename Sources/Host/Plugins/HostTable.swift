// SPDX-License-Identifier: Apache-2.0
// The functions of `isth_host`: thin C entries into the runtime. What each promises stands in isthmus_plugin.h.

import Broker
import PluginAPI
import Reactor

enum HostTable {
    nonisolated(unsafe) private static let version: UnsafePointer<CChar> = {
        let text = Array(Version.text.utf8CString)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
        copy.initialize(from: text, count: text.count)
        return UnsafePointer(copy)
    }()

    static func make(_ context: OpaquePointer, loopCount: UInt32) -> isth_host {
        isth_host(
            size: UInt32(MemoryLayout<isth_host>.size),
            abi: PluginABI.host,
            ctx: context,
            version: version,
            loop_count: loopCount,
            reserved0: 0,
            log: { context, level, text in
                PluginContext.from(context).log(LogLevel(rawValue: level) ?? .info, text.string)
            },
            log_enabled: { context, level in
                PluginContext.from(context).isLogged(LogLevel(rawValue: level) ?? .info) ? 1 : 0
            },
            config: { context, path, json in
                let plugin = PluginContext.from(context)
                let path = path.string
                guard let value = plugin.value(at: path) else { return Int32(ISTH_E_NOT_FOUND) }
                json.pointee = plugin.lend("value " + path, value.json)
                return Int32(ISTH_OK)
            },
            config_origin: { context, path, origin in
                let plugin = PluginContext.from(context)
                let path = path.string
                guard let value = plugin.value(at: path) else { return Int32(ISTH_E_NOT_FOUND) }
                origin.pointee = plugin.lend("origin " + path, value.origin.description)
                return Int32(ISTH_OK)
            },
            answer: HostCalls.answer,
            edit_topic: EditFunctions.topic,
            edit_payload: EditFunctions.payload,
            edit_qos: EditFunctions.qos,
            edit_retain: EditFunctions.retain,
            edit_filter: EditFunctions.filter,
            edit_reason: EditFunctions.reason,
            msg_retain: { _, message in RetainedView.retain(message) },
            msg_release: { _, message in RetainedView.release(message) },
            publish: HostCalls.publish,
            subscribe: HostCalls.subscribe,
            unsubscribe: HostCalls.unsubscribe,
            hook_filter: { context, filter in
                guard HostCalls.isValidFilter(filter) else { return Int32(ISTH_E_ARG) }
                PluginContext.from(context).addHookFilter(filter.bytes)
                return Int32(ISTH_OK)
            },
            kick: HostCalls.kick,
            routes_each: HostCalls.routesEach,
            run_on_loop: HostCalls.runOnLoop,
            run_blocking: HostCalls.runBlocking,
            timer: HostCalls.timer,
            timer_cancel: HostCalls.timerCancel,
            now_ms: { _ in UInt64(monotonicMilliseconds()) },
            service: HostCalls.service,
            provide: { context, name, table in
                guard let runtime = PluginContext.from(context).runtime else { return Int32(ISTH_E_STATE) }
                return runtime.provide(String(cString: name), table) ? Int32(ISTH_OK) : Int32(ISTH_E_STATE)
            }
        )
    }
}
