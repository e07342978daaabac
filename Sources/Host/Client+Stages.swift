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
    /// A proxy passes the client on without telling where it is, or says that it speaks for itself, as some do for
    /// clients of which they know nothing.
    var isHidden = false
    /// Of its certificate, which we or the proxy have verified.
    var commonName: String?
    var hasCertificate = false
    var names: CertificateNames?

    /// Whether the client is on this machine, if the one that told us of it is.
    var isLoopback: Bool {
        guard let address else { return !isHidden }
        return SocketAddress(strict: address)?.isLoopback ?? false
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
            port.complain(peer, "\(peer) is turned away: \(error)")
            closeNow()
        }
    }

    /// Notes down what the client's certificate says, be it verified here or by a proxy. False if it is refused for it.
    private func readCertificate() -> Bool {
        let certificate = tls?.peerCertificate
        guard certificate != nil || facts?.commonName != nil else { return true }
        let facts = self.facts ?? ClientFacts()
        self.facts = facts
        facts.hasCertificate = true
        do throws(MissingName) {
            if let certificate {
                facts.commonName = certificate.commonName
                facts.names = try port.plan.names.read(certificate)
            } else {
                facts.names = try port.plan.names.read(commonName: facts.commonName ?? "")
            }
        } catch {
            port.complain(peer, "\(peer) is turned away: \(error.sentence)")
            close(lingerMilliseconds: 1000)
            return false
        }
        return true
    }

    /// What the listener speaks below TLS or right on the socket; `bytes` are its first.
    func beginProtocol(_ bytes: UnsafeRawBufferPointer) {
        guard readCertificate() else { return }
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
        origin.concealLoopback(from: peer)
        if let facts {
            origin.commonName = facts.commonName ?? ""
            origin.hasCertificate = facts.hasCertificate
            origin.names = facts.names
        }
        origin.isVouchedFor = tls?.peerCertificate != nil && port.plan.tls?.settings.requirePeerCertificate == true
        origin.rates = port.plan.limits.clients
        origin.mountpoint = port.plan.common.mountpoint
        origin.admission = port.plan.common.admission
        origin.highWatermark = port.plan.tcp.highWatermark
        return origin
    }

    /// The connection ended before the broker had it.
    func tellFailure(_ reason: EndReason) {
        // Who closes it here has said why.
        guard reason != .loopStopped, reason != .closedLocally else { return }
        let behind = facts?.address.map { "\($0):\(facts?.port ?? 0) behind " } ?? ""
        switch reason {
        case .notTLS:
            port.complain(
                peer,
                """
                \(behind)\(peer) speaks plain text to a TLS listener (\(port.plan.path)) and is closed; let it connect with TLS, or to \
                a listener without TLS
                """
            )
        case .untrusted(let text): port.complain(peer, "\(behind)\(peer) is turned away: \(text)")
        default: port.tell(peer, "\(behind)\(peer): \(reason.sentence)")
        }
    }
}
