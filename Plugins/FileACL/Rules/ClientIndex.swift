// SPDX-License-Identifier: Apache-2.0
// Which rules may be about a client: those that name a user, a client identifier or a network are found by it, so that
// a connection does not pay for the rules about others. What is found has still to be compared with its condition.

import PluginKit

struct ClientIndex: Sendable {
    private enum Key: Hashable {
        case username([UInt8])
        case clientID([UInt8])
        case network(AddressRange)
    }

    private var named: [Key: [UInt32]] = [:]
    private var widths: Set<AddressRange.Width> = []
    /// Those that every client has to be compared with.
    private var others: [UInt32] = []

    var isEmpty: Bool { named.isEmpty && others.isEmpty }

    mutating func add(_ condition: Condition, rule: UInt32) {
        guard let key = Self.key(condition) else { return others.append(rule) }
        if case .network(let range) = key { widths.insert(range.width) }
        named[key, default: []].append(rule)
    }

    /// In the order of the rules.
    func candidates(_ subject: Subject, _ address: Address?) -> [UInt32] {
        var found = others
        if let username = subject.username { found += named[.username(username.array)] ?? [] }
        found += named[.clientID(subject.clientID.array)] ?? []
        if let address {
            for width in widths where width.isV4 == address.isV4 {
                found += named[.network(AddressRange(of: address, width))] ?? []
            }
        }
        return found.sorted()
    }

    /// What a client must have for the condition to hold, if that is one thing.
    private static func key(_ condition: Condition) -> Key? {
        switch condition {
        case .field(.username, .equals(let name)): .username(name)
        case .field(.clientID, .equals(let identifier)): .clientID(identifier)
        case .address(let ranges) where ranges.count == 1: .network(ranges[0])
        case .every(let parts): parts.lazy.compactMap(key).first
        default: nil
        }
    }
}
