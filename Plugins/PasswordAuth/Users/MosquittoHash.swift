// SPDX-License-Identifier: Apache-2.0
// Hashes as mosquitto_passwd writes them: `$6$SALT$HASH`, SHA-512 of the password with the salt behind it, and
// `$7$ITERATIONS$SALT$HASH`, PBKDF2 with it. Salt and hash are in base 64.

import PluginKit

struct MosquittoHashes {
    private static let salted = Algorithm(kind: .digest(.sha512), saltPosition: .suffix)
    /// By their iterations: all users of a file have the same, mostly.
    private var derivations: [Int: Algorithm] = [:]

    /// Throws a sentence that names what is wrong.
    mutating func credential(_ text: [UInt8]) throws -> Credential {
        let parts = text.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false).map(Array.init)
        guard parts.count > 1, parts[0].isEmpty else {
            throw PluginError(
                "the password is not hashed: run mosquitto_passwd -U on the file, or `isthmus passwd` for this user."
            )
        }
        switch (String(decoding: parts[1], as: UTF8.self), parts.count) {
        case ("6", 4):
            let (salt, hash) = try Self.decoded(parts[2], parts[3])
            return Credential(secret: hash, salt: salt, isSuperuser: false, algorithm: Self.salted)
        case ("7", 5):
            guard let iterations = Int(String(decoding: parts[2], as: UTF8.self)) else {
                throw PluginError("the iterations of the hash are no number.")
            }
            let (salt, hash) = try Self.decoded(parts[3], parts[4])
            return Credential(secret: hash, salt: salt, isSuperuser: false, algorithm: try derivation(iterations))
        case ("argon2id", _):
            throw PluginError(
                "argon2id is not supported: set the password anew with `isthmus passwd`, or mosquitto_passwd -H sha512-pbkdf2."
            )
        default: throw PluginError("the hash is neither $6$SALT$HASH nor $7$ITERATIONS$SALT$HASH.")
        }
    }

    private mutating func derivation(_ iterations: Int) throws -> Algorithm {
        if let known = derivations[iterations] { return known }
        let settings = AlgorithmSettings(name: "pbkdf2", mac_fun: "sha512", iterations: iterations)
        let made = Algorithm(kind: .pbkdf2(try PBKDF2(settings)), saltPosition: .prefix)
        derivations[iterations] = made
        return made
    }

    private static func decoded(_ salt: [UInt8], _ hash: [UInt8]) throws -> (salt: [UInt8], hash: [UInt8]) {
        guard let salt = Base64.decode(salt), let hash = Base64.decode(hash), hash.count == Digest.sha512.size else {
            throw PluginError("salt and hash are not base 64 of the right length; the line may have been cut.")
        }
        return (salt, hash)
    }
}
