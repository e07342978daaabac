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
        guard let function, EVP_Digest(bytes, bytes.count, &result, nil, function, nil) == 1 else { return nil }
        return result
    }

    /// Whether the hash of `first` with `second` behind it is `expected`, in constant time and without an allocation of
    /// ours: every login is compared so, on its event loop.
    func makes(_ expected: [UInt8], of first: BytesView, _ second: BytesView) -> Bool {
        guard expected.count == size, let function, let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { result in
            EVP_DigestInit_ex2(context, function, nil) == 1
                && EVP_DigestUpdate(context, first.base, first.count) == 1
                && EVP_DigestUpdate(context, second.base, second.count) == 1
                && EVP_DigestFinal_ex(context, result.baseAddress, nil) == 1
                && CRYPTO_memcmp(result.baseAddress, expected, size) == 0
        }
    }

    /// Fetched once: the library's search by name costs as much as hashing a password. Nil if it does not offer it.
    private var function: OpaquePointer? { functions[place] }

    private var place: Int {
        switch self {
        case .md4: 0
        case .md5: 1
        case .ripemd160: 2
        case .sha: 3
        case .sha224: 4
        case .sha256: 5
        case .sha384: 6
        case .sha512: 7
        }
    }
}

/// By place, in the order of the cases.
nonisolated(unsafe) private let functions = Digest.allCases.map { EVP_MD_fetch(nil, $0.name, nil) }

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
