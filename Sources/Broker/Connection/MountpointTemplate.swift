// SPDX-License-Identifier: Apache-2.0
// A listener's mountpoint as it is written, `devices/${clientid}/`: what of it is the client's own is put in when the
// client is known.

/// Shared by all connections of a listener.
public final class MountpointTemplate: Sendable {
    enum Part: Equatable {
        case text([UInt8])
        case clientIdentifier
        case userName
    }

    public enum Fault: Error, Equatable {
        case unknownPlaceholder(String)
        case wildcard
        case dollar
    }

    let parts: [Part]

    public init(_ text: String) throws(Fault) {
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            if rest.starts(with: "${".utf8), let end = rest.firstIndex(of: UInt8(ascii: "}")) {
                let name = String(decoding: rest[rest.startIndex...end], as: UTF8.self)
                rest = rest[(end + 1)...]
                switch name {
                // There is one zone.
                case "${zone}": literal += Array("default".utf8)
                case "${clientid}", "${username}":
                    if !literal.isEmpty { parts.append(.text(literal)) }
                    literal = []
                    parts.append(name == "${clientid}" ? .clientIdentifier : .userName)
                default: throw .unknownPlaceholder(name)
                }
                continue
            }
            guard byte != UInt8(ascii: "+"), byte != UInt8(ascii: "#"), byte != 0 else { throw .wildcard }
            literal.append(byte)
            rest = rest.dropFirst()
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
        if case .text(let first)? = parts.first, first[0] == UInt8(ascii: "$") { throw .dollar }
        self.parts = parts
    }
}
