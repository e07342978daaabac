// SPDX-License-Identifier: Apache-2.0
// `access_rules` of a listener: which addresses may connect. The first rule that fits decides; without one, they may.

import Reactor

struct AccessRules: Sendable, Equatable {
    private enum Action: String {
        case allow
        case deny
    }

    private struct Rule: Equatable {
        var action: Action
        /// Nil fits everybody, Unix sockets too.
        var network: SocketAddress?
        var bits = 0

        func fits(_ address: SocketAddress) -> Bool { network.map { $0.shares(bits, with: address) } ?? true }
    }

    private var rules: [Rule] = []

    /// Everybody may connect.
    init() {}

    /// Nil if one of the texts is no rule; `isWrong` is told which one, and why.
    init?(_ texts: [String], isWrong: (String) -> Void) {
        for text in texts {
            guard let rule = Self.rule(text, isWrong: { isWrong("\"\(text)\": \($0)") }) else { return nil }
            rules.append(rule)
        }
    }

    func allow(_ address: SocketAddress) -> Bool { (rules.first { $0.fits(address) }?.action ?? .allow) == .allow }

    private static func rule(_ text: String, isWrong: (String) -> Void) -> Rule? {
        let words = text.split(separator: " ")
        guard words.count == 2, let action = Action(rawValue: String(words[0])) else {
            isWrong("a rule is allow or deny, then an address, a network or all, such as \"allow 10.0.0.0/8\"")
            return nil
        }
        if words[1] == "all" { return Rule(action: action) }
        let parts = words[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let network = SocketAddress(strict: String(parts[0])) else {
            isWrong("\"\(parts[0])\" is neither an IPv4 nor an IPv6 address")
            return nil
        }
        // An IPv4 address that is written as IPv6 counts 96 more.
        let isMapped = network.family == .ipv4 && parts[0].contains(":")
        let lowest = isMapped ? 96 : 0
        let width = network.family == .ipv4 && !isMapped ? 32 : 128
        guard parts.count == 2 else { return Rule(action: action, network: network, bits: width - lowest) }
        guard let bits = Int(parts[1]), String(bits) == parts[1], (lowest...width).contains(bits) else {
            isWrong("\"\(parts[1])\" is not a number of bits from \(lowest) to \(width)")
            return nil
        }
        return Rule(action: action, network: network, bits: bits - lowest)
    }
}
