// SPDX-License-Identifier: Apache-2.0
// What an outbound connection is opened with: the plugin's `isth_mqtt_options`, checked and copied.

import MQTT
import PluginAPI
import Reactor

/// Why options cannot be used; the text is a sentence.
struct InvalidOptions: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

struct ClientOptions: Sendable {
    struct TLS: Sendable {
        var settings: TLSSettings
        /// The name the server's certificate must be for.
        var serverName: String
    }

    static let defaultConnectMilliseconds: UInt32 = 10_000

    var host: String
    var port: UInt16
    var tls: TLS?
    /// For TCP, TLS and CONNACK together.
    var connectMilliseconds: UInt32
    var clientIdentifier: [UInt8] = []
    var userName: [UInt8]?
    var password: [UInt8]?
    var cleanStart = true
    /// In seconds; 0xFFFFFFFF = never.
    var sessionExpiryInterval: UInt32 = 0
    /// In seconds; 0 = none.
    var keepAlive: UInt16 = 0
    /// 0, 0 = never again.
    var reconnectMinimum: UInt32 = 0
    var reconnectMaximum: UInt32 = 0
    /// Publishes of QoS 1 and 2 on their way; 0 = as many as the server takes.
    var inflightLimit: UInt32 = 0
    var highWater: Int = 0

    init(host: String, port: UInt16, connectMilliseconds: UInt32 = ClientOptions.defaultConnectMilliseconds) {
        self.host = host
        self.port = port
        self.connectMilliseconds = connectMilliseconds
    }

    var endpoint: Endpoint { .tcp(host: host, port: port) }
}

extension ClientOptions {
    init(_ options: isth_mqtt_options) throws(InvalidOptions) {
        guard options.size >= MemoryLayout<isth_mqtt_options>.size else {
            throw InvalidOptions("`size` of the options is \(options.size); set it to sizeof(isth_mqtt_options)")
        }
        let host = try Self.text(options.host, "host")
        guard !host.isEmpty else { throw InvalidOptions("the host is empty; give a name or an address") }
        guard options.port != 0 else { throw InvalidOptions("the port of \(host) is 0; give the server's port") }
        guard options.keepalive_s <= 65_535 else {
            throw InvalidOptions("the keep-alive is \(options.keepalive_s) s; MQTT allows at most 65535 s")
        }
        // An IPv6 address may come as it stands in a URL.
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        self.init(host: isBracketed ? String(host.dropFirst().dropLast()) : host, port: options.port)
        if options.connect_timeout_ms > 0 { connectMilliseconds = options.connect_timeout_ms }
        if options.tls != 0 { tls = try Self.tls(options, host: self.host, milliseconds: connectMilliseconds) }
        clientIdentifier = try Self.field(options.client_id, "client_id")
        if options.has_username != 0 { userName = try Self.field(options.username, "username") }
        if options.has_password != 0 {
            guard options.password.len <= 65_535 else {
                throw InvalidOptions("the password has \(options.password.len) bytes; MQTT allows at most 65535")
            }
            password = Array(ByteView(options.password).buffer)
        }
        cleanStart = options.clean_start != 0
        sessionExpiryInterval = options.session_expiry_s
        keepAlive = UInt16(options.keepalive_s)
        reconnectMinimum = options.reconnect_min_ms
        reconnectMaximum = options.reconnect_max_ms
        inflightLimit = options.max_inflight
        highWater = Int(options.high_water_bytes)
    }

    private static func tls(
        _ options: isth_mqtt_options,
        host: String,
        milliseconds: UInt32
    ) throws(InvalidOptions) -> TLS {
        var settings = TLSSettings(role: .client)
        settings.verifyPeer = options.verify_peer != 0
        settings.caFile = try file(options.ca_file, "ca_file")
        settings.certificateFile = try file(options.cert_file, "cert_file")
        settings.keyFile = try file(options.key_file, "key_file")
        settings.keyPassword = try file(options.key_password, "key_password")
        settings.handshakeMilliseconds = UInt64(milliseconds)
        if options.tls_depth > 0 { settings.verifyDepth = Int32(options.tls_depth) - 1 }
        settings.ciphers = try text(options.tls_ciphers, "tls_ciphers").split(separator: ":").map(String.init)
        try setVersions(text(options.tls_versions, "tls_versions"), &settings)
        let name = try text(options.sni, "sni")
        return TLS(settings: settings, serverName: name.isEmpty ? host : name)
    }

    private static func setVersions(_ text: String, _ settings: inout TLSSettings) throws(InvalidOptions) {
        let known = ["tlsv1.2": TLSVersion.v12, "tlsv1.3": .v13]
        var versions: [TLSVersion] = []
        for name in text.split(separator: ",") {
            guard let version = known[String(name)] else {
                throw InvalidOptions("`tls_versions` names \(name); it may name tlsv1.2 and tlsv1.3")
            }
            versions.append(version)
        }
        if let lowest = versions.min(), let highest = versions.max() {
            (settings.minimumVersion, settings.maximumVersion) = (lowest, highest)
        }
    }

    private static func file(_ value: isth_str, _ name: String) throws(InvalidOptions) -> String? {
        let text = try text(value, name)
        return text.isEmpty ? nil : text
    }

    private static func text(_ value: isth_str, _ name: String) throws(InvalidOptions) -> String {
        String(decoding: try field(value, name), as: UTF8.self)
    }

    private static func field(_ value: isth_str, _ name: String) throws(InvalidOptions) -> [UInt8] {
        let bytes = ByteView(value)
        guard bytes.count <= 65_535, UTF8Bytes.isWellFormed(bytes) else {
            throw InvalidOptions("`\(name)` is no UTF-8 text of at most 65535 bytes without zero bytes")
        }
        return Array(bytes.buffer)
    }
}
