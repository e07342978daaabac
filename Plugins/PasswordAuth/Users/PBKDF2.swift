// SPDX-License-Identifier: Apache-2.0
// PBKDF2 (RFC 8018) with any of the digests as its HMAC. Slow by intention: never called on an event loop.

import COpenSSL
import PluginKit

struct PBKDF2: Sendable {
    let digest: Digest
    let iterations: UInt32
    let length: Int
    private let library: DigestLibrary

    init(_ settings: AlgorithmSettings) throws {
        let names = Digest.allCases.map(\.rawValue).joined(separator: ", ")
        guard let name = settings.mac_fun else { throw PluginError("pbkdf2 needs mac_fun: one of \(names).") }
        guard let digest = Digest(rawValue: name) else {
            throw PluginError("\(name) is no mac_fun of pbkdf2: use one of \(names).")
        }
        guard let count = settings.iterations, let iterations = UInt32(exactly: count), (1...10_000_000).contains(count)
        else { throw PluginError("pbkdf2 needs iterations, from 1 to 10000000.") }
        let length = settings.dk_length ?? digest.size
        guard (1...1024).contains(length) else {
            throw PluginError("dk_length is from 1 to 1024 bytes, not \(length).")
        }
        self.digest = digest
        self.iterations = iterations
        self.length = length
        library = try DigestLibrary(for: digest)
    }

    /// Nil if the library fails.
    func derive(_ password: [UInt8], _ salt: [UInt8]) -> [UInt8]? {
        guard let function = EVP_KDF_fetch(library.context, "PBKDF2", nil) else { return nil }
        defer { EVP_KDF_free(function) }
        guard let context = EVP_KDF_CTX_new(function) else { return nil }
        defer { EVP_KDF_CTX_free(context) }
        var result = [UInt8](repeating: 0, count: length)
        let done = withParameters(password, salt) { EVP_KDF_derive(context, &result, length, $0) }
        return done == 1 ? result : nil
    }

    /// A parameter keeps the addresses of its name and of its value, so both have to stay where they are.
    private func withParameters(_ password: [UInt8], _ salt: [UInt8], _ body: ([OSSL_PARAM]) -> Int32) -> Int32 {
        var digest = Array(digest.name.utf8CString)
        var password = password
        var salt = salt
        var iterations = iterations
        return digest.withUnsafeMutableBufferPointer { digest in
            password.withUnsafeMutableBytes { password in
                salt.withUnsafeMutableBytes { salt in
                    withUnsafeMutablePointer(to: &iterations) { iterations in
                        body([
                            OSSL_PARAM_construct_utf8_string(key("digest"), digest.baseAddress, 0),
                            OSSL_PARAM_construct_octet_string(key("pass"), password.baseAddress, password.count),
                            OSSL_PARAM_construct_octet_string(key("salt"), salt.baseAddress, salt.count),
                            OSSL_PARAM_construct_uint(key("iter"), iterations),
                            OSSL_PARAM_construct_end(),
                        ])
                    }
                }
            }
        }
    }
}

private func key(_ name: StaticString) -> UnsafePointer<CChar> { name.cString }
