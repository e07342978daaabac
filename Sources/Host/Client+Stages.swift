// SPDX-License-Identifier: Apache-2.0
// The way of a new connection to the broker: the header of a proxy, TLS, WebSocket, and then MQTT. Each stage hands
// over the bytes that came behind its own.

import Broker
import Glibc
import PluginAPI
import Reactor

/// What is known of a client before the broker has it, beside what its socket tells.
final class ClientFacts {
    /// The client's own address, said by a proxy that is trusted.
    var address: String?
    var port: UInt16 = 0
    /// A proxy passes the client on without telling where it is.
    var isHidden = false
    /// Of its certificate, which the proxy has verified.
    var commonName: String?

    /// Whether the client is on this machine, if the one that told us of it is.
    var isLoopback: Bool {
        guard let address else { return !isHidden }
        return SocketAddress(numeric: address, port: 0)?.isLoopback ?? false
    }
}

extension Client {
    /// The first stage, right after the socket was accepted.
    func begin() {
        if let timeout = port.plan.limits.proxyTimeout {
            layer = ProxyLayer(self, timeout: timeout)
        } else {
            beginSecurity(UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    /// TLS, if the listener speaks it; `bytes` are its first.
    func beginSecurity(_ bytes: UnsafeRawBufferPointer) {
        guard let certificates = port.certificates else { return beginProtocol(bytes) }
        do throws(ReactorError) {
            // Goes on with `handshakeCompleted`.
            startTLS(try certificates.makeSession(), received: bytes)
        } catch {
            port.complain("\(peer) is turned away: \(error)")
            closeNow()
        }
    }

    /// What the listener speaks below TLS or right on the socket; `bytes` are its first.
    func beginProtocol(_ bytes: UnsafeRawBufferPointer) {
        guard port.plan.webSocket != nil else { return join(origin(), bytes) }
        // Goes on with `join`.
        layer = WebSocketLayer(self)
        if !bytes.isEmpty { layer?.received(bytes, self) }
    }

    /// What the broker is to know of the client.
    func origin() -> ConnectionOrigin {
        let isUnix = peer.family == .unix
        let kind: Int =
            switch port.plan.kind {
            case .tcp: isUnix ? ISTH_UNIX : ISTH_TCP
            case .ssl: ISTH_TLS
            case .ws: ISTH_WS
            case .wss: ISTH_WSS
            }
        let stated = facts?.address
        var origin = ConnectionOrigin(
            listener: port.plan.name,
            transport: UInt8(clamping: kind),
            address: stated ?? peer.host,
            port: stated == nil ? peer.port : facts?.port ?? 0,
            isLoopback: peer.isLoopback && facts?.isLoopback ?? true
        )
        if let name = facts?.commonName { origin.commonName = name }
        origin.rates = port.plan.limits.clients
        origin.admission = port.plan.common.admission
        origin.highWatermark = port.plan.tcp.highWatermark
        return origin
    }

    /// The connection ended before the broker had it.
    func tellFailure(_ reason: EndReason) {
        // Who closes it here has said why.
        guard reason != .loopStopped, reason != .closedLocally else { return }
        let behind = facts?.address.map { "\($0):\(facts?.port ?? 0) behind " } ?? ""
        port.tell("\(behind)\(peer): \(reason.sentence)")
    }
}
