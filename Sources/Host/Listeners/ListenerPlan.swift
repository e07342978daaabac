// SPDX-License-Identifier: Apache-2.0
// One listener as the checked configuration has it: what it speaks, where, and its groups of options.

import Config
import Reactor

/// Raw values are EMQX's names below `listeners`.
enum ListenerKind: String, CaseIterable, Sendable, CustomStringConvertible {
    case tcp
    case ssl
    case ws
    case wss

    var description: String { rawValue }

    var isTLS: Bool { self == .ssl || self == .wss }
    var isWebSocket: Bool { self == .ws || self == .wss }

    var usualPort: UInt16 {
        switch self {
        case .tcp: 1883
        case .ssl: 8883
        case .ws: 8083
        case .wss: 8084
        }
    }
}

struct ListenerPlan: Sendable {
    let kind: ListenerKind
    /// `ssl:default`
    let name: String
    /// `listeners.ssl.default`
    let path: String
    let origin: Origin
    let endpoint: Endpoint
    var common = CommonOptions()
    var tcp = TCPOptions()
    var limits = LimitOptions()
    /// What of a client's certificate takes the place of what its CONNECT says.
    var names = CertificateNameRules()
    /// Of `ssl` and `wss`.
    var tls: TLSOptions?
    /// Of `ws` and `wss`.
    var webSocket: WebSocketOptions?

    /// This machine's own clients, if the configuration says nothing about `listeners.tcp.default`.
    static let loopback = ListenerPlan(
        kind: .tcp,
        name: "tcp:default",
        path: "listeners.tcp.default",
        origin: .fallback,
        endpoint: .tcp(host: "127.0.0.1", port: ListenerKind.tcp.usualPort)
    )

    /// All enabled listeners, or everything that is wrong with them.
    static func all(_ config: Value) throws(StartError) -> [ListenerPlan] {
        var plans: [ListenerPlan] = []
        var problems: [String] = []
        if config.lookup("listeners.tcp.default") == nil { plans.append(loopback) }
        for kind in ListenerKind.allCases {
            for field in config.object(at: "listeners.\(kind)")?.fields ?? []
            where field.value.bool(at: "enable") != false {
                do throws(StartError) {
                    plans.append(try ListenerPlan(kind, field, config))
                } catch {
                    problems += error.lines
                }
            }
        }
        guard problems.isEmpty else { throw StartError(problems) }
        return plans
    }

    private init(_ kind: ListenerKind, _ field: Object.Field, _ config: Value) throws(StartError) {
        let value = field.value
        path = "listeners.\(kind).\(field.key)"
        name = "\(kind):\(field.key)"
        self.kind = kind
        origin = field.keyOrigin
        guard let bind = value.lookup("bind"), let endpoint = Endpoint(bind: bind) else {
            throw StartError(
                """
                \(value.lookup("bind")?.origin ?? origin): \(path).bind is not an address; write a port such as \
                \(kind.usualPort), "127.0.0.1:\(kind.usualPort)", "[::1]:\(kind.usualPort)" or "unix:/run/isthmus.sock"
                """
            )
        }
        guard endpoint.isPossible else {
            throw StartError("\(bind.origin): \(path).bind: a Unix socket's path has 1 to 107 bytes; set a shorter one")
        }
        self.endpoint = endpoint
        let place = OptionsPlace(value: value, path: path, origin: origin)
        try place.refuseUnserved()
        common = try CommonOptions(place)
        names = CertificateNameRules(config)
        tcp = try TCPOptions(place.below("tcp_options"))
        limits = try LimitOptions(place)
        if kind.isTLS { tls = try TLSOptions(place.below("ssl_options")) }
        if kind.isWebSocket { webSocket = try WebSocketOptions(place.below("websocket")) }
    }

    init(kind: ListenerKind, name: String, path: String, origin: Origin, endpoint: Endpoint) {
        self.kind = kind
        self.name = name
        self.path = path
        self.origin = origin
        self.endpoint = endpoint
    }

    /// What an operator should see at a glance, after the address.
    var note: String {
        if common.admission == .everybody { return " (admits everybody)" }
        return tls?.settings.requirePeerCertificate == true ? " (client certificates)" : ""
    }

    /// What the socket is opened with.
    var socketOptions: ListenerOptions {
        var options = ListenerOptions()
        options.backlog = tcp.backlog
        options.noDelay = tcp.noDelay
        options.sendBuffer = tcp.sendBuffer
        options.receiveBuffer = tcp.receiveBuffer
        options.keepAlive = tcp.keepAlive
        options.unixMode = common.unixMode
        options.gate = limits.connections.map(ConnectionGate.init)
        return options
    }
}
