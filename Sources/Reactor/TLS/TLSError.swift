// SPDX-License-Identifier: Apache-2.0
// OpenSSL's error queue as words. The queue belongs to the thread: it is cleared before every call whose failure is
// read from it, or an old error would be taken for a new one.

import COpenSSL
import Glibc

enum TLSError {
    /// The reasons in the queue, oldest first, without repetitions; empties the queue.
    static func takeReasons() -> (text: String, codes: [Int32]) {
        var texts: [String] = []
        var codes: [Int32] = []
        while true {
            let error = ERR_get_error()
            if error == 0 { break }
            let text =
                if openssl_error_is_system(error) != 0 {
                    describeError(openssl_error_reason(error))
                } else {
                    ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(error)"
                }
            codes.append(openssl_error_reason(error))
            if !texts.contains(text) { texts.append(text) }
        }
        return (texts.isEmpty ? "no reason given" : texts.joined(separator: ", "), codes)
    }

    /// Why a handshake or a record failed, about the peer of `session`.
    static func reason(for session: TLSSession) -> EndReason {
        let (text, codes) = takeReasons()
        let notTLS = [SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST]
        if !session.isEstablished, codes.contains(where: notTLS.contains) {
            return session.role == .server
                ? .notTLS : .tls("the server does not speak TLS on this port; turn TLS off or use its TLS port")
        }
        if codes.contains(SSL_R_CERTIFICATE_VERIFY_FAILED) {
            let result = SSL_get_verify_result(session.ssl)
            let why = X509_verify_cert_error_string(result).map { String(cString: $0) } ?? text
            let whose = session.serverName.map { "the certificate of \($0)" } ?? "the peer's certificate"
            return .untrusted("\(whose) is not accepted: \(why); check the trusted authorities and the name")
        }
        if codes.contains(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
            return .untrusted("the client sent no certificate, and this listener requires one")
        }
        return .tls(session.isEstablished ? "the TLS connection failed: \(text)" : "the TLS handshake failed: \(text)")
    }
}
