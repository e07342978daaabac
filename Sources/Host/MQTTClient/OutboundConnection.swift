// SPDX-License-Identifier: Apache-2.0
// One outbound connection of a plugin: the socket, the timers and the plugin's callbacks around a `ClientProtocol`.
// Output of a loop's turn is collected and written once. Connecting and what arrives are in files of their own.

import Broker
import MQTT
import PluginAPI
import Reactor

/// Confinement: its loop's thread, from the moment `begin` is called there. Any callback may call back in: state is
/// settled before each of them, and looked at again after.
final class OutboundConnection: TimerTarget, @unchecked Sendable {
    enum Phase {
        /// Waits for its next try, or for nothing.
        case idle
        case connecting
        case shakingHands
        /// The CONNECT is on its way.
        case greeting
        case up
        /// For ever: no callback any more.
        case closed
    }

    enum Timer: UInt64 {
        case retry = 1
        case connectTimeout = 2
        case keepAlive = 3
    }

    /// A turn's output is written when it ends, or when this much of it waits.
    private static let writeSize = 256 * 1024

    let identifier: isth_id
    let options: ClientOptions
    let context: PluginContext
    let loop: EventLoop
    let pool: BlockingPool
    let callbacks: isth_mqtt_callbacks

    var machine: ClientProtocol
    var phase = Phase.idle
    var stream: ClientStream?
    var connector: Connector?
    /// Counts the tries: an answer to an earlier one is dropped.
    var attempt: UInt64 = 0
    var backoff: Backoff
    var upSince: UInt64 = 0
    /// Of the retry or of the connect time-out: never both.
    var phaseTimer = TimerID.none
    var keepAliveTimer = TimerID.none
    /// The beginning of a packet whose rest has to come, and the bytes it needs at least.
    var input = ByteBuffer()
    var needed = 0
    private var flushIsDue = false
    /// The socket is full; `writable` follows.
    private var isBlocked = false

    init(
        identifier: isth_id,
        options: ClientOptions,
        callbacks: isth_mqtt_callbacks,
        context: PluginContext,
        loop: EventLoop,
        pool: BlockingPool
    ) {
        self.identifier = identifier
        self.options = options
        self.callbacks = callbacks
        self.context = context
        self.loop = loop
        self.pool = pool
        machine = ClientProtocol(options)
        backoff = Backoff(minimum: options.reconnectMinimum, maximum: options.reconnectMaximum)
    }

    deinit {
        machine.deallocate()
        input.deallocate()
    }

    // MARK: - Requests of the plugin

    @inline(__always)
    /// What the server said that it takes; nil while there is no connection.
    var serverLimits: ServerLimits? { machine.phase == .connected ? machine.limits : nil }

    func publish(_ message: UnsafePointer<isth_msg>, _ cookie: UInt64) -> Int32 {
        if machine.output.waiting > options.highWater { send() }
        let submission = machine.publish(message, cookie: cookie)
        if case .accepted = submission {
            requireFlush()
            if machine.output.waiting >= Self.writeSize { send() }
            return Int32(ISTH_OK)
        }
        return answer(to: submission, "publish")
    }

    func subscribe(_ subscription: isth_sub, _ cookie: UInt64) -> Int32 {
        requireFlush()
        return answer(to: machine.subscribe(subscription, cookie: cookie), "subscribe")
    }

    func unsubscribe(_ filter: ByteView, _ cookie: UInt64) -> Int32 {
        requireFlush()
        return answer(to: machine.unsubscribe(filter, cookie: cookie), "unsubscribe")
    }

    private func answer(to submission: ClientProtocol.Submission, _ request: StaticString) -> Int32 {
        switch submission {
        case .accepted: return Int32(ISTH_OK)
        case .notConnected: return Int32(ISTH_E_STATE)
        case .full: return Int32(ISTH_E_LIMIT)
        case .unsupported(let text):
            complain(request, text)
            return Int32(ISTH_E_UNSUPPORTED)
        case .invalid(let text):
            complain(request, text)
            return Int32(ISTH_E_ARG)
        }
    }

