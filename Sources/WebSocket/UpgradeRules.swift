// SPDX-License-Identifier: Apache-2.0
// What a listener asks of a request before it becomes a WebSocket (RFC 6455, 4.2.1 and 4.2.2), and whom the request
// says to come from. The settings are those of `listeners.ws.NAME.websocket`.

public struct UpgradeRules: Sendable {
    /// Served beside "/".
    public var path = PathPattern.mqtt
    public var subprotocols = ["mqtt", "mqtt-v3", "mqtt-v3.1.1", "mqtt-v5"]
    public var failsWithoutSubprotocol = true
    public var checksOrigin = false
    public var allowsAbsentOrigin = true
    public var origins: [String] = []
    /// Where a proxy puts its client's address and port; in lower case, empty for nowhere. Anybody can send them, so
    /// they are hints for logs and plugins, and nothing may be allowed because of them that was not without.
    public var addressField = "x-forwarded-for"
    public var portField = "x-forwarded-port"

    public init() {}

    func upgrade(_ request: HTTPRequest) throws(HTTPResponse) -> Upgrade {
        guard request.method == "GET" else {
            throw HTTPResponse(.methodNotAllowed, "Only GET is answered here.", fields: ["Allow: GET"])
        }
        guard request.target.segments.isEmpty || path.matches(request.target) else {
            throw HTTPResponse(.notFound, "Nothing is here; MQTT is at \(path).")
        }
        try checkForm(request)
        try checkOrigin(request)
        let key = try Self.key(request)
        let subprotocol = try chooseSubprotocol(request)
        return Upgrade(
            response: Self.response(key, subprotocol),
            client: ForwardedClient(request, addressField: addressField, portField: portField),
            isForeignPage: isForeignPage(request)
        )
    }

    private func checkForm(_ request: HTTPRequest) throws(HTTPResponse) {
        guard request.value("host") != nil else { throw HTTPResponse(.badRequest, "The Host field is missing.") }
        // A body would be read as frames.
        guard request.value("transfer-encoding") == nil, (request.value("content-length") ?? "0") == "0" else {
            throw HTTPResponse(.badRequest, "A request for a WebSocket has no body.")
        }
        guard Self.contains(request.list("upgrade"), "websocket"), Self.contains(request.list("connection"), "upgrade")
        else {
            throw HTTPResponse(
                .upgradeRequired,
                "This is MQTT over WebSocket; connect to it with an MQTT client.",
                fields: ["Upgrade: websocket"]
            )
        }
        guard request.value("sec-websocket-version") == "13" else {
            throw HTTPResponse(
                .upgradeRequired,
                "Only version 13 of WebSocket is spoken here.",
                fields: ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]
            )
        }
    }

    private func checkOrigin(_ request: HTTPRequest) throws(HTTPResponse) {
        guard checksOrigin else { return }
        guard let origin = request.value("origin") else {
            if allowsAbsentOrigin { return }
            throw HTTPResponse(.forbidden, "The Origin field is missing.")
        }
        if !Self.contains(origins[...].map { $0[...] }, origin.lowercased()) {
            throw HTTPResponse(.forbidden, "Pages of this origin may not connect.")
        }
    }

    /// Browsers let any site's page connect to what the user's machine may reach, and say whose page it is. The Host
    /// field is no help: a name that its owner lets point to this machine stands in both.
    private func isForeignPage(_ request: HTTPRequest) -> Bool {
        guard let origin = request.value("origin")?.lowercased() else { return false }
        return !Self.contains(origins[...].map { $0[...] }, origin) && !Self.isOfThisMachine(origin)
    }

    /// `http://localhost:8000`, `https://127.0.0.1` and the like. Not `null`, which a page of any site can make itself.
    private static func isOfThisMachine(_ origin: String) -> Bool {
        guard let scheme = origin.firstRange(of: "://") else { return false }
        var host = origin[scheme.upperBound...]
        if host.first == "[" { return host == "[::1]" || host.hasPrefix("[::1]:") }
        if let colon = host.firstIndex(of: ":") { host = host[..<colon] }
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }

    /// The client's first choice among those we know. [MQTT-6.0.0-3] [MQTT-6.0.0-4]
    private func chooseSubprotocol(_ request: HTTPRequest) throws(HTTPResponse) -> String? {
        let offered = request.list("sec-websocket-protocol")
        for name in offered {
            if let known = subprotocols.first(where: { $0.lowercased() == name.lowercased() }) { return known }
        }
        if failsWithoutSubprotocol {
            throw HTTPResponse(
                .badRequest,
                "No subprotocol is in common; offer \(subprotocols.joined(separator: ", "))."
            )
        }
        return nil
    }

    /// 16 bytes as base64, which are 22 digits and two signs to fill up.
    private static func key(_ request: HTTPRequest) throws(HTTPResponse) -> Substring {
        let key = request.value("sec-websocket-key") ?? ""
        let isDigit = { (byte: UInt8) in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F: true
            default: false
            }
        }
        guard key.utf8.count == 24, key.hasSuffix("=="), key.utf8.prefix(22).allSatisfy(isDigit) else {
            throw HTTPResponse(.badRequest, "The Sec-WebSocket-Key is missing or malformed.")
        }
        return key
    }

    private static func response(_ key: Substring, _ subprotocol: String?) -> [UInt8] {
        var text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Accept: \(AcceptKey.make(for: key))\r\n"
        if let subprotocol { text += "Sec-WebSocket-Protocol: \(subprotocol)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    private static func contains(_ list: [Substring], _ word: String) -> Bool {
        list.contains { $0.lowercased() == word }
    }
}

/// A request that became a WebSocket.
public struct Upgrade {
    public let response: [UInt8]
    /// Whom proxies say that they pass on, unchecked.
    public let client: ForwardedClient
    /// A web page asks for it that neither this machine serves nor `check_origins` names.
    public let isForeignPage: Bool
}
