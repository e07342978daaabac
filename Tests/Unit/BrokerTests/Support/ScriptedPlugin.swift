// SPDX-License-Identifier: Apache-2.0
// A plugin whose hooks are closures of the test. Only the hooks that are set stand in its table.

import MQTT
import PluginAPI

@testable import Broker

/// The plugin behind the pointer that its hooks are given.
private func plugin(_ state: UnsafeMutableRawPointer?) -> ScriptedPlugin {
    Unmanaged<ScriptedPlugin>.fromOpaque(state!).takeUnretainedValue()
}

final class ScriptedPlugin {
    unowned var world: World!
    /// What happened, in order.
    var events: [String] = []
    /// Called in each hook that only records.
    var happened: (() -> Void)?
    /// Topics its publish hook is restricted to.
    var filters: [[UInt8]] = []

    var connect: ((isth_client) -> Int) = { _ in 0 }
    var authenticate: ((isth_client, UInt64, isth_bytes) -> Int)?
    /// Phase, method and data.
    var authStep: ((isth_client, UInt64, Int, String, String) -> Int)?
    var authorize: ((isth_client, UInt64, String, Int) -> Int)?
    /// By topic and access.
    var explain: ((String, Int) -> String)?
    var connected: ((isth_client) -> Void)?
    var closed: ((isth_client, UInt8) -> Void)?
    var subscribe: ((isth_sub, OpaquePointer) -> Int)?
    var publish: ((isth_msg, OpaquePointer) -> Int)?
    var deliver: ((isth_client, isth_msg) -> Int)?
    var acked: ((isth_client, isth_msg) -> Void)?
    var dropped: ((UnsafePointer<isth_client>?, isth_msg, UInt8) -> Void)?
    var recordsLife = false
    var recordsRoutes = false
    var hooksConnect = false

    fileprivate func record(_ event: String) {
        events.append(event)
        happened?()
    }

    var state: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    var table: isth_hooks {
        var hooks = isth_hooks()
        hooks.size = UInt32(MemoryLayout<isth_hooks>.size)
        if hooksConnect { hooks.client_connect = { state, client, _ in Int32(plugin(state).connect(client.pointee)) } }
        addDecisions(&hooks)
        addMessages(&hooks)
        if recordsLife { addLife(&hooks) }
        if recordsRoutes { addRoutes(&hooks) }
        if connected != nil { hooks.client_connected = { plugin($0).connected?($1.pointee) } }
        if closed != nil {
            hooks.client_closed = { state, client, reason, _ in plugin(state).closed?(client.pointee, reason) }
        }
        return hooks
    }

    /// The closures hold the plugin, mostly.
    func forget() {
        (authenticate, authorize, connected, closed, subscribe) = (nil, nil, nil, nil, nil)
        (explain, happened) = (nil, nil)
        (publish, deliver, acked, dropped, authStep) = (nil, nil, nil, nil, nil)
        connect = { _ in 0 }
    }

    private func addDecisions(_ hooks: inout isth_hooks) {
        if authenticate != nil {
            hooks.client_authenticate = { state, client, ticket, password in
                Int32(plugin(state).authenticate?(client.pointee, ticket, password) ?? 0)
            }
        }
        if authStep != nil {
            hooks.client_auth_step = { state, client, ticket, phase, method, data in
                Int32(plugin(state).authStep?(client.pointee, ticket, Int(phase), method.text, data.text) ?? 0)
            }
        }
        if authorize != nil {
            hooks.client_authorize = { state, client, ticket, access, topic, _, _ in
                Int32(plugin(state).authorize?(client.pointee, ticket, topic.text, Int(access)) ?? 0)
            }
        }
        if explain != nil {
            hooks.explain_authorize = { state, _, access, topic, _, _, say, ud in
                let why = plugin(state).explain?(topic.text, Int(access)) ?? ""
                why.withView { say(ud, isth_str($0)) }
            }
        }
        if subscribe != nil {
            hooks.client_subscribe = { state, _, subscription, edit in
                Int32(plugin(state).subscribe?(subscription.pointee, edit) ?? 0)
            }
        }
    }

    private func addMessages(_ hooks: inout isth_hooks) {
        if publish != nil {
            hooks.message_publish = { state, _, message, edit in
                Int32(plugin(state).publish?(message.pointee, edit) ?? 0)
            }
        }
        if deliver != nil {
            hooks.message_deliver = { state, client, message in
                Int32(plugin(state).deliver?(client.pointee, message.pointee) ?? 0)
            }
        }
        if acked != nil {
            hooks.message_acked = { state, client, message, _ in plugin(state).acked?(client.pointee, message.pointee) }
        }
        if dropped != nil {
            hooks.message_dropped = { state, client, message, reason in
                plugin(state).dropped?(client, message.pointee, reason)
            }
        }
    }

    private func addLife(_ hooks: inout isth_hooks) {
        hooks.session_created = { plugin($0).record("created \($1.pointee.client_id.text)") }
        hooks.session_resumed = { plugin($0).record("resumed \($1.pointee.client_id.text)") }
        hooks.session_terminated = { state, name, _ in plugin(state).record("terminated \(name.text)") }
        hooks.client_connected = { plugin($0).record("connected \($1.pointee.client_id.text)") }
        hooks.client_closed = { state, client, reason, _ in
            plugin(state).record("closed \(client.pointee.client_id.text) \(reason)")
        }
        hooks.client_subscribed = { plugin($0).record("subscribed \($2.pointee.filter.text)") }
        hooks.client_unsubscribed = { state, _, filter, _ in plugin(state).record("unsubscribed \(filter.text)")
        }
    }

    private func addRoutes(_ hooks: inout isth_hooks) {
        hooks.route_added = { plugin($0).record("+\($1.text)|\($2.text)") }
        hooks.route_removed = { plugin($0).record("-\($1.text)|\($2.text)") }
    }

    /// Publishes from inside a hook, as `host->publish` does.
    func inject(
        _ topic: String,
        _ payload: String = "injected",
        loop: Int = 0,
        qos: UInt8 = 0,
        flags: Int = 0,
        retain: Bool = false
    ) {
        let broker = world.brokers[loop]
        let message = InjectedMessage.make(topic, payload, qos: qos, retain: retain, flags: flags, now: broker.now)
        if let message { broker.inject(message) }
    }
}

extension InjectedMessage {
    static func make(
        _ topic: String,
        _ payload: String = "injected",
        qos: UInt8 = 0,
        retain: Bool = false,
        origin: UInt64 = 0,
        flags: Int = 0,
        now: UInt64
    ) -> InjectedMessage? {
        topic.withView { topic in
            payload.withView { payload in
                var view = isth_msg()
                view.size = UInt32(MemoryLayout<isth_msg>.size)
                view.topic = isth_str(topic)
                view.payload = isth_bytes(payload)
                view.qos = qos
                view.origin = UInt8(ISTH_ORIGIN_PLUGIN)
                view.origin_id = origin
                if retain { view.flags |= UInt32(ISTH_MSG_RETAIN) }
                return InjectedMessage(view, flags: UInt32(flags), now: now)
            }
        }
    }
}

extension isth_str {
    var text: String { ByteView(self).string }
}

extension isth_bytes {
    var text: String { ByteView(self).string }
}
