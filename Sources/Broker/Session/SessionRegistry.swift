// SPDX-License-Identifier: Apache-2.0
// Which loop owns a client's session: the one thing all loops share. It is asked at CONNECT and at a session's end
// only, and locked in shards.

import Glibc

public final class SessionRegistry: @unchecked Sendable {
    private final class Shard {
        let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        var owners: [[UInt8]: Int] = [:]

        init() { pthread_mutex_init(lock, nil) }

        deinit {
            pthread_mutex_destroy(lock)
            lock.deallocate()
        }
    }

    private let shards: [Shard]

    public init() {
        shards = (0..<64).map { _ in Shard() }
    }

    private func with<Result>(_ clientIdentifier: [UInt8], _ body: (Shard) -> Result) -> Result {
        let shard = shards[Int(UInt(bitPattern: clientIdentifier.hashValue) % 64)]
        pthread_mutex_lock(shard.lock)
        defer { pthread_mutex_unlock(shard.lock) }
        return body(shard)
    }

    /// Makes `loop` the owner and returns who was it before.
    func claim(_ clientIdentifier: [UInt8], _ loop: Int) -> Int? {
        with(clientIdentifier) { $0.owners.updateValue(loop, forKey: clientIdentifier) }
    }

    /// The session ended on `loop`; another loop may have claimed the client since.
    func release(_ clientIdentifier: [UInt8], _ loop: Int) {
        with(clientIdentifier) { shard in
            if shard.owners[clientIdentifier] == loop { shard.owners[clientIdentifier] = nil }
        }
    }

    /// Which loop owns the client's session.
    public func owner(_ clientIdentifier: [UInt8]) -> Int? {
        with(clientIdentifier) { $0.owners[clientIdentifier] }
    }
}
