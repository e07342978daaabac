// SPDX-License-Identifier: Apache-2.0
// Message digests by OpenSSL. The old ones (md4, ripemd160) are in its legacy provider, which is loaded into a library
// context of this plugin's own, so that nothing else in the process can fall back to them.

import COpenSSL
import PluginKit

public enum Digest: String, CaseIterable, Sendable {
    case md4
    case md5
    case ripemd160
    case sha
    case sha224
    case sha256
    case sha384
    case sha512

    var name: String {
        switch self {
        case .md4: "MD4"
        case .md5: "MD5"
        case .ripemd160: "RIPEMD160"
        case .sha: "SHA1"
        case .sha224: "SHA224"
        case .sha256: "SHA256"
        case .sha384: "SHA384"
        case .sha512: "SHA512"
        }
    }

    var size: Int {
        switch self {
        case .md4, .md5: 16
        case .ripemd160, .sha: 20
        case .sha224: 28
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// Nil if the library fails, as it does for what a FIPS configuration forbids.
    func hash(_ bytes: [UInt8]) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: size)
        guard EVP_Q_digest(nil, name, nil, bytes, bytes.count, &result, nil) == 1 else { return nil }
        return result
    }
}

/// A library context of OpenSSL, with the legacy provider where it was asked for.
final class DigestLibrary: @unchecked Sendable {
    let context: OpaquePointer
    private let providers: [OpaquePointer]

    /// Fails if the digest is not to be had on this system.
    init(for digest: Digest) throws {
        guard let context = OSSL_LIB_CTX_new() else {
            throw PluginError("OpenSSL has no memory for a library context.")
        }
        self.context = context
        let names = digest == .md4 || digest == .ripemd160 ? ["default", "legacy"] : ["default"]
        providers = names.compactMap { OSSL_PROVIDER_load(context, $0) }
        guard let found = EVP_MD_fetch(context, digest.name, nil) else {
            throw PluginError(
                "OpenSSL does not offer \(digest.rawValue) here: install its legacy provider (legacy.so), or use "
                    + "another mac_fun."
            )
        }
        EVP_MD_free(found)
    }

    deinit {
        for provider in providers { OSSL_PROVIDER_unload(provider) }
        OSSL_LIB_CTX_free(context)
    }
}
