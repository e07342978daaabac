// SPDX-License-Identifier: Apache-2.0
// How much each client of a listener may publish, and how much of that one client has used.

/// `messages_rate`, `bytes_rate` and their bursts: PUBLISH packets of one client and their bytes.
public struct ClientRates: Sendable, Equatable {
    public var messages: Allowance?
    public var bytes: Allowance?

    public init(messages: Allowance? = nil, bytes: Allowance? = nil) {
        self.messages = messages
        self.bytes = bytes
    }

    public var isUnlimited: Bool { messages == nil && bytes == nil }
}

/// Of one connection. Connections without rates have none.
struct ClientLimiter {
    private var messages: Meter?
    private var bytes: Meter?
    /// Set while the client waits.
    var timer: UInt64 = 0

    init(_ rates: ClientRates, at now: UInt64) {
        messages = rates.messages.map { Meter($0, at: now) }
        bytes = rates.bytes.map { Meter($0, at: now) }
    }

    /// Milliseconds until the client may publish; 0 if that is now.
    mutating func delay(at now: UInt64) -> UInt64 {
        max(messages?.delay(at: now) ?? 0, bytes?.delay(at: now) ?? 0)
    }

    mutating func take(packetOf length: Int, at now: UInt64) {
        messages?.take(1, at: now)
        bytes?.take(length, at: now)
    }
}
