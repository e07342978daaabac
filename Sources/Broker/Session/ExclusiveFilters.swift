// SPDX-License-Identifier: Apache-2.0
// Filters that one client at a time may subscribe to (`$exclusive/FILTER`), whichever loop it is on. Asked at SUBSCRIBE,
// UNSUBSCRIBE and a session's end, under a lock. The owner is known by its client identifier, so that a session may
// move between loops without giving anything up.

import Glibc
import MQTT

final class ExclusiveFilters: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var owners: [[UInt8]: [UInt8]] = [:]

    init() { pthread_mutex_init(lock, nil) }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// Whether the client has the filter to itself now.
    func acquire(_ filter: [UInt8], _ client: [UInt8]) -> Bool {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if let owner = owners[filter] { return owner == client }
        owners[filter] = client
        return true
    }

    /// The client does not want the filter any more, if it had it.
    func release(_ filter: [UInt8], _ client: [UInt8]) {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if owners[filter] == client { owners[filter] = nil }
    }

    var count: Int {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return owners.count
    }
}

extension Broker {
    func acquire(_ filter: [UInt8], _ slot: Int32) -> Bool {
        registry.exclusive.acquire(filter, Array(sessions[slot].pointee.clientIdentifier.view.buffer))
    }

    func release(_ filter: ByteView, _ slot: Int32) {
        guard knowsExclusive else { return }
        registry.exclusive.release(
            Array(filter.buffer),
            Array(sessions[slot].pointee.clientIdentifier.view.buffer)
        )
    }

    /// The session ends.
    func releaseAll(of slot: Int32) {
        guard knowsExclusive else { return }
        let subscriptions = sessions[slot].pointee.subscriptions
        for i in 0..<subscriptions.count where !subscriptions[i].isShared {
            release(index.filter(of: subscriptions[i].entry), slot)
        }
    }
}
