// SPDX-License-Identifier: Apache-2.0
// The users of one authenticator, in memory, found by their name or client identifier. Immutable once made.

import PluginKit

public struct UserTable: Sendable {
    private let users: [[UInt8]: Credential]
    /// A sample of the users, with as many of each cost as there are among all.
    private let decoys: [Credential]

    public var count: Int { users.count }

    public subscript(_ userID: [UInt8]) -> Credential? { users[userID] }

    /// What the password of somebody unknown is compared with, for nothing but the time it takes: the credential of a
    /// user, the same one whenever that name is asked. Nil if there are no users.
    public func decoy(for userID: [UInt8]) -> Credential? { pick(from: decoys, for: userID) }

    /// No users.
    public init() {
        users = [:]
        decoys = []
    }

    /// The users of a bootstrap file. Passwords of a plain file are salted and hashed in memory; under an algorithm
    /// that is slow on purpose they become salted SHA-256, since thousands of slow hashes would hold up the start and
    /// protect nothing that the file itself does not give away.
    ///
    /// A file whose name ends neither with .csv nor with .json is one of mosquitto_passwd: its lines say how each password
    /// was hashed, whatever `configured` and `type` are.
    public init(_ configured: Algorithm, name: String, text: [UInt8], type: BootstrapType) throws {
        let algorithm = type == .plain && configured.isSlow ? .saltedSHA256 : configured
        var file = UserFile(name: name, text: text, type: type)
        var users: [[UInt8]: Credential] = [:]
        var places: [[UInt8]: String] = [:]
        var hashes = MosquittoHashes()
        for row in file.rows {
            guard let userID = row.userID, !userID.isEmpty else {
                file.complain(row.place, "the user_id is missing.")
                continue
            }
            guard let password = row.password else {
                file.complain(row.place, "the \(type.column) is missing.")
                continue
            }
            if let before = places[userID] {
                file.complain(row.place, "the user \(String(decoding: userID, as: UTF8.self)) is in \(before) already.")
                continue
            }
            do {
                users[userID] =
                    try row.isMosquitto
                    ? hashes.credential(password) : credential(row, password, type, algorithm)
                places[userID] = row.place
            } catch {
                file.complain(row.place, "\(error)")
            }
        }
        guard file.mistakes.isEmpty else { throw UserFileErrors(sentences: file.mistakes) }
        self.users = users
        decoys = Array(users.values.prefix(64))
    }
}

private func credential(
    _ row: UserRow,
    _ password: [UInt8],
    _ type: BootstrapType,
    _ algorithm: Algorithm
) throws -> Credential {
    switch type {
    case .hash: return try algorithm.credential(hash: password, salt: row.salt, isSuperuser: row.isSuperuser)
    case .plain:
        guard let credential = algorithm.credential(password: password, isSuperuser: row.isSuperuser) else {
            throw PluginError("OpenSSL cannot compute the configured digest on this system.")
        }
        return credential
    }
}
