// SPDX-License-Identifier: Apache-2.0
// A connected socket (TCP or Unix, plain or TLS) on one loop. It keeps no plaintext: what it reads is handed on at
// once, what the socket does not take stays with the owner, who is told when there is room again.

import CLinux
import Glibc

/// The host subclasses it. Confinement as for `PollSource`: its loop's thread only.
open class Stream: PollSource, @unchecked Sendable {
    struct State: OptionSet {
        let rawValue: UInt16
        /// The owner wants no bytes at present.
        static let paused = State(rawValue: 1)
        /// The last write was short: `writable` is owed.
        static let wantsWrite = State(rawValue: 2)
        /// The peer's side is finished (FIN or close_notify).
        static let peerFinished = State(rawValue: 4)
        /// No more bytes are accepted for writing.
        static let writeClosed = State(rawValue: 8)
        /// Our side is to be shut down as soon as the waiting ciphertext is sent.
        static let shutdownOwed = State(rawValue: 16)
        /// `ended` was called.
        static let ended = State(rawValue: 32)
        /// Ended for the owner; the socket stays until the peer has read our last bytes.
        static let lingering = State(rawValue: 64)
        /// Taken out of epoll: a hang-up that cannot be masked came while paused.
        static let parked = State(rawValue: 128)
        /// A call failed; the end is on its way.
        static let failed = State(rawValue: 256)
        /// `deadline` belongs to the watch over a peer that takes its bytes slowly.
        static let sendWatched = State(rawValue: 512)
        /// The socket has taken bytes since that watch looked last.
        static let sendProgressed = State(rawValue: 1024)
    }

    public final let peer: SocketAddress
    final var state: State = []
    /// A read brings at most the loop's read buffer, halved this many times.
    private var readHalvings: UInt8 = 0
    /// The time-out of the handshake, of a slow peer, or of lingering.
    final var deadline = TimerID.none
    final var session: TLSSession?

    /// Takes over `fd`, a connected non-blocking socket, and begins to read; with `tls`, to shake hands. On the loop's
    /// thread. If the socket cannot be watched, `ended` follows in the next turn.
    public init(fd: Int32, loop: EventLoop, peer: SocketAddress? = nil, tls: TLSSession? = nil) {
        self.peer = peer ?? SocketAddress.peer(of: fd)
        session = tls
        super.init(fd: fd, loop: loop)
        loop.adopt(self)
        updateInterest()
        if tls != nil { beginHandshake() }
    }

    // MARK: - For the owner to override

    /// Bytes of the peer, decrypted. They are valid during the call only, and the owner may overwrite them.
    open func received(_ bytes: UnsafeRawBufferPointer) {}

    /// The connection is over. Called exactly once, inside `close` and `closeNow` too; never inside `write`.
    open func ended(_ reason: EndReason) {}

    /// The socket takes bytes again after a short write.
    open func writable() {}

    /// The peer will send no more; all its bytes were delivered. The connection ends by default. An override may keep
    /// the writing side open; it then has to close.
    open func peerFinished() { end(.peerClosed) }

    /// The TLS handshake is done; not called for plain connections.
    open func handshakeCompleted() {}

    /// A peer that takes no byte of what waits for it during this time is closed; 0 = never.
    open var sendTimeoutMilliseconds: UInt64 { 0 }

    // MARK: - For the owner to call

    /// The own end of the connection.
    public final var local: SocketAddress { SocketAddress.local(of: fd) }

    public final var isOpen: Bool { !state.contains(.ended) }

    /// The TLS session: names, version, cipher. Nil for a plain connection and after the end.
    public final var tls: TLSSession? { session }

