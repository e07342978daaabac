// SPDX-License-Identifier: Apache-2.0
// The hook functions of all started plugins, as one chain a hook. Every loop has a table of its own, built at start: what
// its hooks have cost is counted there, by that loop's thread alone. An empty chain costs one comparison.

import MQTT
import PluginAPI

/// One plugin's function in a chain.
struct HookLink<Function> {
    let function: Function
    let state: UnsafeMutableRawPointer?
    /// Which of a connection's pointers is this plugin's.
    let slot: Int
    /// Of a plugin that must not be called on two threads at once.
    let lock: SerialLock?
    let cost: UnsafeMutablePointer<HookCost>

    @inline(__always)
    func call<Result>(_ body: () -> Result) -> Result {
        let isSample = cost.pointee.count()
        if lock == nil, !isSample { return body() }
        return callWithCare(isSample, body)
    }

    @inline(never)
    private func callWithCare<Result>(_ isSample: Bool, _ body: () -> Result) -> Result {
        lock?.lock()
        defer { lock?.unlock() }
        guard isSample else { return body() }
        let start = Clock.nanoseconds
        defer { cost.pointee.add(Clock.nanoseconds - start) }
        return body()
    }
}

/// What the host knows of a started plugin when the chains are built.
public struct HookedPlugin {
    public var name: String
    public var hooks: isth_hooks
    public var state: UnsafeMutableRawPointer?
    /// Topic filters its publish hook is restricted to; empty = every topic.
    public var filters: [[UInt8]]
    /// If it must never be called on two threads at once.
    let lock: SerialLock?

    public init(
        name: String = "",
        hooks: isth_hooks,
        state: UnsafeMutableRawPointer?,
        filters: [[UInt8]] = [],
        isSerial: Bool = false
    ) {
        self.name = name
        self.hooks = hooks
        self.state = state
        self.filters = filters
        lock = isSerial ? SerialLock.shared : nil
    }
}

public final class HookTable: @unchecked Sendable {
    typealias Client = UnsafePointer<isth_client>
    typealias State = UnsafeMutableRawPointer?
    typealias Say = @convention(c) (UnsafeMutableRawPointer?, isth_str) -> Void
    typealias Explain =
        @convention(c) (State, Client, Int32, isth_str, UInt8, UInt8, Say, UnsafeMutableRawPointer?) -> Void
    typealias AuthStep = @convention(c) (State, Client, isth_id, Int32, isth_str, isth_bytes) -> isth_result

    /// By slot.
    private let names: [String]
    var pluginCount: Int { names.count }
    let connect: [HookLink<@convention(c) (State, Client, OpaquePointer) -> isth_result>]
    let authenticate: [HookLink<@convention(c) (State, Client, isth_id, isth_bytes) -> isth_result>]
    let authStep: [HookLink<AuthStep>]
    let authorize: [HookLink<@convention(c) (State, Client, isth_id, Int32, isth_str, UInt8, UInt8) -> isth_result>]
    let explain: [HookLink<Explain>]
    let connected: [HookLink<@convention(c) (State, Client) -> Void>]
    let closed: [HookLink<@convention(c) (State, Client, UInt8, isth_str) -> Void>]
    let sessionCreated: [HookLink<@convention(c) (State, Client) -> Void>]
    let sessionResumed: [HookLink<@convention(c) (State, Client) -> Void>]
    let sessionTerminated: [HookLink<@convention(c) (State, isth_str, UInt8) -> Void>]
    let subscribe: [HookLink<@convention(c) (State, Client, UnsafePointer<isth_sub>, OpaquePointer) -> isth_result>]
    let subscribed: [HookLink<@convention(c) (State, Client, UnsafePointer<isth_sub>) -> Void>]
    let unsubscribed: [HookLink<@convention(c) (State, Client, isth_str, isth_str) -> Void>]
    let publish: [HookLink<@convention(c) (State, Client?, UnsafePointer<isth_msg>, OpaquePointer) -> isth_result>]
    let deliver: [HookLink<@convention(c) (State, Client, UnsafePointer<isth_msg>) -> isth_result>]
    let acked: [HookLink<@convention(c) (State, Client, UnsafePointer<isth_msg>, UInt8) -> Void>]
    let dropped: [HookLink<@convention(c) (State, Client?, UnsafePointer<isth_msg>, UInt8) -> Void>]
    let routeAdded: [HookLink<@convention(c) (State, isth_str, isth_str) -> Void>]
    let routeRemoved: [HookLink<@convention(c) (State, isth_str, isth_str) -> Void>]
    private let costs: [(plugin: String, hook: String, cost: UnsafeMutablePointer<HookCost>)]
    /// By publish link: the topics it wants to see.
    private let publishFilters: [[PublishFilter]]
    /// Whether all of these start with `$`: then other topics need no look at them.
    let seesOnlyDollarTopics: Bool

