// SPDX-License-Identifier: Apache-2.0
// Certificates made for the run by the openssl command, and a blocking TLS client that uses OpenSSL in the plainest
// way, so that the reactor's own use of it is tested against another.

import COpenSSL
import Glibc

@testable import Reactor

/// Two authorities, and certificates of the first and of the second, in a folder that goes with the process.
enum TestCertificates {
    static let folder: String = {
        var template = Array("/tmp/reactor-tls-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { preconditionFailure("no temporary folder") }
        let folder = String(cString: made)
        let script = """
            set -e; cd \(folder)
            ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
            for a in ca other; do openssl req -x509 $ec -subj "/CN=test $a" -keyout $a.key -out $a.pem; done
            issue() {
              openssl req $ec -subj "$3" -keyout $1.key -out $1.csr
              printf "$4" > $1.ext
              openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 -extfile $1.ext -out $1.pem
            }
            san="subjectAltName=DNS:broker.test,IP:127.0.0.1"
            issue server ca "/CN=broker.test" "$san"
            issue second ca "/CN=second.test" "subjectAltName=DNS:broker.test,DNS:second.test"
            issue client ca "/O=Example/CN=device 7" "extendedKeyUsage=clientAuth"
            issue stranger other "/CN=stranger" "extendedKeyUsage=clientAuth"
            issue lost ca "/CN=lost" "extendedKeyUsage=clientAuth"
            touch index; echo 01 > crlnumber
            printf "[ca]\ndefault_ca=x\n[x]\ndatabase=index\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=2\n" \\
              > ca.conf
            openssl ca -config ca.conf -cert ca.pem -keyfile ca.key -revoke lost.pem
            openssl ca -config ca.conf -cert ca.pem -keyfile ca.key -gencrl -out ca.crl
            for a in rsa:2048 weak:512; do
              openssl req -x509 -newkey rsa:${a#*:} -nodes -subj /CN=localhost -keyout ${a%:*}.key -out ${a%:*}.pem
            done
            openssl ec -in server.key -aes128 -passout pass:secret -out locked.key
            echo rubbish > rubbish.pem
            """
        guard system("( \(script) ) >/dev/null 2>&1") == 0 else { preconditionFailure("openssl made no certificates") }
        atexit { system("rm -rf '\(TestCertificates.folder)'") }
        return folder
    }()

    static func path(_ name: String) -> String { folder + "/" + name }
}

func serverSettings(_ name: String = "server") -> TLSSettings {
    var settings = TLSSettings(role: .server)
    settings.certificateFile = TestCertificates.path("\(name).pem")
    settings.keyFile = TestCertificates.path("\(name).key")
    return settings
}

func clientSettings(certificate: String? = nil) -> TLSSettings {
    var settings = TLSSettings(role: .client)
    settings.caFile = TestCertificates.path("ca.pem")
    settings.certificateFile = certificate.map { TestCertificates.path("\($0).pem") }
    settings.keyFile = certificate.map { TestCertificates.path("\($0).key") }
    return settings
}

/// OpenSSL on a blocking socket.
final class TLSPeer: @unchecked Sendable {
    let socket: Peer
    let ssl: OpaquePointer
    private let context: OpaquePointer
    /// What `handshakeInMemory` and everything said since has made.
    private var unsent: OpaquePointer?

    /// Does not shake hands yet. `session` is one to resume, of another peer.
    init(
        port: UInt16,
        receiveBuffer: Int32 = 0,
        version: Int32 = TLS1_3_VERSION,
        certificate: String? = nil,
        session: OpaquePointer? = nil,
        name: String? = nil
    ) {
        socket = Peer(port: port, receiveBuffer: receiveBuffer)
        guard let context = SSL_CTX_new(TLS_client_method()) else { preconditionFailure("SSL_CTX_new") }
        self.context = context
        _ = openssl_ctx_set_versions(context, version, version)
        if let certificate {
            SSL_CTX_use_certificate_chain_file(context, TestCertificates.path("\(certificate).pem"))
            SSL_CTX_use_PrivateKey_file(context, TestCertificates.path("\(certificate).key"), SSL_FILETYPE_PEM)
        }
        ssl = SSL_new(context)
        SSL_set_fd(ssl, socket.fd)
        SSL_set_connect_state(ssl)
        if let session { SSL_set_session(ssl, session) }
        if let name { _ = openssl_set_server_name(ssl, name) }
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    @discardableResult
    func handshake() -> Bool {
        ERR_clear_error()
        return SSL_do_handshake(ssl) == 1
    }

    /// Shakes hands, but keeps its last message: what is said behind it leaves with it, in one segment, by `flush`.
    func handshakeInMemory() {
        let (input, output) = (BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()))
        SSL_set_bio(ssl, input, output)
        unsent = output
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while SSL_do_handshake(ssl) != 1 {
            flush()
            let got = recv(socket.fd, &buffer, buffer.count, 0)
            precondition(got > 0, "the server ended the handshake")
            BIO_write(input, buffer, Int32(got))
        }
    }

    /// Sends what was said since `handshakeInMemory`.
    func flush() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = BIO_read(unsent, &buffer, Int32(buffer.count))
        if count > 0 { socket.send(Array(buffer.prefix(Int(count)))) }
    }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        ERR_clear_error()
        return SSL_write(ssl, bytes, Int32(bytes.count)) == bytes.count
    }

    /// Exactly `count` bytes, fewer only at the end.
    func read(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            ERR_clear_error()
            let got = bytes.withUnsafeMutableBytes { SSL_read(ssl, $0.baseAddress! + have, Int32(count - have)) }
            if got <= 0 { break }
            have += Int(got)
        }
        return Array(bytes.prefix(have))
    }

    /// Reads to the end; SSL_ERROR_ZERO_RETURN for close_notify.
    func waitForEnd() -> Int32 {
        var byte: UInt8 = 0
        while true {
            ERR_clear_error()
            let got = SSL_read(ssl, &byte, 1)
            if got <= 0 { return SSL_get_error(ssl, got) }
        }
    }

    func sayCloseNotify() {
        ERR_clear_error()
        SSL_shutdown(ssl)
    }

    var commonNameOfServer: String {
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return "" }
        defer { X509_free(certificate) }
        var text = [CChar](repeating: 0, count: 256)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &text, 256)
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }
}
