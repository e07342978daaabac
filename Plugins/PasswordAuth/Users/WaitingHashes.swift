// SPDX-License-Identifier: Apache-2.0
// How many slow hashes wait for one user and for one address. Guessing costs the guesser his turn and nobody else's:
// what is beyond the limits is answered at once, and a client that left costs no hash.

import Glibc
import Synchronization

public final class WaitingHashes: Sendable {
    private struct Counts {
        var users: [[UInt8]: Int] = [:]
        var addresses: [[UInt8]: Int] = [:]
    }

    private let counts = Mutex(Counts())

    public init() {}

    /// Users and addresses that are counted at the moment; 0 when nothing waits.
    public var count: Int { counts.withLock { $0.users.count + $0.addresses.count } }

    /// Nil if so many wait for this user, or from this address, already. IPv6 addresses of one /64 are one: whoever has
    /// one of them has them all.
    public func enter(_ userID: [UInt8], from address: [UInt8], perUser: Int, perAddress: Int) -> WaitingHash? {
        let network = Self.network(address)
        let isFree = counts.withLock { counts in
            guard counts.users[userID, default: 0] < perUser, counts.addresses[network, default: 0] < perAddress else {
                return false
            }
            counts.users[userID, default: 0] += 1
            counts.addresses[network, default: 0] += 1
            return true
        }
        return isFree ? WaitingHash(self, userID, network) : nil
    }

    fileprivate func leave(_ userID: [UInt8], _ network: [UInt8]) {
        counts.withLock { counts in
            counts.users[userID] = counts.users[userID].flatMap { $0 > 1 ? $0 - 1 : nil }
            counts.addresses[network] = counts.addresses[network].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
    }

    private static func network(_ address: [UInt8]) -> [UInt8] {
        var bits = in6_addr()
        let text = address.prefix { $0 != UInt8(ascii: "%") }.map { CChar(bitPattern: $0) } + [0]
        guard inet_pton(AF_INET6, text, &bits) == 1 else { return address }
        let bytes = withUnsafeBytes(of: &bits) { Array($0) }
        // An IPv4 address in IPv6's form.
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) { return bytes }
        return Array(bytes.prefix(8))
    }
}

/// The place of one hash, given back once.
public final class WaitingHash: Sendable {
    private enum Stage {
        static let waiting: UInt8 = 0
        static let running: UInt8 = 1
        static let over: UInt8 = 2
    }

    private let all: WaitingHashes
    private let userID: [UInt8]
    private let network: [UInt8]
    private let stage = Atomic(Stage.waiting)

    fileprivate init(_ all: WaitingHashes, _ userID: [UInt8], _ network: [UInt8]) {
        self.all = all
        self.userID = userID
        self.network = network
    }

    /// False: the client left, so the hash is not to be made. Otherwise `end` has to follow.
    public func begin() -> Bool { advance(from: Stage.waiting, to: Stage.running) }

    public func end() {
        if advance(from: Stage.running, to: Stage.over) { all.leave(userID, network) }
    }

    /// The client left, or nobody takes the work. A hash that is being made keeps its place until it is done.
    public func abandon() {
        if advance(from: Stage.waiting, to: Stage.over) { all.leave(userID, network) }
    }

    private func advance(from old: UInt8, to new: UInt8) -> Bool {
        stage.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
    }
}
