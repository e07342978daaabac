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
    let maxWaitingPerUser: Int
    let maxWaitingPerAddress: Int
}

/// All that one reload replaces.
final class Chain: Sendable {
    let authenticators: [Authenticator]
    /// By the place of their entry.
    let scramTables: [Int: SCRAMTable]
    let verified = CredentialCache()

    init(_ authenticators: [Authenticator] = [], _ scramTables: [Int: SCRAMTable] = [:]) {
        self.authenticators = authenticators
        self.scramTables = scramTables
    }

    var isEmpty: Bool { authenticators.isEmpty && scramTables.isEmpty }

    /// Those that serve the method, in their order.
    func scramTables(_ method: BytesView) -> [SCRAMTable] {
        scramTables.sorted { $0.key < $1.key }.map(\.value).filter { Array($0.algorithm.method.utf8) == method.array }
    }
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
    let algorithm: String?
    let iteration_count: Int?
    let max_waiting_per_user: Int?
    let max_waiting_per_address: Int?
}

private let defaultBootstrapFile = "etc/auth-built-in-db-bootstrap.csv"

extension PasswordAuth {
    /// With the chain in force: keys that are still right need not be made again.
    func loadChain(_ previous: Chain) throws -> Chain {
        let entries = try host.config([AuthenticatorSettings].self, at: "authentication")
        var authenticators: [Authenticator] = []
        var scramTables: [Int: SCRAMTable] = [:]
        for (place, entry) in entries.enumerated() where entry.enable {
            let setting = "authentication[\(place)]"
            if entry.mechanism == "scram" {
                scramTables[place] = try loadSCRAM(entry, setting, previous.scramTables[place])
            } else {
                authenticators.append(try load(entry, setting))
            }
        }
        return Chain(authenticators, scramTables)
    }

    private func refuse(_ setting: String, _ key: String, _ sentence: String) -> PluginError {
        PluginError("\(host.origin("\(setting).\(key)")): \(setting).\(key): \(sentence)")
    }

    /// What both mechanisms share.
    private func check(_ entry: AuthenticatorSettings, _ setting: String) throws {
        guard entry.backend == "built_in_database" else {
            let given = entry.backend.map { "\($0) is not supported by this plugin" } ?? "it is missing"
            throw refuse(setting, "backend", "\(given): use built_in_database.")
        }
        guard (entry.precondition ?? "").isEmpty else {
            throw refuse(setting, "precondition", "conditions on authenticators are not supported: remove it.")
        }
    }

    private func load(_ entry: AuthenticatorSettings, _ setting: String) throws -> Authenticator {
        guard entry.mechanism == "password_based" else {
            throw refuse(
                setting,
                "mechanism",
                "\(entry.mechanism) is not supported by this plugin: use password_based or scram."
            )
        }
        try check(entry, setting)
        guard let userIDType = Authenticator.UserIDType(rawValue: entry.user_id_type) else {
            throw refuse(setting, "user_id_type", "it is username or clientid, not \(entry.user_id_type).")
        }
        guard let type = BootstrapType(rawValue: entry.bootstrap_type) else {
            throw refuse(setting, "bootstrap_type", "it is plain or hash, not \(entry.bootstrap_type).")
        }
        let algorithm: Algorithm
        do {
            algorithm = try Algorithm(entry.password_hash_algorithm)
        } catch {
            throw refuse(setting, "password_hash_algorithm", "\(error)")
        }
        let users = try withUserFile(setting) { try loadUsers(entry.bootstrap_file, algorithm, type) }
        return Authenticator(
            userIDType: userIDType,
            users: users,
            maxWaitingPerUser: try limit(entry.max_waiting_per_user ?? 4, setting, "max_waiting_per_user"),
            maxWaitingPerAddress: try limit(entry.max_waiting_per_address ?? 128, setting, "max_waiting_per_address")
        )
    }

    private func limit(_ value: Int, _ setting: String, _ key: String) throws -> Int {
        guard (1...1024).contains(value) else {
            throw refuse(setting, key, "it is from 1 to 1024, not \(value): that many passwords can wait in all.")
        }
        return value
    }

    private func loadSCRAM(
        _ entry: AuthenticatorSettings,
        _ setting: String,
        _ previous: SCRAMTable?
    ) throws -> SCRAMTable {
        try check(entry, setting)
        guard entry.user_id_type == "username" else {
            throw refuse(setting, "user_id_type", "SCRAM messages name the user: it is username.")
        }
        guard entry.bootstrap_type == "plain" else {
            throw refuse(setting, "bootstrap_type", "SCRAM keys are made of passwords: it is plain.")
        }
        guard let algorithm = SCRAMAlgorithm(rawValue: entry.algorithm ?? "sha256") else {
            throw refuse(setting, "algorithm", "it is sha256 or sha512.")
        }
        let iterations = entry.iteration_count ?? 4096
        guard (1...1_000_000).contains(iterations) else {
            throw refuse(setting, "iteration_count", "it is from 1 to 1000000, not \(iterations).")
        }
        return try withUserFile(setting) {
            guard let (path, text) = try readUserFile(entry.bootstrap_file) else {
                return SCRAMTable(algorithm, iterations: iterations)
            }
            let users = try SCRAMTable(algorithm, iterations: iterations, name: path, text: text, previous: previous)
            host.log(.notice, "\(users.count) users of \(algorithm.method) were read from \(path).")
            return users
        }
    }

    /// The mistakes of a user file are logged, each with its place.
    private func withUserFile<Users>(_ setting: String, _ load: () throws -> Users) throws -> Users {
        do {
            return try load()
        } catch let errors as UserFileErrors {
            for sentence in errors.sentences.prefix(50) { host.log(.error, sentence) }
            let count = errors.sentences.count
            throw refuse(
                setting,
                "bootstrap_file",
                "the file holds \(count == 1 ? "a mistake" : "\(count) mistakes"), logged above."
            )
        } catch {
            throw refuse(setting, "bootstrap_file", "\(error)")
        }
    }

    private func loadUsers(_ named: String?, _ algorithm: Algorithm, _ type: BootstrapType) throws -> UserTable {
        guard let (path, text) = try readUserFile(named) else { return UserTable() }
        let users = try UserTable(algorithm, name: path, text: text, type: type)
        host.log(.notice, "\(users.count) users were read from \(path).")
        return users
    }

    /// Nil if none is named and the default one is not there.
    private func readUserFile(_ named: String?) throws -> (path: String, text: [UInt8])? {
        let path = named ?? defaultBootstrapFile
        let text = named == nil ? try readFile(ifPresent: path) : try readFile(path)
        guard let text else {
            host.log(
                .warning,
                "There is no file \(resolvedPath(path)), so nobody can log in: create it or set bootstrap_file."
            )
            return nil
        }
        return (resolvedPath(path), text)
    }
}
