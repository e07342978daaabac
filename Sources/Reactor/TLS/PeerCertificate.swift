// SPDX-License-Identifier: Apache-2.0
// A peer's certificate that was verified: the names in it, and the certificate itself in the forms users ask for.

import COpenSSL
import Glibc

public final class PeerCertificate {
    private let certificate: OpaquePointer

    /// Takes over the reference.
    init(_ certificate: OpaquePointer) { self.certificate = certificate }

    deinit { X509_free(certificate) }

    /// The common name; nil if there is none, or one with a zero byte inside, which pretends to be a shorter one.
    public var commonName: String? {
        guard let subject = X509_get_subject_name(certificate) else { return nil }
        let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, let entry = X509_NAME_get_entry(subject, index) else { return nil }
        var text: UnsafeMutablePointer<UInt8>?
        let length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
        guard length >= 0, let text else { return nil }
        defer { openssl_free(text) }
        let bytes = UnsafeBufferPointer(start: text, count: Int(length))
        return bytes.contains(0) ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// The whole subject, "CN=device 7,O=Example"; nil if it is empty.
    public var subject: String? {
        guard let subject = X509_get_subject_name(certificate) else { return nil }
        let text = Self.written { openssl_name_print($0, subject) >= 0 }
        return text.flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) }
    }

    /// DER
    public var encoded: [UInt8]? {
        var start: UnsafeMutablePointer<UInt8>?
        let length = i2d_X509(certificate, &start)
        guard length > 0, let start else { return nil }
        defer { openssl_free(start) }
        return Array(UnsafeBufferPointer(start: start, count: Int(length)))
    }

    public var pem: [UInt8]? { Self.written { PEM_write_bio_X509($0, certificate) == 1 } }

    /// Of the DER form, 32 hexadecimal digits; nil where MD5 is forbidden.
    public var md5: String? {
        var digest = [UInt8](repeating: 0, count: 16)
        var length: UInt32 = 0
        guard X509_digest(certificate, EVP_md5(), &digest, &length) == 1, length == 16 else {
            ERR_clear_error()
            return nil
        }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func written(_ write: (OpaquePointer) -> Bool) -> [UInt8]? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(memory) }
        guard write(memory) else {
            ERR_clear_error()
            return nil
        }
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = BIO_read(memory, &part, Int32(part.count))
            if count <= 0 { return all }
            all += part.prefix(Int(count))
        }
    }
}
