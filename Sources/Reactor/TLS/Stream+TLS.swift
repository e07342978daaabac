// SPDX-License-Identifier: Apache-2.0
// How a stream drives its TLS session: handshake steps, reading, writing, close_notify. Every function leaves the
// loop's transport empty behind it: what OpenSSL made is sent or waits in the session.

import CLinux
import COpenSSL
import Glibc

extension EventLoop {
    /// Handshakes are long (0.15 to 0.5 ms a step), so a turn has a few of them, after the established connections.
    /// Level-triggered epoll reports the others again.
    func stepHandshakes() {
        let ready = handshakes
        handshakes.removeAll(keepingCapacity: true)
        for stream in ready.prefix(Self.handshakeStepsPerTurn) where stream.fd >= 0 { stream.stepHandshake() }
    }
}

extension Stream {
    // MARK: - Handshake

    /// Turns a plain stream that has written nothing into a TLS one; `bytes` are what has come of the handshake
    /// already. `received` is not called any more until `handshakeCompleted`.
    public final func startTLS(
        _ session: TLSSession,
        received bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        guard isOpen, self.session == nil else { return }
        self.session = session
        beginHandshake()
        if !bytes.isEmpty, isOpen { advanceHandshake(bytes) }
    }

    final func beginHandshake() {
        guard let session, let transport = loop.tlsTransport ?? TLSTransport() else {
            return fail(.tls("there is no memory for a TLS connection"))
        }
        loop.tlsTransport = transport
        session.attach(transport)
        let limit = session.handshakeMilliseconds
        deadline = loop.schedule(after: limit) { [self] in
            end(.tls("the TLS handshake was not finished within \(limit) ms"))
        }
        // A client speaks first.
        if session.role == .client { advanceHandshake(UnsafeRawBufferPointer(start: nil, count: 0), deferred: true) }
    }

    final func stepHandshake() {
        if state.contains(.lingering) { return }
        let count = recv(fd, loop.readBuffer, EventLoop.readBufferSize, 0)
        if count > 0 {
            advanceHandshake(UnsafeRawBufferPointer(start: loop.readBuffer, count: count))
        } else if count == 0 {
            end(.tls("the peer closed the connection during the TLS handshake"))
        } else if !isTransient(errno) {
            end(EndReason(errorNumber: errno))
        }
    }

    /// `deferred` if the owner's init is still running: its `ended` must not be called yet.
    private func advanceHandshake(_ input: UnsafeRawBufferPointer, deferred: Bool = false) {
        guard let session, let transport = loop.tlsTransport else { return }
        transport.withInput(input) {
            ERR_clear_error()
            let result = SSL_do_handshake(session.ssl)
            if result == 1 { return completeHandshake(session, transport) }
            let blocked = SSL_get_error(session.ssl, result) == SSL_ERROR_WANT_READ
            let reason = blocked ? nil : TLSError.reason(for: session)
            sendOutput(session, transport)
            guard let reason else { return }
            // Lingering, so that the alert that says why reaches the peer.
            if deferred { fail(reason) } else { end(reason, lingerMilliseconds: 1000) }
        }
    }

    private func completeHandshake(_ session: TLSSession, _ transport: TLSTransport) {
        session.isEstablished = true
        loop.cancel(deadline)
        sendOutput(session, transport)
        handshakeCompleted()
        // Data may have come in the same segment as the last handshake message; epoll will not report it again.
        if isOpen { readPlaintext(session, transport) }
        if isOpen { updateInterest() }
        if isOpen, session.owesWritable, !session.hasWaiting { writable() }
    }

    // MARK: - Reading

    final func receivedCiphertext(_ bytes: UnsafeRawBufferPointer, _ session: TLSSession) {
        guard let transport = loop.tlsTransport else { return }
        transport.withInput(bytes) { readPlaintext(session, transport) }
    }

