// SPDX-License-Identifier: Apache-2.0
// The lock around the hooks of all plugins that asked for ISTH_F_SERIAL. It is one for all of them: with one each, two
// loops whose hooks publish, and so call the other plugin, would wait for each other for ever.

import Glibc

/// Recursive, since a hook may publish and so come to itself again.
final class SerialLock: @unchecked Sendable {
    static let shared = SerialLock()

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    private init() {
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
