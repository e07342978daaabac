// SPDX-License-Identifier: Apache-2.0
// From the `authentication` settings to the users that are asked, one table for each entry of the array. What this
// plugin cannot do is refused here with the place in the config.

import PasswordAuthUsers
import PluginKit

struct Authenticator: Sendable {
    enum UserIDType: String, Sendable {
        case username
        case clientid
    }
    let userIDType: UserIDType
    let users: UserTable
}

/// All that one reload replaces.
final class Chain: Sendable {
    let authenticators: [Authenticator]
    let verified = CredentialCache()

    init(_ authenticators: [Authenticator]) { self.authenticators = authenticators }
}

private struct AuthenticatorSettings: Decodable {
    let mechanism: String
    let backend: String?
    let enable: Bool
    let user_id_type: String
    let password_hash_algorithm: AlgorithmSettings
    let bootstrap_file: String?
    let bootstrap_type: String
    let precondition: String?
}

private let defaultBootstrapFile = "etc/auth-built-in-db-bootstrap.csv"

extension PasswordAuth {
    func loadChain() throws -> Chain {
        let entries = try host.config([AuthenticatorSettings].self, at: "authentication")
        return Chain(
            try entries.enumerated().filter(\.element.enable).map {
                try load($0.element, "authentication[\($0.offset)]")
            }
        )
    }

    private func load(_ entry: AuthenticatorSettings, _ setting: String) throws -> Authenticator {
        func refuse(_ key: String, _ sentence: String) -> PluginError {
            PluginError("\(host.origin("\(setting).\(key)")): \(setting).\(key): \(sentence)")
        }
        guard entry.mechanism == "password_based" else {
            throw refuse("mechanism", "\(entry.mechanism) is not supported by this plugin: use password_based.")
        }
        guard entry.backend == "built_in_database" else {
            let given = entry.backend.map { "\($0) is not supported by this plugin" } ?? "it is missing"
            throw refuse("backend", "\(given): use built_in_database.")
        }
        guard (entry.precondition ?? "").isEmpty else {
            throw refuse("precondition", "conditions on authenticators are not supported: remove it.")
        }
        guard let userIDType = Authenticator.UserIDType(rawValue: entry.user_id_type) else {
            throw refuse("user_id_type", "it is username or clientid, not \(entry.user_id_type).")
        }
        guard let type = BootstrapType(rawValue: entry.bootstrap_type) else {
            throw refuse("bootstrap_type", "it is plain or hash, not \(entry.bootstrap_type).")
        }
        let algorithm: Algorithm
        do {
            algorithm = try Algorithm(entry.password_hash_algorithm)
        } catch {
            throw refuse("password_hash_algorithm", "\(error)")
        }
        do {
            let users = try loadUsers(entry.bootstrap_file, algorithm, type)
            return Authenticator(userIDType: userIDType, users: users)
        } catch let errors as UserFileErrors {
            for sentence in errors.sentences.prefix(50) { host.log(.error, sentence) }
            let count = errors.sentences.count
            throw refuse(
                "bootstrap_file",
                "the file holds \(count == 1 ? "a mistake" : "\(count) mistakes"), logged above."
            )
        } catch {
            throw refuse("bootstrap_file", "\(error)")
        }
    }

    private func loadUsers(_ named: String?, _ algorithm: Algorithm, _ type: BootstrapType) throws -> UserTable {
        let path = named ?? defaultBootstrapFile
        let text = named == nil ? try readFile(ifPresent: path) : try readFile(path)
        guard let text else {
            host.log(
                .warning,
                "There is no file \(resolvedPath(path)), so nobody can log in: create it or set bootstrap_file."
            )
            return UserTable(algorithm)
        }
        let users = try UserTable(algorithm, name: resolvedPath(path), text: text, type: type)
        host.log(.notice, "\(users.count) users were read from \(resolvedPath(path)).")
        return users
    }
}