    /// Whether a plugin may be called between the receivers of one message.
    let interruptsDelivery: Bool

    public init(_ plugins: [HookedPlugin] = []) {
        var costs: [(plugin: String, hook: String, cost: UnsafeMutablePointer<HookCost>)] = []
        func chain<F>(_ hook: String, _ pick: (isth_hooks) -> F?) -> [HookLink<F>] {
            plugins.enumerated().compactMap { slot, plugin in
                guard let function = pick(plugin.hooks) else { return nil }
                let cost = UnsafeMutablePointer<HookCost>.allocate(capacity: 1)
                cost.initialize(to: HookCost())
                costs.append((plugin.name, hook, cost))
                return HookLink(function: function, state: plugin.state, slot: slot, lock: plugin.lock, cost: cost)
            }
        }
        names = plugins.map(\.name)
        connect = chain("client_connect") { $0.client_connect }
        authenticate = chain("client_authenticate") { $0.client_authenticate }
        authStep = chain("client_auth_step") { $0.client_auth_step }
        explain = chain("explain_authorize") { $0.explain_authorize }
        authorize = chain("client_authorize") { $0.client_authorize }
        connected = chain("client_connected") { $0.client_connected }
        closed = chain("client_closed") { $0.client_closed }
        sessionCreated = chain("session_created") { $0.session_created }
        sessionResumed = chain("session_resumed") { $0.session_resumed }
        sessionTerminated = chain("session_terminated") { $0.session_terminated }
        subscribe = chain("client_subscribe") { $0.client_subscribe }
        subscribed = chain("client_subscribed") { $0.client_subscribed }
        unsubscribed = chain("client_unsubscribed") { $0.client_unsubscribed }
        publish = chain("message_publish") { $0.message_publish }
        deliver = chain("message_deliver") { $0.message_deliver }
        acked = chain("message_acked") { $0.message_acked }
        dropped = chain("message_dropped") { $0.message_dropped }
        interruptsDelivery = !deliver.isEmpty || !dropped.isEmpty
        routeAdded = chain("route_added") { $0.route_added }
        routeRemoved = chain("route_removed") { $0.route_removed }
        self.costs = costs
        publishFilters = plugins.filter { $0.hooks.message_publish != nil }
            .map { $0.filters.map(PublishFilter.init) }
        seesOnlyDollarTopics = publishFilters.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.startsWithDollar) }
    }

    /// For log lines.
    func name(ofPlugin slot: Int) -> String { names[slot].isEmpty ? "a plugin" : names[slot] }

    /// Whether any plugin admits or refuses clients.
    public var authenticates: Bool { !authenticate.isEmpty || !authStep.isEmpty }

    deinit {
        for entry in costs { entry.cost.deallocate() }
        for filters in publishFilters { for filter in filters { filter.deallocate() } }
    }

    /// What the hooks have cost so far, on this table's loop.
    public var figures: [HookFigure] {
        costs.map { plugin, hook, cost in
            HookFigure(
                plugin: plugin,
                hook: hook,
                calls: cost.pointee.calls,
                samples: cost.pointee.samples,
                nanoseconds: cost.pointee.nanoseconds
            )
        }
    }

    /// Whether the publish link at `index` wants to see `topic`.
    @inline(__always)
    func wants(_ index: Int, _ topic: ByteView) -> Bool {
        let filters = publishFilters[index]
        if filters.isEmpty { return true }
        for filter in filters where filter.matches(topic) { return true }
        return false
    }
}

/// A filter with its literal beginning, which rules most topics out by one comparison.
private struct PublishFilter {
    private let filter: OwnedBytes
    private let prefix: ByteView

    init(_ bytes: [UInt8]) {
        filter = bytes.withUnsafeBytes { OwnedBytes(copying: ByteView($0)) }
        let view = filter.view
        var end = 0
        while end < view.count, view[end] != UInt8(ascii: "+"), view[end] != UInt8(ascii: "#") { end += 1 }
        // `a/#` also matches `a`: the slash is not part of what must be there.
        if end > 0, end < view.count, view[end] == UInt8(ascii: "#") { end -= 1 }
        prefix = view.slice(0, end)
    }

    func deallocate() { filter.deallocate() }

    var startsWithDollar: Bool { prefix.buffer.first == UInt8(ascii: "$") }

    @inline(__always)
    func matches(_ topic: ByteView) -> Bool {
        topic.hasPrefix(prefix) && TopicFilter.matches(filter.view, topic)
    }
}
