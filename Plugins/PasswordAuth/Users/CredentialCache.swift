// SPDX-License-Identifier: Apache-2.0
// Remembers which credentials a slow algorithm has accepted, so that a fleet that reconnects does not pay for it again.
// It holds keyed digests, no passwords, and at most `capacity` of them; the oldest goes first. A reload makes a new
// one, so what was true of the old users is forgotten.

import Synchronization

public final class CredentialCache: Sendable {
    /// SHA-256 of a secret of this process, the user, the password and what is stored.
    public struct Key: Hashable, Sendable {
        fileprivate let digest: [UInt8]
    }

    private struct State {
        var known: Set<Key> = []
        var order: [Key] = []
        var oldest = 0
    }

    private let secret = randomSalt() + randomSalt()
    private let capacity: Int
    private let state = Mutex(State())

    public init(capacity: Int = 4096) { self.capacity = capacity }

    /// Nil if the library fails; then nothing is remembered.
    public func key(_ userID: [UInt8], _ password: [UInt8], _ credential: Credential) -> Key? {
        var input = secret
        for part in [userID, password, credential.secret, credential.salt] {
            withUnsafeBytes(of: part.count) { input += $0 }
            input += part
        }
        return Digest.sha256.hash(input).map(Key.init)
    }

    public func contains(_ key: Key) -> Bool { state.withLock { $0.known.contains(key) } }

    public func insert(_ key: Key) {
        state.withLock { state in
            guard capacity > 0, state.known.insert(key).inserted else { return }
            if state.order.count < capacity {
                state.order.append(key)
            } else {
                state.known.remove(state.order[state.oldest])
                state.order[state.oldest] = key
                state.oldest = (state.oldest + 1) % capacity
            }
        }
    }
}
