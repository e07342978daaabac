// SPDX-License-Identifier: Apache-2.0
// The hook functions of all started plugins, as one chain a hook. Built once at start and immutable, so that every loop
// reads it without a lock; an empty chain costs one comparison.

import Glibc
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

    @inline(__always)
    func call<Result>(_ body: () -> Result) -> Result {
        guard let lock else { return body() }
        lock.lock()
        defer { lock.unlock() }
        return body()
    }
}

/// Recursive, since a hook may publish and so come to itself again.
final class SerialLock {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
        pthread_mutex_init(mutex, &attributes)
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }
    func unlock() { pthread_mutex_unlock(mutex) }
}

/// What the host knows of a started plugin when the chains are built.
public struct HookedPlugin {
    public var hooks: isth_hooks
    public var state: UnsafeMutableRawPointer?
    /// Topic filters its publish hook is restricted to; empty = every topic.
    public var filters: [[UInt8]]
    /// Never call it on two threads at once.
    public var isSerial: Bool

    public init(
        hooks: isth_hooks,
        state: UnsafeMutableRawPointer?,
        filters: [[UInt8]] = [],
        isSerial: Bool = false
    ) {
        self.hooks = hooks
        self.state = state
        self.filters = filters
        self.isSerial = isSerial
    }
}

public final class HookTable: @unchecked Sendable {
    typealias Client = UnsafePointer<isth_client>
    typealias State = UnsafeMutableRawPointer?

    let pluginCount: Int
    let connect: [HookLink<@convention(c) (State, Client, OpaquePointer) -> isth_result>]
    let authenticate: [HookLink<@convention(c) (State, Client, isth_id, isth_bytes) -> isth_result>]
    let authorize: [HookLink<@convention(c) (State, Client, isth_id, Int32, isth_str, UInt8, UInt8) -> isth_result>]
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
    /// By publish link: the topics it wants to see.
    private let publishFilters: [[PublishFilter]]
    /// Whether all of these start with `$`: then other topics need no look at them.
    let seesOnlyDollarTopics: Bool

    /// Whether a plugin may be called between the receivers of one message.
    let interruptsDelivery: Bool

    public init(_ plugins: [HookedPlugin] = []) {
        let locks = plugins.map { $0.isSerial ? SerialLock() : nil }
        func chain<F>(_ pick: (isth_hooks) -> F?) -> [HookLink<F>] {
            plugins.enumerated().compactMap { slot, plugin in
                pick(plugin.hooks).map { HookLink(function: $0, state: plugin.state, slot: slot, lock: locks[slot]) }
            }
        }
        pluginCount = plugins.count
        connect = chain { $0.client_connect }
        authenticate = chain { $0.client_authenticate }
        authorize = chain { $0.client_authorize }
        connected = chain { $0.client_connected }
        closed = chain { $0.client_closed }
        sessionCreated = chain { $0.session_created }
        sessionResumed = chain { $0.session_resumed }
        sessionTerminated = chain { $0.session_terminated }
        subscribe = chain { $0.client_subscribe }
        subscribed = chain { $0.client_subscribed }
        unsubscribed = chain { $0.client_unsubscribed }
        publish = chain { $0.message_publish }
        deliver = chain { $0.message_deliver }
        acked = chain { $0.message_acked }
        dropped = chain { $0.message_dropped }
        interruptsDelivery = !deliver.isEmpty || !dropped.isEmpty
        routeAdded = chain { $0.route_added }
        routeRemoved = chain { $0.route_removed }
        publishFilters = plugins.filter { $0.hooks.message_publish != nil }
            .map { $0.filters.map(PublishFilter.init) }
        seesOnlyDollarTopics = publishFilters.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.startsWithDollar) }
    }

    /// Whether any plugin admits or refuses clients.
    public var authenticates: Bool { !authenticate.isEmpty }

    deinit {
        for filters in publishFilters { for filter in filters { filter.deallocate() } }
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
