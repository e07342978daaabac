// SPDX-License-Identifier: Apache-2.0
// How a stored password is compared with the one a client sends: the algorithms and options of
// `password_hash_algorithm`. The cryptography itself is in Digest.swift, PBKDF2.swift and Bcrypt.swift.

import PluginKit

/// `password_hash_algorithm` as the config has it.
public struct AlgorithmSettings: Decodable, Sendable {
    public var name = "sha256"
    public var salt_position = "prefix"
    public var mac_fun: String?
    public var iterations: Int?
    public var dk_length: Int?
}

public struct Algorithm: Sendable {
    enum Kind: Sendable {
        case plain
        case digest(Digest)
        case bcrypt
        case pbkdf2(PBKDF2)
    }

    enum SaltPosition: String, Sendable {
        case prefix
        case suffix
        case disable
    }

    let kind: Kind
    let saltPosition: SaltPosition

    /// Fast enough for an event loop, and what rows with plain passwords are kept as when the configured algorithm is
    /// slow on purpose.
    public static let saltedSHA256 = Algorithm(kind: .digest(.sha256), saltPosition: .prefix)

    init(kind: Kind, saltPosition: SaltPosition) {
        self.kind = kind
        self.saltPosition = saltPosition
    }

    public init(_ settings: AlgorithmSettings) throws {
        guard let position = SaltPosition(rawValue: settings.salt_position) else {
            throw PluginError("salt_position is prefix, suffix or disable, not \(settings.salt_position).")
        }
        saltPosition = position
        switch settings.name {
        case "plain": kind = .plain
        case "md5", "sha", "sha256", "sha512":
            guard let digest = Digest(rawValue: settings.name) else { throw unknown(settings.name) }
            kind = .digest(digest)
        case "bcrypt": kind = .bcrypt
        case "pbkdf2": kind = .pbkdf2(try PBKDF2(settings))
        default: throw unknown(settings.name)
        }
    }

    /// Whether one comparison takes milliseconds, so that it must not run on an event loop.
    public var isSlow: Bool {
        switch kind {
        case .plain, .digest: false
        case .bcrypt, .pbkdf2: true
        }
    }

    /// What a row of a file with hashes is kept as, or why it could never match.
    public func credential(hash: [UInt8], salt: [UInt8], isSuperuser: Bool) throws -> Credential {
        switch kind {
        case .plain: return Credential(secret: hash, salt: salt, isSuperuser: isSuperuser, algorithm: self)
        case .bcrypt:
            guard Bcrypt.isHash(hash) else {
                throw PluginError(
                    "the password_hash is no bcrypt hash, which begins with $2b$10$ and has 60 characters."
                )
            }
            return Credential(secret: hash, salt: [], isSuperuser: isSuperuser, algorithm: self)
        case .digest(let digest): return try hexCredential(hash, digest.size, salt, isSuperuser)
        case .pbkdf2(let derivation): return try hexCredential(hash, derivation.length, salt, isSuperuser)
        }
    }

    private func hexCredential(_ hash: [UInt8], _ size: Int, _ salt: [UInt8], _ isSuperuser: Bool) throws -> Credential
    {
        guard let secret = bytes(hex: hash), secret.count == size else {
            throw PluginError("the password_hash should be \(size * 2) hexadecimal digits for this algorithm.")
        }
        return Credential(secret: secret, salt: salt, isSuperuser: isSuperuser, algorithm: self)
    }

    /// What a row of a file with plain passwords is kept as. Nil for the slow algorithms, which have no use for it.
    public func credential(password: [UInt8], isSuperuser: Bool) -> Credential? {
        let salt = saltPosition == .disable ? [] : randomSalt()
        switch kind {
        case .plain:
            return Credential(secret: salted(password, salt), salt: salt, isSuperuser: isSuperuser, algorithm: self)
        case .digest(let digest):
            return digest.hash(salted(password, salt)).map {
                Credential(secret: $0, salt: salt, isSuperuser: isSuperuser, algorithm: self)
            }
        case .bcrypt, .pbkdf2: return nil
        }
    }

    /// Takes the same time whatever part of the password is wrong.
    func accepts(_ password: BytesView, _ credential: Credential) -> Bool {
        switch kind {
        case .plain: equalTexts(salted(password.array, credential.salt), credential.secret)
        case .digest(let digest): accepts(password, credential, digest)
        case .bcrypt: Bcrypt.accepts(password.array, credential.secret)
        case .pbkdf2(let derivation): equal(derivation.derive(password.array, credential.salt), credential.secret)
        }
    }

    private func accepts(_ password: BytesView, _ credential: Credential, _ digest: Digest) -> Bool {
        credential.salt.withBytes { salt in
            switch saltPosition {
            case .prefix: digest.makes(credential.secret, of: salt.view, password)
            case .suffix: digest.makes(credential.secret, of: password, salt.view)
            case .disable: digest.makes(credential.secret, of: password, .empty)
            }
        }
    }

    private func salted(_ password: [UInt8], _ salt: [UInt8]) -> [UInt8] {
        switch saltPosition {
        case .prefix: salt + password
        case .suffix: password + salt
        case .disable: password
        }
    }
}

/// What is known of a user.
public struct Credential: Sendable {
    /// The digest; the text itself for plain and bcrypt.
    let secret: [UInt8]
    let salt: [UInt8]
    public let isSuperuser: Bool
    /// By which it was made: a file may hold users of several.
    public let algorithm: Algorithm

    public func accepts(_ password: BytesView) -> Bool { algorithm.accepts(password, self) }
}

private func unknown(_ name: String) -> PluginError {
    PluginError("\(name) is no password hash: use plain, md5, sha, sha256, sha512, bcrypt or pbkdf2.")
}