    /// What is wrong with one message may be wrong with thousands.
    private func complain(_ request: StaticString, _ text: StaticString) {
        let endpoint = "\(options.endpoint)"
        context.log(.warning, Self.requests, endpoint, "cannot \(request) at \(endpoint): \(text)")
    }

    private static let requests = LogKind("requests that a server does not take")

    /// Drops the connection and tries again after `milliseconds`. The plugin knows that it is down: it is not told.
    func reconnect(after milliseconds: UInt32) {
        guard phase != .closed else { return }
        leave()
        phase = .idle
        schedule(.retry, after: UInt64(milliseconds))
    }

    /// No callback comes after this.
    func close() {
        guard phase != .closed else { return }
        leave()
        phase = .closed
    }

    /// Ends whatever is under way, politely if the server is there.
    private func leave() {
        machine.disconnect()
        dropTransport()
    }

    // MARK: - Output

    @inline(__always)
    func requireFlush() {
        if flushIsDue { return }
        flushIsDue = true
        loop.deferWork { [self] in
            flushIsDue = false
            flush()
        }
    }

    /// Writes what the socket takes, and tells the plugin if that has made room.
    private func flush() {
        send()
        tellRoom()
    }

    /// Calls nobody back: the plugin may be up the stack.
    func send() {
        guard !isBlocked, let stream else { return }
        while machine.output.waiting > 0 {
            let taken = stream.write(machine.output.view.raw)
            machine.output.consumed(taken)
            if machine.output.waiting > 0 {
                isBlocked = true
                return
            }
        }
    }

    func writable() {
        isBlocked = false
        flush()
    }

    func tellRoom() {
        if phase == .up, machine.takeRoom() { callbacks.writable?(callbacks.ud, identifier) }
    }

    // MARK: - End of a connection

    /// Lets go of the socket or of the try to get one. What waits in the output is still sent.
    private func dropTransport() {
        attempt += 1
        loop.cancel(phaseTimer)
        loop.cancel(keepAliveTimer)
        connector?.cancel()
        connector = nil
        isBlocked = false
        if let stream {
            self.stream = nil
            let rest = machine.output
            machine.output = ClientOutput()
            stream.letGo(sending: rest)
        } else {
            machine.output.deallocate()
        }
        input.deallocate()
    }

    /// The connection or the try for one is over: arranges for the next try, then tells the plugin.
    func lost(_ reason: ReasonCode, _ text: String) {
        guard phase != .closed else { return }
        if phase == .up { backoff.connectionEnded(after: loop.nowMilliseconds - upSince) }
        machine.disconnected()
        dropTransport()
        phase = .idle
        if let wait = backoff.next(random: UInt64.random(in: 0...UInt64.max)) { schedule(.retry, after: wait) }
        var text = text
        text.withUTF8 { bytes in
            callbacks.down?(
                callbacks.ud,
                identifier,
                reason.rawValue,
                isth_str(ByteView(UnsafeRawBufferPointer(bytes)))
            )
        }
    }

    // MARK: - Timers

    func schedule(_ timer: Timer, after milliseconds: UInt64) {
        loop.cancel(phaseTimer)
        phaseTimer = loop.schedule(after: milliseconds, self, token: timer.rawValue)
    }

    func scheduleKeepAlive() {
        guard let next = machine.keepAlive.nextCheck else { return }
        let now = loop.nowMilliseconds
        keepAliveTimer = loop.schedule(after: next > now ? next - now : 0, self, token: Timer.keepAlive.rawValue)
    }

    func timerFired(_ token: UInt64) {
        switch Timer(rawValue: token) {
        case .retry: begin()
        case .connectTimeout: connectTimedOut()
        case .keepAlive:
            if let fault = machine.tick(loop.nowMilliseconds) {
                lost(fault.reason, "\(options.endpoint): \(fault.text)")
            } else {
                requireFlush()
                scheduleKeepAlive()
            }
        case nil: break
        }
    }
}
