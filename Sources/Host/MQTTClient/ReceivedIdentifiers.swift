// SPDX-License-Identifier: Apache-2.0
// The packet identifiers of received QoS 2 messages that the server has not released yet: a message that comes again
// under one of them is a repetition. One bit each; no memory until the first QoS 2 message.

struct ReceivedIdentifiers: Sendable {
    private var words: [UInt64] = []

    func contains(_ identifier: UInt16) -> Bool {
        !words.isEmpty && words[Int(identifier >> 6)] & bit(identifier) != 0
    }

    /// False if it was there already.
    mutating func insert(_ identifier: UInt16) -> Bool {
        if words.isEmpty { words = [UInt64](repeating: 0, count: 1024) }
        if contains(identifier) { return false }
        words[Int(identifier >> 6)] |= bit(identifier)
        return true
    }

    /// False if it was not there.
    mutating func remove(_ identifier: UInt16) -> Bool {
        guard contains(identifier) else { return false }
        words[Int(identifier >> 6)] &= ~bit(identifier)
        return true
    }

    mutating func removeAll() { words = [] }

    private func bit(_ identifier: UInt16) -> UInt64 { 1 << UInt64(identifier & 63) }
}
