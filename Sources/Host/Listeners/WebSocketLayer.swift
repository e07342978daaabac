// SPDX-License-Identifier: Apache-2.0
// MQTT over WebSocket: the opening handshake, then frames on both sides. The broker has a client from the end of the
// handshake on. The memory of a WebSocket connection beside that of a plain one: this object, and a timer.

import Broker
import Glibc
import MQTT
import Reactor
import WebSocket

/// An idle connection keeps one of these: every field counts.
final class WebSocketLayer: ClientLayer, TimerTarget {
    private unowned let client: Client
    /// nil when it is done.
    private var handshake: Handshake? = Handshake()
    private var decoder = FrameDecoder()
    private var writer = FrameWriter()
    /// The broker was told that the socket takes no more.
    private var isOwingRoom = false
    private var lastReceived: UInt64
    private var timer = TimerID.none

    init(_ client: Client) {
        self.client = client
        lastReceived = client.loop.nowMilliseconds
        super.init()
        // A CONNECT has the same time once more.
        timer = client.loop.schedule(after: client.port.home.broker.settings.idleTimeout, self)
    }

    private var options: WebSocketOptions? { client.port.plan.webSocket }

    // MARK: - Bytes in

    override func received(_ bytes: UnsafeRawBufferPointer, _ client: Client) {
        lastReceived = client.loop.nowMilliseconds
        if handshake == nil { readFrames(bytes, client) } else { shakeHands(bytes, client) }
    }

    private func readFrames(_ bytes: UnsafeRawBufferPointer, _ client: Client) {
        // What a stream hands over may be overwritten.
        let memory = UnsafeMutableRawBufferPointer(mutating: bytes)
        let frames = decoder.decode(memory, limit: client.port.plan.webSocket?.maximumMessageSize ?? .max)
        if frames.count > 0 { client.deliver(UnsafeRawBufferPointer(rebasing: memory[..<frames.count])) }
        guard client.isOpen else { return }
        if let ping = frames.ping { writer.pong(ping) { client.write(iovecs: $0) } }
        if let end = frames.end { close(end.code, end.sentence) }
    }

    private func shakeHands(_ bytes: UnsafeRawBufferPointer, _ client: Client) {
        guard let options else { return }
        switch handshake?.received(bytes, options.rules) {
        case .incomplete, nil: return
        case .refused(let response): refuse(response, client)
        case .accepted(let upgrade, let used):
            let origin = origin(upgrade)
            if upgrade.isForeignPage, !origin.isLoopback, client.origin().isLoopback, isForLocalsOnly(origin) {
                return refuse(Self.foreignPage, client)
            }
            handshake = nil
            client.loop.cancel(timer)
            watchSilence(for: options.idleTimeout)
            writer.begin(with: upgrade.response) { client.write(iovecs: $0) }
            client.join(origin, UnsafeRawBufferPointer(start: nil, count: 0))
            if used < bytes.count { readFrames(UnsafeRawBufferPointer(rebasing: bytes[used...]), client) }
        }
    }

    private func refuse(_ response: HTTPResponse, _ client: Client) {
        client.port.complain(
            client.peer,
            "\(client.peer) is refused with \(response.status.rawValue): \(response.sentence)"
        )
        _ = response.bytes.withUnsafeBytes { client.write($0) }
        client.close(lingerMilliseconds: Client.linger)
    }

    private static let foreignPage = HTTPResponse(
        .forbidden,
        "Without authentication a page of this origin may not connect; name it in check_origins, or set up authentication."
    )

    /// Whether nothing but coming from this machine would admit the client.
    private func isForLocalsOnly(_ origin: ConnectionOrigin) -> Bool {
        origin.admission != .everybody && !origin.isVouchedFor && !client.port.home.broker.hooks.authenticates
    }

    /// Whom proxies say the client to be. Anybody can say so: it never makes a client one of this machine.
    private func origin(_ upgrade: Upgrade) -> ConnectionOrigin {
        var origin = client.origin()
        if upgrade.client.isForwarded { origin.adopt(upgrade.client, from: client.peer) }
        // A browser on this machine runs it, but somebody else wrote it.
        if upgrade.isForeignPage { origin.isLoopback = false }
        return origin
    }

    // MARK: - Bytes out

    override func send(_ parts: UnsafePointer<ByteView>, _ count: Int, _ client: Client) -> Int {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: count + 1) { vectors in
            vectors[0] = iovec()
            var offered = 0
            for i in 0..<count {
                let bytes = parts[i].raw
                vectors[i + 1] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                    iov_len: bytes.count
                )
                offered += bytes.count
            }
            let taken = writer.send(vectors) { client.write(iovecs: $0) }
            isOwingRoom = taken < offered
            return taken
        }
    }

    override func writable(_ client: Client) {
        guard writer.flush({ client.write(iovecs: $0) }), isOwingRoom else { return }
        isOwingRoom = false
        client.roomAgain()
    }

    // MARK: - The end

    override func closing(_ client: Client) {
        writer.close(client.port.home.isStopping ? .goingAway : .normal) { client.write(iovecs: $0) }
    }

    override func ended(_ client: Client) { client.loop.cancel(timer) }

    private func close(_ code: CloseCode?, _ sentence: String) {
        client.port.tell(client.peer, "\(client.peer): \(sentence)")
        writer.close(code) { client.write(iovecs: $0) }
        client.close(lingerMilliseconds: Client.linger)
    }

    // MARK: - Time

    private func watchSilence(for milliseconds: UInt64?) {
        timer = milliseconds.map { client.loop.schedule(after: $0, self) } ?? .none
    }

    func timerFired(_ token: UInt64) {
        guard handshake == nil else {
            client.port.tell(client.peer, "\(client.peer): no WebSocket was asked for within mqtt.idle_timeout")
            return client.closeNow()
        }
        guard let limit = options?.idleTimeout else { return }
        let silence = client.loop.nowMilliseconds - lastReceived
        // One timer that looks now and then, instead of one that every byte sets anew.
        if silence < limit { return watchSilence(for: limit - silence) }
        close(.normal, "nothing came for \(limit) ms (websocket.idle_timeout)")
    }
}
