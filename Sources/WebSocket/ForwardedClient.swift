// SPDX-License-Identifier: Apache-2.0
// What the header fields of proxies say of the client behind them: X-Forwarded-For and its kin, and Forwarded of
// RFC 7239. Anybody can send such fields, and a proxy may add its own behind what its client has sent; so nothing may be
// allowed because of them that was not without, and what cannot be read counts as said all the same.

public struct ForwardedClient: Equatable, Sendable {
    /// Some field says that a proxy passes the request on, whether or not one says for whom.
    public var isForwarded = false
    /// All addresses that the fields name, without brackets and ports, in the order they came. What cannot be read stays
    /// as it is.
    public var addresses: [String] = []
    /// What the listener's own fields say first.
    public var address: String?
    public var port: UInt16?

    public init() {}

    /// Fields that hold addresses, one or a list of them. In lower case.
    private static let addressFields: Set<String> = [
        "x-forwarded-for", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for",
        "client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-envoy-external-address",
    ]

    /// Fields that say no more than that there is a proxy.
    private static func isSign(_ name: String) -> Bool { name == "via" || name.hasPrefix("x-forwarded") }

    /// `addressField` and `portField` are the listener's, in lower case, empty for none.
    init(_ request: HTTPRequest, addressField: String, portField: String) {
        for (name, value) in request.fields {
            if name == "forwarded" {
                isForwarded = true
                addresses += value.elements.map { Self.node(Self.forParameter($0)).address }
            } else if name == addressField || Self.addressFields.contains(name) {
                isForwarded = true
                addresses += value.elements.map { Self.node($0).address }
            } else if Self.isSign(name) || name == portField {
                isForwarded = true
            }
        }
        if !addressField.isEmpty, let first = request.list(addressField).first {
            let node = Self.node(addressField == "forwarded" ? Self.forParameter(first) : first)
            address = node.address
            port = node.port
        }
        if !portField.isEmpty, let first = request.list(portField).first { port = UInt16(first) ?? port }
    }

    /// The value of `for` in one element of Forwarded; empty if it has none. Quotes are not heeded: one that a client has
    /// left open may not swallow what its proxy has added.
    private static func forParameter(_ element: Substring) -> Substring {
        for part in element.split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2, pair[0].trimmingBlanks().lowercased() == "for" { return pair[1].trimmingBlanks() }
        }
        return ""
    }

    /// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `"[2001:db8::1]:4711"`.
    private static func node(_ text: Substring) -> (address: String, port: UInt16?) {
        var text = text
        if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
        if text.first == "[", let end = text.firstIndex(of: "]") {
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { return (String(text), nil) }
            return (String(text[text.index(after: text.startIndex)..<end]), UInt16(rest.dropFirst()))
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, let port = UInt16(parts[1]) { return (String(parts[0]), port) }
        return (String(text), nil)
    }
}
