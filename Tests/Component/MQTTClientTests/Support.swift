// SPDX-License-Identifier: Apache-2.0
// What the client's tests share: a loop with the service on it, a plugin that records what it is told, and an MQTT
// server that does what the test says, byte by byte, on a blocking socket.

import Broker
import Config
import Glibc
import MQTT
import PluginAPI

@testable import Host
@testable import Reactor

/// A value that other threads change and a test waits on.
final class Watched<Value>: @unchecked Sendable {
    private let lock = Lock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    var current: Value { lock.withLock { value } }

    func change(_ body: (inout Value) -> Void) {
        lock.withLock {
            body(&value)
            lock.broadcast()
        }
    }

    @discardableResult
    func wait(until condition: (Value) -> Bool) -> Value {
        lock.withLock {
            while !condition(value) { lock.wait() }
            return value
        }
    }
}

struct Unchecked<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}

struct ReceivedMessage: Equatable {
    var topic = ""
    var payload: [UInt8] = []
    var qos: UInt8 = 0
    var flags: UInt32 = 0
    var contentType = ""
    var responseTopic = ""
    var correlation: [UInt8] = []
    var expiry: UInt32 = 0
    var pairs: [String] = []
}

/// What a plugin was told.
enum Told: Equatable {
    case up(Bool)
    case down(UInt8, String)
    case message(ReceivedMessage)
    case acked(UInt64, UInt8)
    case writable
}

/// A plugin with one connection: records what it is told and reacts as the test wants, on the loop.
final class Plugin: @unchecked Sendable {
    let told = Watched<[Told]>([])
    var react: ((Told) -> Void)?
    private(set) var link: isth_id = 0
    let bench: Bench

    init(_ bench: Bench) { self.bench = bench }

    fileprivate func tell(_ item: Told) {
        react?(item)
        told.change { $0.append(item) }
    }

    @discardableResult
    func waitFor(_ item: Told) -> [Told] { told.wait { $0.contains(item) } }

    func count(_ item: Told) -> Int { told.current.count { $0 == item } }

    var downs: [(reason: UInt8, text: String)] {
        told.current.compactMap { if case .down(let reason, let text) = $0 { (reason, text) } else { nil } }
    }

    var downCount: Int { downs.count }

    func waitForDown(_ number: Int = 1) -> (reason: UInt8, text: String) {
        told.wait { told in told.count { if case .down = $0 { true } else { false } } >= number }
        return downs[number - 1]
    }

    private var callbacks: isth_mqtt_callbacks {
        var callbacks = isth_mqtt_callbacks()
        callbacks.size = UInt32(MemoryLayout<isth_mqtt_callbacks>.size)
        callbacks.ud = Unmanaged.passUnretained(self).toOpaque()
        callbacks.up = { ud, _, present in Plugin.from(ud).tell(.up(present != 0)) }
        callbacks.down = { ud, _, reason, text in Plugin.from(ud).tell(.down(reason, text.string)) }
        callbacks.acked = { ud, _, cookie, reason in Plugin.from(ud).tell(.acked(cookie, reason)) }
        callbacks.writable = { ud, _ in Plugin.from(ud).tell(.writable) }
        callbacks.message = { ud, _, message in
            let view = message.pointee
            let pairs = UnsafeBufferPointer(start: view.user_properties, count: view.user_property_count)
            Plugin.from(ud).tell(
                .message(
                    ReceivedMessage(
                        topic: view.topic.string,
                        payload: Array(ByteView(view.payload).buffer),
                        qos: view.qos,
                        flags: view.flags,
                        contentType: view.content_type.string,
                        responseTopic: view.response_topic.string,
                        correlation: Array(ByteView(view.correlation).buffer),
                        expiry: view.expiry_s,
                        pairs: pairs.map { "\($0.name.string)=\($0.value.string)" }
                    )
                )
            )
        }
        return callbacks
    }

    private static func from(_ ud: UnsafeMutableRawPointer?) -> Plugin {
        Unmanaged<Plugin>.fromOpaque(ud!).takeUnretainedValue()
    }

