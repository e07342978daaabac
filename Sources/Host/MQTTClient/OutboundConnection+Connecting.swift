// SPDX-License-Identifier: Apache-2.0
// The way from nothing to a CONNECT on the wire: TLS files read off the loop, TCP, the TLS handshake, all within one
// time-out that the CONNACK ends.

import Glibc
import MQTT
import Reactor

extension OutboundConnection {
    /// The first try, unless the plugin has asked for something else meanwhile.
    func beginFirst() {
        if attempt == 0 { begin() }
    }

    /// Tries to connect. On the loop, never inside a call of the plugin.
    func begin() {
        guard phase == .idle else { return }
        phase = .connecting
        attempt += 1
        schedule(.connectTimeout, after: UInt64(options.connectMilliseconds))
        guard let tls = options.tls else { return connect(nil) }
        let attempt = attempt
        // Authorities are a large file, and a renewed certificate is to be used: read anew for each try.
        let isQueued = pool.submit { [self] in
            let context = Result { () throws(ReactorError) in try TLSContext(tls.settings) }
            loop.post { [self] in loaded(context, attempt) }
        }
        if !isQueued {
            lost(.serverUnavailable, "cannot connect to \(options.endpoint): too much blocking work is waiting")
        }
    }

    private func loaded(_ context: Result<TLSContext, ReactorError>, _ attempt: UInt64) {
        guard attempt == self.attempt else { return }
        switch context {
        case .success(let context): connect(context)
        case .failure(let error): lost(.unspecifiedError, "cannot connect to \(options.endpoint): \(error)")
        }
    }

    private func connect(_ context: TLSContext?) {
        connector = Connector(
            loop: loop,
            endpoint: options.endpoint,
            timeoutMilliseconds: UInt64(options.connectMilliseconds),
            pool: pool
        ) { [self] outcome in
            connector = nil
            switch outcome {
            case .failed(let text): lost(.serverUnavailable, text)
            case .connected(let fd, let address): connected(fd, address, context)
            }
        }
    }

    private func connected(_ fd: Int32, _ address: SocketAddress, _ context: TLSContext?) {
        var session: TLSSession?
        if let context {
            do {
                session = try context.makeSession(serverName: options.tls?.serverName)
            } catch {
                Glibc.close(fd)
                return lost(.unspecifiedError, "cannot connect to \(options.endpoint): \(error)")
            }
        }
        phase = .shakingHands
        stream = ClientStream(fd: fd, peer: address, tls: session, owner: self)
        if session == nil { handshakeCompleted() }
    }

    func handshakeCompleted() {
        guard phase == .shakingHands else { return }
        phase = .greeting
        machine.connect()
        requireFlush()
    }

    func connectTimedOut() {
        let missing =
            switch phase {
            case .shakingHands: "the TLS handshake was not finished"
            case .greeting: "the server did not answer the CONNECT"
            case .connecting: "there was no connection"
            case .idle, .up, .closed: ""
            }
        guard !missing.isEmpty else { return }
        lost(.serverUnavailable, "\(options.endpoint): \(missing) within \(options.connectMilliseconds) ms")
    }
}