    /// Decrypts all that has come before anything is delivered: the buffers are free again when the owner is called.
    private func readPlaintext(_ session: TLSSession, _ transport: TLSTransport) {
        var count = 0
        var outcome = SSL_ERROR_NONE
        while outcome == SSL_ERROR_NONE, count < TLSTransport.plaintextSize {
            ERR_clear_error()
            let room = Int32(TLSTransport.plaintextSize - count)
            let result = SSL_read(session.ssl, transport.plaintext + count, room)
            if result > 0 { count += Int(result) } else { outcome = SSL_get_error(session.ssl, result) }
        }
        let failure = outcome == SSL_ERROR_SSL || outcome == SSL_ERROR_SYSCALL ? TLSError.reason(for: session) : nil
        // An alert, or the answer to a key update.
        sendOutput(session, transport)
        if count > 0 { deliver(UnsafeRawBufferPointer(start: transport.plaintext, count: count), session) }
        if let failure {
            end(failure, lingerMilliseconds: 1000)
        } else if outcome == SSL_ERROR_ZERO_RETURN, isOpen {
            finishReading()
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, _ session: TLSSession) {
        if state.contains(.paused) || !session.held.isEmpty {
            session.held.append(contentsOf: bytes)
        } else {
            received(bytes)
        }
    }

    /// After `resumeReading`: what was decrypted while the owner had paused.
    final func deliverHeld(_ session: TLSSession) {
        loop.deferWork { [self] in
            guard isOpen, !state.contains(.paused), !session.held.isEmpty else { return }
            var bytes = session.held
            session.held = []
            bytes.withUnsafeMutableBytes { received(UnsafeRawBufferPointer($0)) }
            if isOpen, state.contains(.peerFinished) { peerFinished() }
        }
    }

    // MARK: - Writing

    final func writeTLS(_ bytes: UnsafeRawBufferPointer, _ session: TLSSession) -> Int {
        guard let transport = loop.tlsTransport, canEncrypt(session) else { return 0 }
        var taken = 0
        // Nothing more is encrypted while ciphertext waits: the owner's output must not pile up in here.
        while taken < bytes.count, !session.hasWaiting {
            let chunk = UnsafeRawBufferPointer(
                rebasing: bytes[taken..<min(taken + TLSTransport.chunkSize, bytes.count)]
            )
            guard encrypt(chunk, session, transport) else { return 0 }
            taken += chunk.count
        }
        return took(taken, of: bytes.count)
    }

    /// Small pieces are put together first: a record costs 400 ns whatever its size.
    final func writeTLS(iovecs: UnsafeBufferPointer<iovec>, _ session: TLSSession) -> Int {
        guard let transport = loop.tlsTransport, canEncrypt(session) else { return 0 }
        var taken = 0
        var wanted = 0
        var filled = 0
        for vector in iovecs {
            wanted += vector.iov_len
            guard let base = vector.iov_base else { continue }
            var offset = 0
            while offset < vector.iov_len, !session.hasWaiting {
                let count = min(vector.iov_len - offset, TLSTransport.chunkSize - filled)
                memcpy(transport.gathered + filled, base + offset, count)
                offset += count
                filled += count
                guard filled == TLSTransport.chunkSize else { continue }
                guard encrypt(UnsafeRawBufferPointer(start: transport.gathered, count: filled), session, transport)
                else { return 0 }
                taken += filled
                filled = 0
            }
        }
        if filled > 0, !session.hasWaiting {
            guard encrypt(UnsafeRawBufferPointer(start: transport.gathered, count: filled), session, transport)
            else { return 0 }
            taken += filled
        }
        return took(taken, of: wanted)
    }

    private func canEncrypt(_ session: TLSSession) -> Bool {
        if !session.isEstablished { session.owesWritable = true }
        return session.isEstablished
    }

    private func encrypt(
        _ bytes: UnsafeRawBufferPointer,
        _ session: TLSSession,
        _ transport: TLSTransport
    ) -> Bool {
        ERR_clear_error()
        // It never blocks: the BIO takes everything.
        guard SSL_write(session.ssl, bytes.baseAddress, Int32(bytes.count)) == bytes.count else {
            fail(TLSError.reason(for: session))
            return false
        }
        sendOutput(session, transport)
        return !state.contains(.failed)
    }

    private func took(_ taken: Int, of wanted: Int) -> Int {
        if taken < wanted {
            state.insert(.wantsWrite)
            updateInterest()
        }
        return taken
    }

    /// Sends what OpenSSL has made; what the socket does not take waits in the session.
    private func sendOutput(_ session: TLSSession, _ transport: TLSTransport) {
        let output = transport.takeOutput()
        guard output.count > 0, fd >= 0 else { return }
        var sent = 0
        if !session.hasWaiting {
            sent = linux_send(fd, output.baseAddress, output.count)
            if sent == output.count { return }
            if sent < 0, !isTransient(errno) { return fail(EndReason(errorNumber: errno)) }
        }
        session.wait(UnsafeRawBufferPointer(rebasing: output[max(0, sent)...]))
        state.insert(.wantsWrite)
        updateInterest()
    }

    final var hasWaitingCiphertext: Bool { session?.hasWaiting ?? false }

    /// The socket takes bytes again. True if no ciphertext is left to wait.
    final func flushCiphertext() -> Bool {
        guard let session, session.hasWaiting else { return true }
        if let number = session.sendWaiting({ linux_send(fd, $0.baseAddress, $0.count) }) {
            fail(EndReason(errorNumber: number))
            return false
        }
        if session.hasWaiting { state.insert(.wantsWrite) }
        return !session.hasWaiting
    }

    /// Tells the peer that no more will come. During a handshake there is nothing to say.
    final func sayCloseNotify() {
        guard let session, session.isEstablished, let transport = loop.tlsTransport, fd >= 0 else { return }
        ERR_clear_error()
        SSL_shutdown(session.ssl)
        ERR_clear_error()
        sendOutput(session, transport)
    }
}
