// SPDX-License-Identifier: Apache-2.0
// Why a certificate and a private key cannot be used, with advice that fits. OpenSSL's reasons alone mislead: what they
// say of a file with something else in it is that it could not be decoded, and a key of another kind than the
// certificate's is only missed.

import COpenSSL
import Glibc

enum IdentityProblem {
    /// The key file was read, or not, and does not go with the certificate in `certificate`.
    static func key(_ key: String, _ certificate: String, hasPassword: Bool) -> ReactorError {
        let (text, codes) = TLSError.takeReasons()
        // The last is of a certificate with another kind of key, such as RSA beside EC.
        let mismatches = [X509_R_KEY_VALUES_MISMATCH, X509_R_KEY_TYPE_MISMATCH, SSL_R_NO_CERTIFICATE_ASSIGNED]
        if codes.contains(where: mismatches.contains) {
            return ReactorError(
                "the private key \(key) does not belong to the certificate \(certificate); give its pair"
            )
        }
        let labels = pemLabels(key)
        guard let label = labels.first(where: { $0.hasSuffix("PRIVATE KEY") }) else {
            let what = labels.first.map { "a \($0)" } ?? "nothing in PEM form"
            return ReactorError(
                "the file \(key) holds no private key but \(what); set keyfile to the one with BEGIN PRIVATE KEY"
            )
        }
        guard label.hasPrefix("ENCRYPTED") || labels.contains("Proc-Type: ENCRYPTED") else {
            return ReactorError(
                "the private key file \(key) cannot be used: \(text); make a new key, or export it again"
            )
        }
        let hint = hasPassword ? "check the password" : "set password"
        return ReactorError("the private key file \(key) is encrypted and cannot be opened: \(text); \(hint)")
    }

    /// The file holds no certificate that OpenSSL takes.
    static func certificate(_ file: String) -> ReactorError {
        let (text, codes) = TLSError.takeReasons()
        let weaknesses = [SSL_R_EE_KEY_TOO_SMALL, SSL_R_CA_KEY_TOO_SMALL, SSL_R_CA_MD_TOO_WEAK]
        if codes.contains(where: weaknesses.contains) {
            return ReactorError(
                "the certificate \(file) is too weak for this system: \(text); make one with a larger key and SHA-256"
            )
        }
        if let label = pemLabels(file).first, !label.hasSuffix("CERTIFICATE") {
            return ReactorError(
                "the file \(file) holds no certificate but a \(label); set certfile to the one with BEGIN CERTIFICATE"
            )
        }
        return ReactorError("the file \(file) holds no usable certificate chain: \(text); give a PEM file")
    }

    /// What stands behind BEGIN in the file's first kilobytes, and a line for the old way to encrypt a key.
    private static func pemLabels(_ file: String) -> [String] {
        let fd = open(file, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return [] }
        defer { close(fd) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(fd, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).compactMap { line in
            if line.hasPrefix("Proc-Type:"), line.contains("ENCRYPTED") { return "Proc-Type: ENCRYPTED" }
            guard line.hasPrefix("-----BEGIN "), line.hasSuffix("-----") else { return nil }
            return String(line.dropFirst(11).dropLast(5))
        }
    }
}
