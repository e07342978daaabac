// SPDX-License-Identifier: Apache-2.0
// What the reactor's tests share: a loop on a thread of its own, conditions to wait for (never for time), a stream that
// records what happens to it, and a plain blocking socket as the peer.

import Glibc
import Synchronization

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

    /// Waits until `condition` holds and returns the value that made it hold.
    @discardableResult
    func wait(until condition: (Value) -> Bool) -> Value {
        lock.withLock {
            while !condition(value) { lock.wait() }
            return value
        }
    }
}

/// An event loop that runs on a thread of its own until `finish`.
final class RunningLoop: @unchecked Sendable {
    let loop: EventLoop
    private let thread: Thread

    init(_ index: Int = 0) throws {
        let loop = try EventLoop(index: index)
        self.loop = loop
        SignalSource.block([])
        thread = try Thread(name: "loop-\(index)") { loop.run() }
    }

    /// Runs `body` on the loop and waits for its result.
    @discardableResult
    func on<Result>(_ body: @escaping (EventLoop) -> Result) -> Result {
        let work = Unchecked(body)
        let done = Watched<[Result]>([])
        loop.post { [loop] in
            let result = work.value(loop)
            done.change { $0.append(result) }
        }
        return done.wait { !$0.isEmpty }[0]
    }

    func finish() {
        loop.stop()
        thread.join()
    }
}

struct Unchecked<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}

/// What a `ProbeStream` saw.
struct Record {
    var bytes: [UInt8] = []
    var count = 0
    var ends: [EndReason] = []
    var writables = 0
    var peerFinished = 0
    var handshakes = 0
}

/// A stream that records, and does what the test tells it to.
final class ProbeStream: Stream, @unchecked Sendable {
    let record = Watched(Record())
    /// Kept whole only if asked for: megabytes are counted instead.
    var keepsBytes = true
    var onReceive: ((ProbeStream, UnsafeRawBufferPointer) -> Void)?
    var onEnd: ((ProbeStream) -> Void)?
    var onHandshake: ((ProbeStream) -> Void)?
    /// If false, a finished peer leaves the writing side open.
    var endsWithPeer = true
    private var output: [UInt8] = []
    var closesWhenSent = false

    override func received(_ bytes: UnsafeRawBufferPointer) {
        record.change {
            $0.count += bytes.count
            if keepsBytes { $0.bytes.append(contentsOf: bytes) }
        }
        onReceive?(self, bytes)
    }

    override func ended(_ reason: EndReason) {
        onEnd?(self)
        record.change { $0.ends.append(reason) }
    }

    override func writable() {
        record.change { $0.writables += 1 }
        sendOutput()
    }

    override func peerFinished() {
        record.change { $0.peerFinished += 1 }
        if endsWithPeer { super.peerFinished() }
    }

    override func handshakeCompleted() {
        record.change { $0.handshakes += 1 }
        onHandshake?(self)
    }

    /// Sends now what the socket takes, the rest when it is writable.
    func push(_ bytes: some Sequence<UInt8>) {
        output.append(contentsOf: bytes)
        sendOutput()
    }

    var unsent: Int { output.count }

    private func sendOutput() {
        if output.isEmpty { return }
        let taken = output.withUnsafeBytes { write($0) }
        output.removeFirst(taken)
        if output.isEmpty, closesWhenSent { close() }
    }
}

/// A listener on an ephemeral port of loopback that makes a `ProbeStream` of each connection.
struct Server {
    let running: RunningLoop
    let port: UInt16
    let streams = Watched<[ProbeStream]>([])
    let errors = Watched<[String]>([])

    init(
        _ running: RunningLoop,
        tls: TLSContext? = nil,
        prepare: @escaping (ProbeStream) -> Void = { _ in },
        accept: Listener.Accept? = nil
    ) throws {
        self.running = running
        let (streams, errors) = (streams, errors)
        port = running.on { loop -> UInt16 in
            let accepted = { (fd: Int32, peer: SocketAddress) in
                let stream = ProbeStream(fd: fd, loop: loop, peer: peer, tls: try? tls?.makeSession())
                prepare(stream)
                streams.change { $0.append(stream) }
            }
            let endpoint = Endpoint.tcp(host: "127.0.0.1", port: 0)
            let failed = { (text: String) in errors.change { $0.append(text) } }
            let listener =
                if let accept {
                    try? Listener(
                        loop: loop,
                        endpoint: endpoint,
                        options: ListenerOptions(),
                        failed: failed,
                        accepted: accepted,
                        accept: accept
                    )
                } else {
                    try? Listener(loop: loop, endpoint: endpoint, failed: failed, accepted: accepted)
                }
            return listener?.port ?? 0
        }
    }

    /// The stream of the `index`th connection.
    func stream(_ index: Int = 0) -> ProbeStream { streams.wait { $0.count > index }[index] }
}

/// A blocking socket, to be the peer of what is tested.
final class Peer: @unchecked Sendable {
    private(set) var fd: Int32

    init(port: UInt16, receiveBuffer: Int32 = 0) {
        fd = blockingSocket()
        if receiveBuffer > 0 { setOption(fd, SOL_SOCKET, SO_RCVBUF, receiveBuffer) }
        let address = SocketAddress(numeric: "127.0.0.1", port: port)
        precondition(address?.withSockaddr { connect(fd, $0, $1) } == 0, "connect: \(describeError(errno))")
    }

    deinit { close() }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(fd, $0.baseAddress! + sent, bytes.count - sent, 0x4000) }
            if count <= 0 { return }
            sent += count
        }
    }

    /// Exactly `count` bytes, fewer only at the end of the stream.
    func read(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = bytes.withUnsafeMutableBytes { recv(fd, $0.baseAddress! + have, count - have, 0) }
            if got <= 0 { break }
            have += got
        }
        return Array(bytes.prefix(have))
    }

    /// Everything up to the end of the stream.
    func readAll() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let part = read(65_536)
            all += part
            if part.count < 65_536 { return all }
        }
    }

    /// 0 for an orderly end, else the error number.
    func waitForEnd() -> Int32 {
        var byte: UInt8 = 0
        while true {
            let got = recv(fd, &byte, 1, 0)
            if got == 0 { return 0 }
            if got < 0 { return errno }
        }
    }

    func shutdownWrite() { shutdown(fd, 1) }

    /// Closes with RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func close() {
        if fd >= 0 { Glibc.close(fd) }
        fd = -1
    }
}

func blockingSocket() -> Int32 { socket(AF_INET, 1, 0) }

/// Bytes that repeat only after a long time, so that a lost or doubled piece shows.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}