    // MARK: Calls; the results are those of the C functions

    func open(
        _ port: UInt16,
        host: String = "127.0.0.1",
        _ change: (inout isth_mqtt_options) -> Void = { _ in }
    ) -> Int32 {
        host.withStr { host in
            "client".withStr { name in
                var options = isth_mqtt_options()
                options.size = UInt32(MemoryLayout<isth_mqtt_options>.size)
                options.host = host
                options.port = port
                options.client_id = name
                options.clean_start = 1
                options.high_water_bytes = 1 << 20
                change(&options)
                var callbacks = callbacks
                return bench.service.pointee.open(bench.pointer, &options, &callbacks, &link)
            }
        }
    }

    /// On the loop.
    func publishHere(
        _ topic: String,
        _ payload: [UInt8] = [],
        qos: UInt8 = 0,
        cookie: UInt64 = 0,
        _ change: (inout isth_msg) -> Void = { _ in }
    ) -> Int32 {
        topic.withStr { topic in
            payload.withUnsafeBytes { payload in
                var message = isth_msg()
                message.size = UInt32(MemoryLayout<isth_msg>.size)
                message.topic = topic
                message.payload = isth_bytes(ByteView(payload))
                message.qos = qos
                change(&message)
                return bench.service.pointee.publish(bench.pointer, link, &message, cookie)
            }
        }
    }

    @discardableResult
    func publish(_ topic: String, _ payload: [UInt8] = [], qos: UInt8 = 0, cookie: UInt64 = 0) -> Int32 {
        bench.on { [self] in publishHere(topic, payload, qos: qos, cookie: cookie) }
    }

    func subscribe(
        _ filter: String,
        group: String = "",
        cookie: UInt64,
        _ change: @escaping (inout isth_sub) -> Void = { _ in }
    )
        -> Int32
    {
        bench.on { [self] in
            filter.withStr { filter in
                group.withStr { group in
                    var subscription = isth_sub()
                    subscription.size = UInt32(MemoryLayout<isth_sub>.size)
                    subscription.filter = filter
                    subscription.share_group = group
                    subscription.qos = 1
                    change(&subscription)
                    return bench.service.pointee.subscribe(bench.pointer, link, &subscription, cookie)
                }
            }
        }
    }

    func unsubscribe(_ filter: String, cookie: UInt64) -> Int32 {
        bench.on { [self] in
            filter.withStr { bench.service.pointee.unsubscribe(bench.pointer, link, $0, cookie) }
        }
    }

    func reconnectHere(_ delay: UInt32) -> Int32 { bench.service.pointee.reconnect(bench.pointer, link, delay) }

    func closeHere() -> Int32 { bench.service.pointee.close(bench.pointer, link) }

    @discardableResult
    func close() -> Int32 { bench.on { [self] in closeHere() } }
}

extension String {
    func withStr<Result>(_ body: (isth_str) -> Result) -> Result {
        var copy = self
        return copy.withUTF8 { body(isth_str(ByteView(UnsafeRawBufferPointer($0)))) }
    }
}

/// A running loop with the services.
final class Bench: @unchecked Sendable {
    let loop: EventLoop
    let context: PluginContext
    let runtime: Runtime
    let service = MQTTClientService.table
    /// What was logged.
    let lines = Watched<[String]>([])
    private let log: Log
    private let thread: Thread

    init() throws {
        let log = Log(level: .debug) { [lines] line in lines.change { $0.append(line) } }
        let home = try BrokerLoop(index: 0, count: 1, settings: BrokerSettings(), registry: SessionRegistry(), log: log)
        let loop = home.loop
        self.loop = loop
        self.log = log
        let empty = Value(.object(Object()), Origin(file: "test"))
        runtime = Runtime(log: log, loops: [home], sessions: SessionRegistry(), pool: BlockingPool(), config: empty)
        context = PluginContext(name: "test", loopCount: 1, log: log, options: empty)
        context.begin(runtime)
        thread = try Thread(name: "loop-0") { [loop] in loop.run() }
    }