    /// Sends now and returns how many bytes were taken. After a short write `writable` follows; after a failure 0 is
    /// returned, and `ended` follows in the next turn.
    public final func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard fd >= 0, !state.contains(.writeClosed), bytes.count > 0 else { return 0 }
        if let session { return writeTLS(bytes, session) }
        let sent = linux_send(fd, bytes.baseAddress, bytes.count)
        if sent == bytes.count { return sent }
        return shortWrite(sent)
    }

    /// The same for bytes in several places, sent in one call; at most 1,024 places are looked at.
    public final func write(iovecs: UnsafeBufferPointer<iovec>) -> Int {
        guard fd >= 0, !state.contains(.writeClosed), let first = iovecs.baseAddress else { return 0 }
        if let session { return writeTLS(iovecs: iovecs, session) }
        var wanted = 0
        for vector in iovecs { wanted += vector.iov_len }
        if wanted == 0 { return 0 }
        let sent = linux_send_vectors(fd, first, min(iovecs.count, 1024))
        if sent == wanted { return sent }
        return shortWrite(sent)
    }

    /// No `received` after the current one until `resumeReading`. Bytes wait in the kernel, which slows the peer down.
    public final func pauseReading() {
        // Epoll is told only if bytes do arrive: a pause that ends soon costs no system call.
        state.insert(.paused)
    }

    /// Tells that `count` bytes received have made `work` bytes to send. So many are read at a time from now on that they
    /// make 32 MB at most: what goes to thousands is not to keep the others of the loop waiting.
    @inline(__always)
    public final func adaptReading(to work: Int, from count: Int) {
        if readHalvings == 0, work &>> 7 <= count { return }
        // 256 KB that make 128 times as much are 32 MB.
        let excess = (max(work / max(count, 1), 1) - 1) >> 7
        readHalvings = UInt8(min(Int.bitWidth - excess.leadingZeroBitCount, 8))
    }

    public final func resumeReading() {
        guard state.contains(.paused) else { return }
        state.subtract([.paused, .parked])
        updateInterest()
        if let session, !session.held.isEmpty { deliverHeld(session) }
    }

    // MARK: - Events

    final override func ready(_ events: UInt32) {
        if state.contains(.lingering) { return readyWhileLingering(events) }
        let failure = EPOLLERR.rawValue | EPOLLHUP.rawValue
        if events & (EPOLLIN.rawValue | failure) != 0 {
            if isShakingHands {
                loop.handshakes.append(self)
            } else if !state.contains(.paused), !state.contains(.peerFinished) {
                readOnce()
            } else if events & failure != 0 {
                hungUp(events)
            } else {
                updateInterest()
            }
        }
        if events & EPOLLOUT.rawValue != 0, fd >= 0, state.contains(.wantsWrite) { flush() }
    }

    final override func loopStopped() {
        if state.contains(.lingering) { finishLingering() } else { end(.loopStopped) }
    }

    /// One read a turn: level-triggered epoll reports what is left, after the others had their share.
    private func readOnce() {
        let count = recv(fd, loop.readBuffer, EventLoop.readBufferSize >> Int(readHalvings), 0)
        if count > 0 {
            let bytes = UnsafeRawBufferPointer(start: loop.readBuffer, count: count)
            if let session { receivedCiphertext(bytes, session) } else { received(bytes) }
        } else if count == 0 {
            finishReading()
        } else if !isTransient(errno) {
            end(EndReason(errorNumber: errno))
        }
    }

    /// FIN or close_notify: nothing more to read.
    final func finishReading() {
        guard fd >= 0, !state.contains(.peerFinished) else { return }
        state.insert(.peerFinished)
        // Held bytes go first; `deliverHeld` comes back to this.
        if session?.held.isEmpty ?? true { peerFinished() }
        if fd >= 0 { updateInterest() }
    }

    /// An error or the end of both directions, while nobody reads.
    private func hungUp(_ events: UInt32) {
        if events & EPOLLERR.rawValue != 0 {
            var number: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length)
            end(number == 0 ? .peerReset : EndReason(errorNumber: number))
        } else if state.contains(.peerFinished) {
            end(.peerClosed)
        } else {
            // Unread bytes may wait: they are delivered after `resumeReading`.
            state.insert(.parked)
            updateInterest()
        }
    }

    private func flush() {
        state.remove(.wantsWrite)
        state.insert(.sendProgressed)
        if flushCiphertext() {
            if state.contains(.shutdownOwed) { shutDownSocket() }
            if !state.contains(.writeClosed), !isShakingHands { writable() }
        }
        if fd >= 0 { updateInterest() }
    }

    // MARK: - Inside the module

    final var isShakingHands: Bool {
        guard let session else { return false }
        return !session.isEstablished
    }

    /// Tells epoll what is wanted now. A failure to do so ends the stream in the next turn.
    final func updateInterest() {
        var wanted: UInt32 = 0
        let reads = isShakingHands || state.contains(.lingering) || !state.contains(.paused)
        if reads, !state.contains(.peerFinished) { wanted |= EPOLLIN.rawValue }
        if state.contains(.wantsWrite) { wanted |= EPOLLOUT.rawValue }
        // Errors come unasked, but a mask of 0 stands for "not watched".
        if wanted == 0, !state.contains(.parked) { wanted = EPOLLERR.rawValue }
        if !setInterest(wanted) { fail(.failed(errno)) }
        if state.contains(.wantsWrite), !state.contains(.sendWatched) { watchSending() }
    }

    /// A write that took less than it was given; `sent` is -1 on error.
    final func shortWrite(_ sent: Int) -> Int {
        if sent < 0, !isTransient(errno) {
            fail(EndReason(errorNumber: errno))
            return 0
        }
        state.insert(.wantsWrite)
        updateInterest()
        return max(0, sent)
    }

    /// Ends the stream in the next turn: the owner is in the middle of something.
    final func fail(_ reason: EndReason) {
        if state.contains(.failed) { return }
        state.formUnion([.failed, .writeClosed])
        loop.deferWork { [self] in
            if state.contains(.lingering) { finishLingering() } else { end(reason) }
        }
    }
}
