// SPDX-License-Identifier: Apache-2.0
// Which rules are about a client at all. Who a client is does not change while it is connected, so conditions
// (addresses, regular expressions, and/or) are looked at once for each connection and set of rules. The result, a list
// of rule numbers, lives in the connection's slot.

import Glibc
import PluginAPI
import PluginKit

/// The memory behind a connection's slot: this header, then the rule numbers.
private struct Header {
    let generation: UInt64
    let count: Int
}

public enum Profile {
    /// Frees what `RuleSet.decide` left in a connection's slot.
    public static func drop(_ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) {
        free(slot?.pointee)
        slot?.pointee = nil
    }
}

extension RuleSet {
    /// The verdict for a client's request, on the loop of that client.
    public func decide(_ client: UnsafePointer<isth_client>, _ request: Request) -> Verdict {
        let subject = Subject(client)
        if isUnconditional {
            return verdict(deciding(request, subject, among: UnsafeBufferPointer(everyRule)), request)
        }
        guard let slot = client.pointee.slot else {
            guard let block = makeProfile(subject) else { return .deny }
            defer { free(block) }
            return verdict(deciding(request, subject, among: numbers(block)), request)
        }
        if slot.pointee?.assumingMemoryBound(to: Header.self).pointee.generation != generation {
            Profile.drop(slot)
            slot.pointee = makeProfile(subject)
        }
        guard let block = slot.pointee else { return .deny }
        return verdict(deciding(request, subject, among: numbers(block)), request)
    }

    private func numbers(_ block: UnsafeMutableRawPointer) -> UnsafeBufferPointer<UInt32> {
        let count = block.assumingMemoryBound(to: Header.self).pointee.count
        let start = (block + MemoryLayout<Header>.stride).assumingMemoryBound(to: UInt32.self)
        return UnsafeBufferPointer(start: start, count: count)
    }

    /// Nil if there is no memory.
    private func makeProfile(_ subject: Subject) -> UnsafeMutableRawPointer? {
        let applicable = applicableRules(subject)
        let size = MemoryLayout<Header>.stride + applicable.count * MemoryLayout<UInt32>.stride
        guard let block = malloc(size) else { return nil }
        block.initializeMemory(as: Header.self, to: Header(generation: generation, count: applicable.count))
        let start = block + MemoryLayout<Header>.stride
        applicable.withUnsafeBytes { if let base = $0.baseAddress { memcpy(start, base, $0.count) } }
        return block
    }

    func applicableRules(_ subject: Subject) -> [UInt32] {
        let address = Address(subject.peer)
        return conditions.indices.filter { index in
            holds(conditions[index], subject, address, inDoubt: rules[index].permission == .deny)
        }.map { UInt32($0) }
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