    /// Another plugin of the same host.
    func stranger() -> PluginContext {
        let stranger = PluginContext(name: "stranger", loopCount: 1, log: log, options: context.options)
        stranger.begin(runtime)
        return stranger
    }

    var pointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(context).toOpaque()) }

    @discardableResult
    func on<Result>(_ body: @escaping () -> Result) -> Result {
        let work = Unchecked(body)
        let done = Watched<[Result]>([])
        loop.post {
            let result = work.value()
            done.change { $0.append(result) }
        }
        return done.wait { !$0.isEmpty }[0]
    }

    /// Lets some turns pass, so that what was deferred is done.
    func settle() { for _ in 0..<5 { on {} } }

    func finish() {
        on { [self] in runtime.clients[0].closeAll(of: context) }
        stopLoop()
    }

    func stopLoop() {
        loop.stop()
        thread.join()
        runtime.pool.shutdown()
    }
}

/// A listening socket of loopback; the test accepts and answers by itself.
final class ScriptedServer: @unchecked Sendable {
    private let fd: Int32
    let port: UInt16

    init(receiveBuffer: Int32 = 0) {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var size = receiveBuffer
        if size > 0 { setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
        let address = SocketAddress(numeric: "127.0.0.1", port: 0)!
        _ = address.withSockaddr { bind(fd, $0, $1) }
        listen(fd, 16)
        self.fd = fd
        port = SocketAddress.local(of: fd).port
    }

    deinit { Glibc.close(fd) }

    func accept() -> ServerEnd { ServerEnd(Glibc.accept(fd, nil, nil)) }

    /// Accepts, reads the CONNECT and lets the client in.
    func admit(_ connack: [UInt8] = [0x20, 3, 0, 0, 0]) -> ServerEnd {
        let end = accept()
        end.connect = end.packet()
        end.send(connack)
        return end
    }
}

/// The server's end of a connection.
final class ServerEnd: @unchecked Sendable {
    private var fd: Int32
    var connect: [UInt8] = []

    init(_ fd: Int32) { self.fd = fd }

    deinit { close() }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(fd, $0.baseAddress! + sent, bytes.count - sent, 0x4000) }
            if count <= 0 { return }
            sent += count
        }
    }

    private func read(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = bytes.withUnsafeMutableBytes { recv(fd, $0.baseAddress! + have, count - have, 0) }
            if got <= 0 { break }
            have += got
        }
        return Array(bytes.prefix(have))
    }

    /// The next whole packet; empty at the end of the connection.
    func packet() -> [UInt8] {
        var bytes = read(1)
        guard !bytes.isEmpty else { return [] }
        var length = 0
        var shift = 0
        while shift < 28 {
            let byte = read(1)
            guard let value = byte.first else { return bytes }
            bytes += byte
            length |= Int(value & 0x7F) << shift
            shift += 7
            if value < 0x80 { break }
        }
        return bytes + read(length)
    }

    func close() {
        if fd >= 0 { Glibc.close(fd) }
        fd = -1
    }

    /// Closes with RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

/// A CONNACK with these properties.
func connack(present: Bool = false, reason: UInt8 = 0, _ properties: [UInt8] = []) -> [UInt8] {
    [0x20, UInt8(3 + properties.count), present ? 1 : 0, reason, UInt8(properties.count)] + properties
}

/// A PUBLISH of MQTT 5 without properties; QoS 0 has no identifier.
func publish(_ topic: String, _ payload: [UInt8], qos: UInt8 = 0, identifier: UInt16 = 0, dup: Bool = false) -> [UInt8]
{
    var body: [UInt8] = [0, UInt8(topic.utf8.count)] + topic.utf8
    if qos > 0 { body += [UInt8(identifier >> 8), UInt8(truncatingIfNeeded: identifier)] }
    body += [0] + payload
    return [0x30 | qos << 1 | (dup ? 8 : 0), UInt8(body.count)] + body
}
