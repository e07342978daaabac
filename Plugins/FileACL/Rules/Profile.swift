// SPDX-License-Identifier: Apache-2.0
// Which rules are about a client and not for everybody. Who a client is hardly changes while it is connected, so
// conditions (addresses, regular expressions, and/or) are looked at once for each connection, set of rules and user
// name, which a client may change by authenticating again. The result lives in the connection's slot: a list of rule
// numbers in memory of its own, or, as for most clients there is none, the bare stamp.

import Glibc
import PluginAPI
import PluginKit

/// The memory behind a connection's slot: this header, then the rule numbers.
private struct Header {
    let stamp: UInt
    let count: Int
}

public enum Profile {
    /// Frees what `RuleSet.decide` left in a connection's slot.
    public static func drop(_ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) {
        if !isStamp(slot?.pointee) { free(slot?.pointee) }
        slot?.pointee = nil
    }

    /// No memory begins at an odd address, and stamps are odd.
    @inline(__always)
    fileprivate static func isStamp(_ content: UnsafeMutableRawPointer?) -> Bool { UInt(bitPattern: content) & 1 == 1 }
}

extension RuleSet {
    /// The verdict for a client's request, on the loop of that client.
    public func decide(_ client: UnsafePointer<isth_client>, _ request: Request) -> Verdict {
        let subject = Subject(client)
        if clients.isEmpty { return verdict(deciding(request, subject, own: .init(start: nil, count: 0)), request) }
        guard let slot = client.pointee.slot else {
            let own = ownRules(subject)
            return own.withUnsafeBufferPointer { verdict(deciding(request, subject, own: $0), request) }
        }
        let stamp = stamp(subject)
        if !isCurrent(slot.pointee, stamp) {
            Profile.drop(slot)
            slot.pointee = makeProfile(subject, stamp)
        }
        guard let profile = slot.pointee else { return .deny }
        return verdict(deciding(request, subject, own: numbers(profile)), request)
    }

    /// Odd: which set of rules and which user name a profile is for.
    private func stamp(_ subject: Subject) -> UInt {
        var hash: UInt32 = 0
        if let username = subject.username {
            hash = 0x811C_9DC5
            for byte in username.buffer { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        }
        return UInt(generation) << 33 | UInt(hash) << 1 | 1
    }

    @inline(__always)
    private func isCurrent(_ profile: UnsafeMutableRawPointer?, _ stamp: UInt) -> Bool {
        guard let profile else { return false }
        if Profile.isStamp(profile) { return UInt(bitPattern: profile) == stamp }
        return profile.assumingMemoryBound(to: Header.self).pointee.stamp == stamp
    }

    @inline(__always)
    private func numbers(_ profile: UnsafeMutableRawPointer) -> UnsafeBufferPointer<UInt32> {
        if Profile.isStamp(profile) { return UnsafeBufferPointer(start: nil, count: 0) }
        let count = profile.assumingMemoryBound(to: Header.self).pointee.count
        let start = (profile + MemoryLayout<Header>.stride).assumingMemoryBound(to: UInt32.self)
        return UnsafeBufferPointer(start: start, count: count)
    }

    /// Nil if there is no memory.
    private func makeProfile(_ subject: Subject, _ stamp: UInt) -> UnsafeMutableRawPointer? {
        let own = ownRules(subject)
        if own.isEmpty { return UnsafeMutableRawPointer(bitPattern: stamp) }
        let size = MemoryLayout<Header>.stride + own.count * MemoryLayout<UInt32>.stride
        guard let block = malloc(size) else { return nil }
        block.initializeMemory(as: Header.self, to: Header(stamp: stamp, count: own.count))
        let start = block + MemoryLayout<Header>.stride
        own.withUnsafeBytes { if let base = $0.baseAddress { memcpy(start, base, $0.count) } }
        return block
    }

    /// The rules about the client that are not for everybody.
    func ownRules(_ subject: Subject) -> [UInt32] {
        let address = Address(subject.peer)
        return clients.candidates(subject, address).filter { rule in
            holds(conditions[Int(rule)], subject, address, inDoubt: rules[Int(rule)].permission == .deny)
        }
    }

    /// `inDoubt` is the answer of a regular expression that gave up: such a rule denies, but never allows.
    private func holds(_ condition: Condition, _ subject: Subject, _ address: Address?, inDoubt: Bool) -> Bool {
        switch condition {
        case .everybody: true
        case .nobody: false
        case .field(let field, let test):
            subject.value(of: field).map { test.holds($0, inDoubt: inDoubt) } ?? false
        case .address(let ranges):
            address.map { address in ranges.contains { $0.contains(address) } } ?? false
        case .every(let parts): parts.allSatisfy { holds($0, subject, address, inDoubt: inDoubt) }
        case .any(let parts): parts.contains { holds($0, subject, address, inDoubt: inDoubt) }
        }
    }
}

extension Subject {
    fileprivate func value(of field: Condition.Field) -> BytesView? {
        switch field {
        case .username: username
        case .clientID: clientID
        case .listener: listener
        // There is one zone.
        case .zone: "default"
        }
    }
}

extension TextTest {
    fileprivate func holds(_ text: BytesView, inDoubt: Bool) -> Bool {
        switch self {
        case .equals(let bytes): bytes.withUnsafeBufferPointer { BytesView($0) == text }
        case .matches(let regex):
            switch regex.test(text) {
            case .yes: true
            case .no: false
            case .gaveUp: inDoubt
            }
        }
    }
}
