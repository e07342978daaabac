// SPDX-License-Identifier: Apache-2.0
// The users of one SCRAM authenticator: keys made of the passwords of a bootstrap file. Immutable once made. Somebody
// unknown gets a salt and keys, too, so that nobody learns who is a user here.

import PluginKit

/// `algorithm` of the config.
public enum SCRAMAlgorithm: String, CaseIterable, Sendable {
    case sha256
    case sha512

    /// As MQTT's authentication method.
    public var method: String { self == .sha256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512" }

    var digest: Digest { self == .sha256 ? .sha256 : .sha512 }
}

public struct SCRAMTable: Sendable {
    struct User: Sendable {
        let keys: SCRAMKeys
        let isSuperuser: Bool
        /// Tells at a reload whether the keys are still those of the password.
        let fingerprint: [UInt8]
    }

    public let algorithm: SCRAMAlgorithm
    let iterations: Int
    let users: [[UInt8]: User]
    private let secret: [UInt8]

    public var count: Int { users.count }

    public func knows(_ userName: [UInt8]) -> Bool { users[userName] != nil }

    /// No users.
    public init(_ algorithm: SCRAMAlgorithm, iterations: Int) {
        self.algorithm = algorithm
        self.iterations = iterations
        users = [:]
        secret = randomSalt() + randomSalt()
    }

    /// The users of a bootstrap file with plain passwords. Keys cost `iterations` rounds each: those of `previous` that
    /// are still right are taken over.
    public init(
        _ algorithm: SCRAMAlgorithm,
        iterations: Int,
        name: String,
        text: [UInt8],
        previous: SCRAMTable? = nil
    ) throws {
        let reusable = previous.flatMap { $0.algorithm == algorithm && $0.iterations == iterations ? $0 : nil }
        self.algorithm = algorithm
        self.iterations = iterations
        secret = reusable?.secret ?? randomSalt() + randomSalt()
        let maker = UserMaker(
            derivation: try PBKDF2(AlgorithmSettings(mac_fun: algorithm.rawValue, iterations: iterations)),
            secret: secret,
            known: reusable?.users ?? [:]
        )
        var file = UserFile(name: name, text: text, type: .plain)
        var users: [[UInt8]: User] = [:]
        var names: Set<[UInt8]> = []
        for row in file.rows {
            guard !row.isMosquitto else {
                file.complain(
                    row.place,
                    "SCRAM keys are made of passwords, and this file holds hashes: use a .csv or .json file."
                )
                continue
            }
            guard let userID = row.userID, !userID.isEmpty else {
                file.complain(row.place, "the user_id is missing.")
                continue
            }
            guard let password = row.password else {
                file.complain(row.place, "the password is missing.")
                continue
            }
            guard names.insert(userID).inserted else {
                file.complain(row.place, "the user \(String(decoding: userID, as: UTF8.self)) stands above already.")
                continue
            }
            guard file.mistakes.isEmpty else { continue }
            users[userID] = try maker.user(userID, password, isSuperuser: row.isSuperuser)
        }
        guard file.mistakes.isEmpty else { throw UserFileErrors(sentences: file.mistakes) }
        self.users = users
    }

    /// Salt and keys of somebody; those of an unknown name are made up, the same every time.
    func credential(of userName: [UInt8]) -> (salt: [UInt8], keys: SCRAMKeys, user: User?)? {
        guard let salt = salt(userName, secret), let stored = mix(secret, "stored", userName, algorithm.digest),
            let server = mix(secret, "server", userName, algorithm.digest)
        else { return nil }
        let user = users[userName]
        return (salt, user?.keys ?? SCRAMKeys(stored: stored, server: server), user)
    }
}

private struct UserMaker {
    let derivation: PBKDF2
    let secret: [UInt8]
    let known: [[UInt8]: SCRAMTable.User]

    func user(_ userName: [UInt8], _ password: [UInt8], isSuperuser: Bool) throws -> SCRAMTable.User {
        guard let salt = salt(userName, secret), let fingerprint = mix(secret, "password", salt + password, .sha256)
        else { throw unavailable }
        let old = known[userName].flatMap { $0.fingerprint == fingerprint ? $0.keys : nil }
        guard let keys = old ?? SCRAMKeys(password, salt, derivation) else { throw unavailable }
        return SCRAMTable.User(keys: keys, isSuperuser: isSuperuser, fingerprint: fingerprint)
    }

    private var unavailable: PluginError {
        PluginError("OpenSSL cannot compute \(derivation.digest.rawValue) on this system: use another algorithm.")
    }
}

/// Nobody can tell a user's salt from one that is made up, and neither changes while the process lives.
private func salt(_ userName: [UInt8], _ secret: [UInt8]) -> [UInt8]? {
    mix(secret, "salt", userName, .sha256).map { Array($0.prefix(16)) }
}

private func mix(_ secret: [UInt8], _ purpose: StaticString, _ bytes: [UInt8], _ digest: Digest) -> [UInt8]? {
    digest.authenticate(secret, BytesView(purpose).array + [0] + bytes)
}
