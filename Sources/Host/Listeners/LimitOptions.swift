// SPDX-License-Identifier: Apache-2.0
// The options of a listener that say who may connect, how often, and how much its clients may publish.

import Broker
import Config
import Reactor
import Synchronization

struct LimitOptions: Sendable {
    var access = AccessRules()
    /// Milliseconds for the PROXY header to come; nil if none is expected.
    var proxyTimeout: UInt64?
    var connections: Allowance?
    var clients = ClientRates()

    init() {}

    init(_ place: OptionsPlace) throws(StartError) {
        var fault = ""
        guard let access = AccessRules(place.list("access_rules"), isWrong: { fault = $0 }) else {
            throw place.error("access_rules", "has a rule that is none: \(fault)")
        }
        self.access = access
        if place.value.bool(at: "proxy_protocol") == true {
            proxyTimeout = UInt64(clamping: place.value.int(at: "proxy_protocol_timeout") ?? 3000)
        }
        connections = try place.allowance("max_conn")
        clients = ClientRates(messages: try place.allowance("messages"), bytes: try place.allowance("bytes"))
    }
}

extension OptionsPlace {
    /// `name_rate` with `name_burst`; nil if it is not limited.
    func allowance(_ name: String) throws(StartError) -> Allowance? {
        let rate = try rate("\(name)_rate", ofBytes: name == "bytes")
        let burst = try self.rate("\(name)_burst", ofBytes: name == "bytes")
        return rate.map { Allowance($0, burst: burst) }
    }

    private func rate(_ key: String, ofBytes: Bool) throws(StartError) -> Rate? {
        guard let text = value.string(at: key), text != "infinity" else { return nil }
        guard let rate = Rate(text, ofBytes: ofBytes) else {
            let example = ofBytes ? "\"1MB/s\" or \"10MB/1m\"" : "\"100/s\" or \"1000/10m\""
            throw error(key, "is not a rate: write \(example), or infinity")
        }
        return rate
    }
}

extension Rate {
    /// `100/s`, `500/10s`, `1MB/s`; a number alone is one of a second.
    init?(_ text: String, ofBytes: Bool) {
        func split(_ text: Substring) -> (number: Substring, unit: String) {
            let number = text.prefix { $0.isASCII && $0.isNumber }
            return (number, text[number.endIndex...].lowercased())
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let quantity = split(parts[0])
        let time = parts.count == 2 ? split(parts[1]) : ("", "s")
        let sizes: [String: Int64] = ofBytes ? ["": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30] : ["": 1]
        let times: [String: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let number = Int64(quantity.number), let size = sizes[quantity.unit],
            let count = time.0.isEmpty ? 1 : Int64(time.0), let unit = times[time.1]
        else { return nil }
        let (amount, tooMuch) = number.multipliedReportingOverflow(by: size)
        let (period, tooLong) = count.multipliedReportingOverflow(by: unit)
        if tooMuch || tooLong { return nil }
        self.init(amount, per: period)
    }
}

/// The rate of new connections of one listener, on all loops.
final class ConnectionGate: AcceptGate {
    private let meter: Mutex<Meter>

    init(_ allowance: Allowance) { meter = Mutex(Meter(allowance, at: 0)) }

    func delay(at now: UInt64) -> UInt64 { meter.withLock { $0.delay(at: now) } }
    func accepted(at now: UInt64) { meter.withLock { $0.take(1, at: now) } }
}
