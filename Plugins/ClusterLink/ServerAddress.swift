// SPDX-License-Identifier: Apache-2.0
// The `server` of a link: `host[:port]`, one or several in the order in which they are tried.

package struct ServerAddress: Equatable {
    package let host: String
    package let port: UInt16
    package let demandsTLS: Bool

    package static let defaultPort: UInt16 = 1883

    package struct Problem: Error, Equatable {
        package let sentence: String
    }

    /// Parses a comma list, which may end with a comma.
    package static func list(_ text: String) throws(Problem) -> [ServerAddress] {
        var addresses: [ServerAddress] = []
        var parts = text.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
        if parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
        for part in parts { addresses.append(try ServerAddress(part)) }
        return addresses
    }

    package var isThisMachine: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.") && PeerAddress(address: host) != nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    private init(_ whole: Substring) throws(Problem) {
        var rest = whole
        var demandsTLS = false
        if let scheme = rest.range(of: "://") {
            switch rest[..<scheme.lowerBound] {
            case "mqtt": break
            case "mqtts": demandsTLS = true
            default: throw Problem(sentence: "\"\(whole)\" has an unknown scheme: use mqtt:// or mqtts://")
            }
            rest = rest[scheme.upperBound...]
        }
        let portText: Substring?
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else {
                throw Problem(sentence: "\"\(whole)\" lacks the ] behind the IPv6 address")
            }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            let behind = rest[rest.index(after: end)...]
            guard behind.isEmpty || behind.first == ":" else {
                throw Problem(sentence: "\"\(whole)\" has something other than :port behind the IPv6 address")
            }
            portText = behind.isEmpty ? nil : behind.dropFirst()
            guard PeerAddress(address: host)?.count == 8 else {
                throw Problem(sentence: "\"\(whole)\" holds no valid IPv6 address")
            }
        } else {
            let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else {
                throw Problem(sentence: "\"\(whole)\" has more than one colon: write an IPv6 address as [::1]:1883")
            }
            host = String(parts.first ?? "")
            portText = parts.count == 2 ? parts[1] : nil
            guard !host.isEmpty, host.utf8.allSatisfy(Self.isHostByte) else {
                throw Problem(sentence: "\"\(whole)\" is not host:port")
            }
        }
        if let portText {
            guard let number = UInt16(portText), number > 0 else {
                throw Problem(sentence: "\"\(whole)\" has no valid port: use 1 to 65535")
            }
            port = number
        } else {
            port = Self.defaultPort
        }
        self.demandsTLS = demandsTLS
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension PeerAddress {
    init?(address: String) {
        guard let parsed = Array(address.utf8).withView({ PeerAddress(text: $0) }) else { return nil }
        self = parsed
    }
}

extension Substring {
    /// The first place of `text`.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            formIndex(after: &start)
        }
        return nil
    }
}
