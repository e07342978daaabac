// SPDX-License-Identifier: Apache-2.0
// One outbound MQTT connection to a peer cluster over the host's mqtt_client service: it comes back after a loss, with
// a growing pause, and each time tries the next address of `server`. Belongs to one loop; all calls are made there.

import PluginAPI
import PluginKit

protocol PeerConnectionUser: AnyObject {
    func connectionUp(_ connection: PeerConnection)
    /// Also after a try that failed; the text is a sentence.
    func connectionDown(_ connection: PeerConnection, _ text: String)
    func connection(_ connection: PeerConnection, received message: UnsafePointer<isth_msg>)
    func connection(_ connection: PeerConnection, acknowledged cookie: UInt64, reasonCode: UInt8)
    func connectionWritable(_ connection: PeerConnection)
}

/// What all connections of a link share.
struct PeerOptions {
    let link: CheckedLink
    let services: LinkServices
    let loop: UInt32
}

final class PeerConnection: @unchecked Sendable {
    static let firstPause: UInt32 = 1_000
    static let longestPause: UInt32 = 5_000

    private let host: PluginHost
    private let options: PeerOptions
    private let clientID: String
    private unowned let user: any PeerConnectionUser

    private(set) var isUp = false
    /// Of the server that the connection is, or was last, up to.
    private(set) var limits = isth_mqtt_limits()
    private var id: isth_id = 0
    private var serverIndex = 0
    private var pause = PeerConnection.firstPause
    private var retry: PluginTimer?
    private var isStopped = false

    init(_ host: PluginHost, _ options: PeerOptions, clientID: String, user: any PeerConnectionUser) {
        self.host = host
        self.options = options
        self.clientID = clientID
        self.user = user
    }

    var server: ServerAddress { options.link.servers[serverIndex] }

    func start() {
        guard !isStopped, id == 0 else { return }
        if open() != ISTH_OK {
            user.connectionDown(self, "the broker could not open a connection to \(server.host):\(server.port)")
            reconnect(after: nextPause())
        }
    }

    /// Drops the connection and opens it again, to the next server of the list.
    func reconnect(after milliseconds: UInt32) {
        guard !isStopped, retry == nil else { return }
        isUp = false
        // The old connection is closed by the timer and not here, as this may be one of its own callbacks.
        retry = host.timer(loop: options.loop, first: milliseconds) { [weak self] in self?.startAgain() }
    }

    private func startAgain() {
        retry = nil
        close()
        serverIndex = (serverIndex + 1) % options.link.servers.count
        start()
    }

    /// No callback comes after this.
    func stop() {
        isStopped = true
        retry?.cancel()
        retry = nil
        close()
    }

    private func close() {
        isUp = false
        if id != 0 { _ = options.services.client.pointee.close(host.ctx, id) }
        id = 0
    }

    private func nextPause() -> UInt32 {
        defer { pause = min(pause * 2, Self.longestPause) }
        return pause
    }

    // MARK: Sending

    @inline(__always)
    func publish(_ message: UnsafePointer<isth_msg>, cookie: UInt64) -> Int32 {
        options.services.client.pointee.publish(host.ctx, id, message, cookie)
    }

    func subscribe(to topic: String, cookie: UInt64) {
        topic.withStr { topic in
            var subscription = isth_sub()
            subscription.size = UInt32(MemoryLayout<isth_sub>.size)
            subscription.qos = 1
            subscription.filter = topic
            _ = options.services.client.pointee.subscribe(host.ctx, id, &subscription, cookie)
        }
    }

    // MARK: Callbacks

    fileprivate func wentUp() {
        guard !isStopped else { return }
        isUp = true
        pause = Self.firstPause
        limits.size = UInt32(MemoryLayout<isth_mqtt_limits>.size)
        _ = options.services.limits.pointee.get(host.ctx, id, &limits)
        user.connectionUp(self)
    }

    fileprivate func wentDown(_ text: String) {
        guard !isStopped else { return }
        isUp = false
        user.connectionDown(self, text)
        reconnect(after: nextPause())
    }

