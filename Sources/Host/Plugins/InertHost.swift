// SPDX-License-Identifier: Apache-2.0
// A host table whose functions do nothing, for the trial process: every config value is absent, every request is
// unsupported. Only what cannot do harm is accepted: log lines (warnings go to standard error), hook filters, and
// services offered to others, which are reported.

import Glibc
import PluginAPI

enum InertHost {
    /// The table, and behind its `ctx` the descriptor that offered services are reported to. Both live until the
    /// process ends, which is what a plugin may expect.
    static func table(reportTo output: Int32) -> UnsafePointer<isth_host> {
        let context = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        context.initialize(to: output)
        let version = UnsafeMutablePointer<CChar>.allocate(capacity: Version.text.utf8.count + 1)
        for (index, byte) in (Array(Version.text.utf8) + [0]).enumerated() {
            (version + index).initialize(to: CChar(bitPattern: byte))
        }
        let table = UnsafeMutablePointer<isth_host>.allocate(capacity: 1)
        table.initialize(to: make(OpaquePointer(context), version))
        return UnsafePointer(table)
    }

    private static func make(_ context: OpaquePointer, _ version: UnsafePointer<CChar>) -> isth_host {
        isth_host(
            size: UInt32(MemoryLayout<isth_host>.size),
            abi: PluginABI.host,
            ctx: context,
            version: version,
            loop_count: 1,
            reserved0: 0,
            log: { _, level, text in InertHost.log(level, text) },
            log_enabled: { _, level in Int(level) >= ISTH_LOG_WARNING ? 1 : 0 },
            config: { _, _, _ in Int32(ISTH_E_NOT_FOUND) },
            config_origin: { _, _, _ in Int32(ISTH_E_NOT_FOUND) },
            answer: { _, _, _ in Int32(ISTH_E_GONE) },
            edit_topic: { _, _ in Int32(ISTH_E_UNSUPPORTED) },
            edit_payload: { _, _ in Int32(ISTH_E_UNSUPPORTED) },
            edit_qos: { _, _ in Int32(ISTH_E_UNSUPPORTED) },
            edit_retain: { _, _ in Int32(ISTH_E_UNSUPPORTED) },
            edit_filter: { _, _ in Int32(ISTH_E_UNSUPPORTED) },
            edit_reason: { _, _ in Int32(ISTH_E_UNSUPPORTED) },
            msg_retain: { _, message in message },
            msg_release: { _, _ in },
            publish: { _, _, _ in Int32(ISTH_E_UNSUPPORTED) },
            subscribe: { _, _, _, _, _, _, _ in Int32(ISTH_E_UNSUPPORTED) },
            unsubscribe: { _, _ in Int32(ISTH_E_GONE) },
            hook_filter: { _, _ in Int32(ISTH_OK) },
            kick: { _, _, _, _ in Int32(ISTH_E_NOT_FOUND) },
            routes_each: { _, _, _ in Int32(ISTH_E_UNSUPPORTED) },
            run_on_loop: { _, _, _, _ in Int32(ISTH_E_UNSUPPORTED) },
            run_blocking: { _, _, _ in Int32(ISTH_E_UNSUPPORTED) },
            timer: { _, _, _, _, _, _, _ in Int32(ISTH_E_UNSUPPORTED) },
            timer_cancel: { _, _ in Int32(ISTH_E_GONE) },
            now_ms: { _ in UInt64(monotonicMilliseconds()) },
            service: { _, _ in nil },
            provide: { context, name, _ in
                let output = UnsafePointer<Int32>(context).pointee
                writeAll(ProbeReport.line(ProbeReport.Key.service, String(cString: name)), to: output)
                return Int32(ISTH_OK)
            }
        )
    }

    private static func log(_ level: Int32, _ text: isth_str) {
        guard Int(level) >= ISTH_LOG_WARNING, let start = text.ptr else { return }
        let bytes = UnsafeRawBufferPointer(start: start, count: text.len)
        writeAll(String(decoding: bytes, as: UTF8.self) + "\n", to: 2)
    }
}
