// SPDX-License-Identifier: Apache-2.0
// When to send a PINGREQ and when to give the server up. It pings whatever the traffic: a client that only receives
// has to [MQTT-3.1.2-20], and one that only sends would not notice that nobody is there.

struct KeepAlive: Sendable {
    enum Verdict: Equatable {
        case wait
        case ping
        case timedOut
    }

    /// Milliseconds; 0 = no keep-alive.
    private let interval: UInt64
    private var pingedAt: UInt64
    private var heardAt: UInt64
    private var isAnswered = true

    static let none = KeepAlive(seconds: 0, now: 0)

    init(seconds: UInt16, now: UInt64) {
        interval = UInt64(seconds) * 1000
        pingedAt = now
        heardAt = now
    }

    /// The time of the next look, nil for never.
    var nextCheck: UInt64? {
        guard interval > 0 else { return nil }
        // Early by a tenth: between two packets there must not be more than the interval. [MQTT-3.1.2-20]
        return isAnswered ? pingedAt + interval / 10 * 9 : giveUpAt
    }

    /// Any bytes count as a sign of life: the answer may stand behind a large message on a slow line.
    private var giveUpAt: UInt64 { max(pingedAt, heardAt) + interval }

    mutating func check(_ now: UInt64) -> Verdict {
        guard let nextCheck, now >= nextCheck else { return .wait }
        guard isAnswered else { return .timedOut }
        pingedAt = now
        isAnswered = false
        return .ping
    }

    mutating func heard(_ now: UInt64) { heardAt = now }

    mutating func answered() { isAnswered = true }
}