    fileprivate static func from(_ ud: UnsafeMutableRawPointer?) -> PeerConnection? {
        ud.map { Unmanaged<PeerConnection>.fromOpaque($0).takeUnretainedValue() }
    }

    private var callbacks: isth_mqtt_callbacks {
        var callbacks = isth_mqtt_callbacks()
        callbacks.size = UInt32(MemoryLayout<isth_mqtt_callbacks>.size)
        callbacks.ud = Unmanaged.passUnretained(self).toOpaque()
        callbacks.up = { ud, _, _ in PeerConnection.from(ud)?.wentUp() }
        callbacks.down = { ud, _, _, text in PeerConnection.from(ud)?.wentDown(text.string) }
        callbacks.message = { ud, _, message in
            guard let connection = PeerConnection.from(ud) else { return }
            connection.user.connection(connection, received: message)
        }
        callbacks.acked = { ud, _, cookie, reasonCode in
            guard let connection = PeerConnection.from(ud) else { return }
            connection.user.connection(connection, acknowledged: cookie, reasonCode: reasonCode)
        }
        callbacks.writable = { ud, _ in
            guard let connection = PeerConnection.from(ud) else { return }
            connection.user.connectionWritable(connection)
        }
        return callbacks
    }

    // MARK: Options

    private func open() -> Int32 {
        let settings = options.link.settings
        let texts = TextKeeper()
        var mqtt = isth_mqtt_options()
        mqtt.size = UInt32(MemoryLayout<isth_mqtt_options>.size)
        mqtt.loop = options.loop
        mqtt.host = texts.keep(server.host)
        mqtt.port = server.port
        mqtt.connect_timeout_ms = 10_000
        if settings.usesTLS { setTLS(&mqtt, texts) }
        mqtt.client_id = texts.keep(clientID)
        if let name = settings.username {
            mqtt.username = texts.keep(name)
            mqtt.has_username = 1
        }
        if let password = options.link.password {
            mqtt.password = texts.keep(password)
            mqtt.has_password = 1
        }
        mqtt.clean_start = 1
        mqtt.keepalive_s = 60
        mqtt.max_inflight = UInt32(settings.inflightLimit)
        mqtt.high_water_bytes = 1 << 20
        var callbacks = callbacks
        return options.services.client.pointee.open(host.ctx, &mqtt, &callbacks, &id)
    }

    private func setTLS(_ mqtt: inout isth_mqtt_options, _ texts: TextKeeper) {
        let ssl = options.link.settings.ssl
        mqtt.tls = 1
        mqtt.verify_peer = ssl?.verify == "verify_peer" ? 1 : 0
        mqtt.ca_file = texts.keep(ssl?.cacertfile ?? "")
        mqtt.cert_file = texts.keep(ssl?.certfile ?? "")
        mqtt.key_file = texts.keep(ssl?.keyfile ?? "")
        mqtt.key_password = texts.keep(ssl?.password ?? "")
        let name = ssl?.serverNameIndication ?? server.host
        mqtt.sni = texts.keep(name == "disable" ? "" : name)
        mqtt.tls_depth = ssl?.depth.map { UInt8(clamping: $0 + 1) } ?? 0
        mqtt.tls_versions = texts.keep((ssl?.versions ?? []).joined(separator: ","))
        mqtt.tls_ciphers = texts.keep((ssl?.ciphers?.names ?? []).joined(separator: ":"))
    }
}

/// Holds the bytes that the options of one call point to.
private final class TextKeeper {
    private var kept: [UnsafeMutableBufferPointer<UInt8>] = []

    deinit { for buffer in kept { buffer.deallocate() } }

    func keep(_ text: String) -> isth_str { isth_str(BytesView(copy(text.utf8))) }
    func keep(_ bytes: [UInt8]) -> isth_bytes { isth_bytes(BytesView(copy(bytes))) }

    private func copy(_ bytes: some Collection<UInt8>) -> UnsafeBufferPointer<UInt8> {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = buffer.initialize(from: bytes)
        kept.append(buffer)
        return UnsafeBufferPointer(buffer)
    }
}
