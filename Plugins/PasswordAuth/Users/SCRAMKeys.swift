// SPDX-License-Identifier: Apache-2.0
// What a server keeps of a password for SCRAM (RFC 5802, section 3): from neither key the password can be told, and
// who has them still cannot log in.

import COpenSSL

struct SCRAMKeys: Sendable, Equatable {
    /// Of a client that proves it knows the password.
    let stored: [UInt8]
    /// By which the server proves that it knows the user.
    let server: [UInt8]

    init(stored: [UInt8], server: [UInt8]) {
        self.stored = stored
        self.server = server
    }

    /// Nil if the library fails.
    init?(_ password: [UInt8], _ salt: [UInt8], _ derivation: PBKDF2) {
        let digest = derivation.digest
        guard let salted = derivation.derive(password, salt),
            let client = digest.authenticate(salted, Array("Client Key".utf8)), let stored = digest.hash(client),
            let server = digest.authenticate(salted, Array("Server Key".utf8))
        else { return nil }
        self.stored = stored
        self.server = server
    }

    /// Whether the proof is that of a client that knows the password, in constant time.
    func accept(_ proof: [UInt8], _ message: [UInt8], _ digest: Digest) -> Bool {
        guard let signature = digest.authenticate(stored, message), signature.count == proof.count,
            let hash = digest.hash(zip(proof, signature).map { $0 ^ $1 })
        else { return false }
        return equal(hash, stored)
    }
}

extension Digest {
    /// HMAC (RFC 2104). Nil if the library fails.
    func authenticate(_ key: [UInt8], _ message: [UInt8]) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: size)
        var length = 0
        let done = EVP_Q_mac(
            nil,
            "HMAC",
            nil,
            name,
            nil,
            key,
            key.count,
            message,
            message.count,
            &result,
            result.count,
            &length
        )
        return done != nil && length == size ? result : nil
    }
}
