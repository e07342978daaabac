// SPDX-License-Identifier: Apache-2.0
// The plugin through its real table: verdicts at once and later, superusers, a full pool, reloads, start errors.

import MockHost
import PluginAPI
import PluginKit
import Testing

private func entry(_ file: String, _ rest: String = "") -> String {
    let algorithm = #""password_hash_algorithm": {"name": "sha256", "salt_position": "prefix", "salt_rounds": 10}"#
    var values = #""mechanism": "password_based", "backend": "built_in_database", "enable": true"#
    if !rest.contains("user_id_type") { values += #", "user_id_type": "username""# }
    if !rest.contains("bootstrap_type") { values += #", "bootstrap_type": "plain""# }
    if !rest.contains("password_hash_algorithm") { values += ", " + algorithm }
    return #"{\#(values), "bootstrap_file": "\#(file)"\#(rest.isEmpty ? "" : ", " + rest)}"#
}

private let bcrypt =
    #""bootstrap_type": "hash", "password_hash_algorithm": {"name": "bcrypt", "salt_position": "prefix"}"#
private let bcryptUsers = """
    user_id,password_hash,is_superuser
    alice,$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW,true
    bob,$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW,false

    """

private func open(_ entries: String..., blockingLimit: Int = 8) throws -> OpenedPlugin {
    let host = MockHost(
        config: ["authentication": "[\(entries.joined(separator: ", "))]"],
        blockingLimit: blockingLimit
    )
    return try OpenedPlugin("PasswordAuth", host)
}

private func login(
    _ plugin: OpenedPlugin,
    _ user: String?,
    _ password: String?,
    clientID: String = "c",
    ticket: isth_id = 1
) -> isth_result? {
    TestClient(clientID, username: user, hasPassword: password != nil).callAsFunction { client in
        Array((password ?? "").utf8).withBytes {
            plugin.hooks.pointee.client_authenticate?(plugin.me, client, ticket, $0)
        }
    }
}

@Suite struct PasswordAuthPluginTests {
    @Test("Declares itself a guard; every setting stands below authentication")
    func table() throws {
        let plugin = try open()
        #expect(plugin.opened == ISTH_OK)
        #expect(plugin.table.pointee.flags == UInt32(ISTH_GUARDS))
        #expect(plugin.settings["authentication[].mechanism"] == "string")
        #expect(plugin.settings.keys.allSatisfy { $0 == "authentication" || $0.hasPrefix("authentication[].") })
    }

    @Test("An empty chain does not take the hook, so it locks nobody out")
    func empty() throws {
        let plugin = try open()
        #expect(plugin.start() == ISTH_OK)
        #expect(plugin.hooks.pointee.client_authenticate == nil)
        #expect(plugin.reload() == ISTH_OK)
    }

    @Test("Known and right, known and wrong, unknown, without password, without name")
    func verdicts() throws {
        let file = try TemporaryFile("user_id,password,is_superuser\nalice,pw,true\nbob,pw,\n", suffix: ".csv")
        let plugin = try open(entry(file.path))
        #expect(plugin.start() == ISTH_OK)
        #expect(login(plugin, "bob", "pw") == isth_result(ISTH_ALLOW))
        #expect(login(plugin, "bob", "PW") == isth_result(ISTH_DENY))
        #expect(login(plugin, "bob", "") == isth_result(ISTH_DENY))
        #expect(login(plugin, "eve", "pw") == isth_result(ISTH_NEXT))
        #expect(login(plugin, "bob", nil) == isth_result(ISTH_NEXT))
        #expect(login(plugin, nil, "pw") == isth_result(ISTH_NEXT))
        #expect(plugin.host.answers == [])
        #expect(login(plugin, "alice", "pw", ticket: 7) == isth_result(ISTH_LATER))
        #expect(plugin.host.answers == [.init(ticket: 7, result: ISTH_ALLOW, isSuperuser: true, reasonCode: 0)])
        #expect(login(plugin, "alice", "wrong") == isth_result(ISTH_DENY))
    }

    @Test("The chain asks one entry after the other; the one that knows the user decides")
    func chain() throws {
        let first = try TemporaryFile("user_id,password\nbob,one\n", suffix: ".csv")
        let second = try TemporaryFile("user_id,password\nbob,two\ndev,three\n", suffix: ".csv")
        let plugin = try open(entry(first.path), entry(second.path, #""user_id_type": "clientid""#))
        #expect(plugin.start() == ISTH_OK)
        #expect(login(plugin, "bob", "one") == isth_result(ISTH_ALLOW))
        #expect(login(plugin, "bob", "two", clientID: "bob") == isth_result(ISTH_DENY))
        #expect(login(plugin, "x", "two", clientID: "bob") == isth_result(ISTH_ALLOW))
        #expect(login(plugin, nil, "three", clientID: "dev") == isth_result(ISTH_ALLOW))
    }

    @Test("A slow hash is answered later, from the pool, and remembered")
    func later() throws {
        let file = try TemporaryFile(bcryptUsers, suffix: ".csv")
        let plugin = try open(entry(file.path, bcrypt))
        #expect(plugin.start() == ISTH_OK)
        #expect(login(plugin, "alice", "secret", ticket: 1) == isth_result(ISTH_LATER))
        #expect(login(plugin, "bob", "wrong", ticket: 2) == isth_result(ISTH_LATER))
        #expect(login(plugin, "bob", "secret", ticket: 3) == isth_result(ISTH_LATER))
        #expect(plugin.host.answers == [])
        plugin.host.runTasks()
        #expect(
            plugin.host.answers == [
                .init(ticket: 1, result: ISTH_ALLOW, isSuperuser: true, reasonCode: 0),
                .init(ticket: 2, result: ISTH_DENY, isSuperuser: false, reasonCode: 0),
                .init(ticket: 3, result: ISTH_ALLOW, isSuperuser: false, reasonCode: 0),
            ]
        )
        #expect(login(plugin, "bob", "secret", ticket: 4) == isth_result(ISTH_ALLOW))
        #expect(login(plugin, "alice", "secret", ticket: 5) == isth_result(ISTH_LATER))
        #expect(plugin.host.answers.last == .init(ticket: 5, result: ISTH_ALLOW, isSuperuser: true, reasonCode: 0))
        #expect(plugin.host.waiting == 0)
        #expect(login(plugin, "bob", "wrong", ticket: 6) == isth_result(ISTH_LATER))
        #expect(plugin.host.waiting == 1)
        plugin.host.runTasks()
        #expect(plugin.host.answers.last?.result == ISTH_DENY)
        #expect(plugin.reload() == ISTH_OK)
        #expect(login(plugin, "bob", "secret", ticket: 7) == isth_result(ISTH_LATER))
        #expect(plugin.host.waiting == 1)
        plugin.host.runTasks()
    }

    @Test("When the pool is full, the client is told that the server is busy")
    func full() throws {
        let file = try TemporaryFile(bcryptUsers, suffix: ".csv")
        let plugin = try open(entry(file.path, bcrypt), blockingLimit: 0)
        #expect(plugin.start() == ISTH_OK)
        #expect(login(plugin, "bob", "secret", ticket: 9) == isth_result(ISTH_LATER))
        #expect(plugin.host.answers == [.init(ticket: 9, result: ISTH_DENY, isSuperuser: false, reasonCode: 0x89)])
    }

    @Test("A reload takes new users in force; one with a mistake keeps the old ones")
    func reload() throws {
        let file = try TemporaryFile("user_id,password\nbob,one\n", suffix: ".csv")
        let plugin = try open(entry(file.path))
        #expect(plugin.start() == ISTH_OK)
        try file.write("user_id,password\nbob,two\n")
        #expect(plugin.reload() == ISTH_OK)
        #expect(login(plugin, "bob", "one") == isth_result(ISTH_DENY))
        #expect(login(plugin, "bob", "two") == isth_result(ISTH_ALLOW))
        try file.write("user_id,password\nbob\n")
        #expect(plugin.reload() == ISTH_ERROR)
        #expect(login(plugin, "bob", "two") == isth_result(ISTH_ALLOW))
        #expect(plugin.host.log.contains { $0 == "\(file.path):2: 1 cells, but the header names 2 columns." })
        #expect(plugin.host.log.last?.hasSuffix("the file holds a mistake, logged above.") == true)
    }

    @Test("After a reload to an empty chain nobody gets in; a chain that was empty needs a restart")
    func reloadToEmpty() throws {
        let file = try TemporaryFile("user_id,password\nbob,one\n", suffix: ".csv")
        let plugin = try open(entry(file.path))
        #expect(plugin.start() == ISTH_OK)
        plugin.host.set("authentication", "[]")
        #expect(plugin.reload() == ISTH_OK)
        #expect(login(plugin, "bob", "one") == isth_result(ISTH_NEXT))
        #expect(plugin.host.log.last?.contains("nobody can log in") == true)

        let empty = try open()
        #expect(empty.start() == ISTH_OK)
        empty.host.set("authentication", "[\(entry(file.path))]")
        #expect(empty.reload() == ISTH_ERROR)
    }

    @Test("A disabled entry is not read, a missing default file is no error")
    func disabled() throws {
        let off = entry("/nonexistent.csv").replacing("\"enable\": true", with: "\"enable\": false")
        #expect(try open(off).start() == ISTH_OK)
        let plugin = try open(entry("F").replacing("\"bootstrap_file\": \"F\"", with: "\"bootstrap_file\": null"))
        #expect(plugin.start() == ISTH_OK)
        #expect(plugin.host.log.first?.contains("auth-built-in-db-bootstrap.csv") == true)
        #expect(plugin.hooks.pointee.client_authenticate != nil)
    }

    @Test(
        "What cannot start says why, with the place in the config",
        arguments: [
            ("password_based", "jwt", "mechanism: jwt is not supported by this plugin"),
            ("built_in_database", "mysql", "backend: mysql is not supported by this plugin"),
            ("\"username\"", "\"email\"", "user_id_type: it is username or clientid"),
            ("\"plain\"", "\"secret\"", "bootstrap_type: it is plain or hash"),
            ("\"sha256\"", "\"pbkdf2\"", "password_hash_algorithm: pbkdf2 needs mac_fun"),
            ("\"enable\": true", "\"enable\": true, \"precondition\": \"x\"", "precondition: conditions on"),
            ("x", "x", "bootstrap_file: There is no file /nonexistent.csv"),
        ]
    )
    func refused(_ old: String, _ new: String, _ words: String) throws {
        let plugin = try open(entry("/nonexistent.csv").replacing(old, with: new))
        #expect(plugin.start() == ISTH_ERROR)
        #expect(plugin.host.log.last?.hasPrefix("test.conf:1:1: authentication[0].\(words)") == true)
    }
}

extension String {
    fileprivate func replacing(_ old: String, with new: String) -> String {
        guard old != new, let range = firstRange(of: old) else { return self }
        return self[..<range.lowerBound] + new + self[range.upperBound...]
    }
}
