// SPDX-License-Identifier: Apache-2.0
// The TLS state of one stream: OpenSSL's SSL object and the ciphertext that the socket did not take. What it owns while
// idle is OpenSSL's own; the stream drives it.

import COpenSSL
import Glibc

/// Confinement: its stream's loop, from the moment the stream has it.
public final class TLSSession: @unchecked Sendable {
    let ssl: OpaquePointer
    let role: TLSSettings.Role
    let serverName: String?
    let handshakeMilliseconds: UInt64
    private(set) var isAttached = false
    public internal(set) var isEstablished = false
    /// A write was refused because the handshake was not done: `writable` is owed.
    var owesWritable = false
    /// Plaintext that came while the owner had paused reading.
    var held: [UInt8] = []
    /// Ciphertext that waits for the socket, from `waitingStart` on.
    private var waiting: [UInt8] = []
    private var waitingStart = 0

    init(ssl: OpaquePointer, settings: TLSSettings, serverName: String?) {
        self.ssl = ssl
        role = settings.role
        handshakeMilliseconds = settings.handshakeMilliseconds
        self.serverName = serverName
        if role == .server { SSL_set_accept_state(ssl) } else { SSL_set_connect_state(ssl) }
    }

    deinit { SSL_free(ssl) }

    /// Sets the name to send and to find in the server's certificate.
    func expect(_ name: String) -> Bool {
        if SocketAddress(numeric: name, port: 0) != nil {
            return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
        }
        return openssl_set_server_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1
    }

    func attach(_ transport: TLSTransport) {
        BIO_up_ref(transport.bio)
        SSL_set_bio(ssl, transport.bio, transport.bio)
        isAttached = true
    }

    // MARK: - Waiting ciphertext

    var hasWaiting: Bool { !waiting.isEmpty }

    func wait(_ bytes: UnsafeRawBufferPointer) { waiting.append(contentsOf: bytes) }

    /// Sends what waits; the error number if the socket is broken.
    func sendWaiting(_ send: (UnsafeRawBufferPointer) -> Int) -> Int32? {
        if waiting.isEmpty { return nil }
        let sent = waiting.withUnsafeBytes { send(UnsafeRawBufferPointer(rebasing: $0[waitingStart...])) }
        if sent < 0 { return isTransient(errno) ? nil : errno }
        waitingStart += sent
        if waitingStart == waiting.count {
            // The memory too: an idle connection keeps none.
            waiting = []
            waitingStart = 0
        }
        return nil
    }

    // MARK: - What the peer showed

    /// "TLSv1.3"
    public var version: String { String(cString: SSL_get_version(ssl)) }

    /// "TLS_AES_128_GCM_SHA256"
    public var cipher: String { String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))) }

    /// Whether the handshake resumed an earlier session by ticket.
    public var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// The peer's verified certificate; nil without one.
    public var peerCertificate: PeerCertificate? {
        guard SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER != 0, SSL_get_verify_result(ssl) == Int(X509_V_OK) else {
            return nil
        }
        return SSL_get1_peer_certificate(ssl).map { PeerCertificate($0) }
    }

    /// Its common name; nil without one.
    public var peerCommonName: String? { peerCertificate?.commonName }

    /// Its whole subject, "CN=device 7,O=Example"; nil without one.
    public var peerSubject: String? { peerCertificate?.subject }
}

/// Errors of send and recv after which the same call may succeed later.
func isTransient(_ number: Int32) -> Bool {
    number == EAGAIN || number == EINTR || number == ENOBUFS || number == ENOMEM
}
