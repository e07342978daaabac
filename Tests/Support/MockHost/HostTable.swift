// SPDX-License-Identifier: Apache-2.0
// The functions behind the mock host's table. What no test needs answers ISTH_E_UNSUPPORTED.

import PluginAPI
import PluginKit

private let unsupported = Int32(ISTH_E_UNSUPPORTED)

func hostTable(_ ctx: OpaquePointer, _ loops: UInt32) -> isth_host {
    isth_host(
        size: UInt32(MemoryLayout<isth_host>.size),
        abi: pluginABI,
        ctx: ctx,
        version: ("1.0.0" as StaticString).cString,
        loop_count: loops,
        reserved0: 0,
        log: { ctx, _, text in
            let line = text.string
            MockHost.from(ctx).state.withLock { $0.log.append(line) }
        },
        log_enabled: { _, level in level == ISTH_LOG_DEBUG ? 0 : 1 },
        config: readConfig,
        config_origin: { ctx, path, origin in
            origin.pointee = MockHost.from(ctx).view("test.conf:1:1")
            return Int32(ISTH_OK)
        },
        answer: recordAnswer,
        edit_topic: { _, _ in unsupported },
        edit_payload: { _, _ in unsupported },
        edit_qos: { _, _ in unsupported },
        edit_retain: { _, _ in unsupported },
        edit_filter: { _, _ in unsupported },
        edit_reason: { _, _ in unsupported },
        msg_retain: { _, message in message },
        msg_release: { _, _ in },
        publish: { ctx, message, _ in
            let record = (message.pointee.topic.string, message.pointee.payload.view.string)
            MockHost.from(ctx).state.withLock { $0.published.append(record) }
            return Int32(ISTH_OK)
        },
        subscribe: { _, _, _, _, _, _, _ in unsupported },
        unsubscribe: { _, _ in unsupported },
        hook_filter: { ctx, filter in
            let text = filter.string
            MockHost.from(ctx).state.withLock { $0.filters.append(text) }
            return Int32(ISTH_OK)
        },
        kick: { _, _, _, _ in unsupported },
        routes_each: { _, _, _ in unsupported },
        run_on_loop: { ctx, _, body, ud in
            let task = MockHost.Task(body: body, ud: ud)
            MockHost.from(ctx).state.withLock { $0.loops.append(task) }
            return Int32(ISTH_OK)
        },
        run_blocking: runBlocking,
        timer: { _, _, _, _, _, _, _ in unsupported },
        timer_cancel: { _, _ in unsupported },
        now_ms: { _ in 0 },
        service: { _, _ in nil },
        provide: { _, _, _ in unsupported }
    )
}

private func readConfig(_ ctx: OpaquePointer, _ path: isth_str, _ json: UnsafeMutablePointer<isth_str>) -> Int32 {
    let host = MockHost.from(ctx)
    let key = path.string
    guard let text = host.state.withLock({ $0.config[key] }) else { return Int32(ISTH_E_NOT_FOUND) }
    json.pointee = host.view(text)
    return Int32(ISTH_OK)
}

private func recordAnswer(_ ctx: OpaquePointer, _ ticket: isth_id, _ decision: UnsafePointer<isth_decision>) -> Int32 {
    let answer = MockHost.Answer(
        ticket: ticket,
        result: Int(decision.pointee.result),
        isSuperuser: decision.pointee.superuser != 0,
        reasonCode: decision.pointee.reason_code,
        continues: decision.pointee.auth_continue != 0,
        data: decision.pointee.auth_data.view.string,
        userName: decision.pointee.username.string
    )
    return MockHost.from(ctx).state.withLock { state in
        if state.answers.contains(where: { $0.ticket == ticket }) { return Int32(ISTH_E_GONE) }
        state.answers.append(answer)
        return Int32(ISTH_OK)
    }
}

private func runBlocking(_ ctx: OpaquePointer, _ body: isth_task, _ ud: UnsafeMutableRawPointer?) -> Int32 {
    let host = MockHost.from(ctx)
    let task = MockHost.Task(body: body, ud: ud)
    return host.state.withLock { state in
        guard state.blocking.count < host.blockingLimit else { return Int32(ISTH_E_LIMIT) }
        state.blocking.append(task)
        return Int32(ISTH_OK)
    }
}
