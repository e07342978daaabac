// SPDX-License-Identifier: Apache-2.0
// SCRAM through the plugin's real table: exchanges, what hangs in the slot, re-authentication, reloads, start errors.

import MockHost
import PluginAPI
import PluginKit
import Testing

@testable import PasswordAuthUsers

private func entry(_ file: String, _ rest: String = "") -> String {
    var values = #""mechanism": "scram", "backend": "built_in_database", "enable": true, "user_id_type": "username""#
    values += #", "bootstrap_type": "plain", "algorithm": "sha256", "iteration_count": 8, "bootstrap_file": "\#(file)""#
    values += #", "password_hash_algorithm": {"name": "sha256", "salt_position": "prefix", "salt_rounds": 10}"#
    return "{\(values)\(rest)}"
}

private func open(_ entries: String...) throws -> OpenedPlugin {
    let plugin = try OpenedPlugin(
        "PasswordAuth",
        MockHost(config: ["authentication": "[\(entries.joined(separator: ", "))]"])
    )
    #expect(plugin.start() == ISTH_OK)
    return plugin
}

/// A client in the middle of an exchange.
private final class Login {
    private let plugin: OpenedPlugin
    let client: TestClient

    init(_ plugin: OpenedPlugin, username: String? = nil) {
        self.plugin = plugin
        client = TestClient("c", username: username)
    }

    deinit {
        client { plugin.hooks.pointee.client_closed?(plugin.me, $0, 0, isth_str("")) }
    }

    /// The verdict, and the answer if it was "later".
    func step(_ phase: Int, _ data: [UInt8], method: String = "SCRAM-SHA-256") -> (isth_result?, MockHost.Answer?) {
        let ticket = isth_id.random(in: 1 ... .max)
        let result = client { client in
            method.withStr { method in
                data.withBytes { data in
                    plugin.hooks.pointee.client_auth_step?(plugin.me, client, ticket, Int32(phase), method, data)
                }
            }
        }
        return (result, plugin.host.answers.first { $0.ticket == ticket })
    }
}

private let users = "user_id,password,is_superuser\nann,secret,true\nbob,other,false\n"

@Suite struct SCRAMPluginTests {
    @Test("Two steps let the user in, under the name that was proved")
    func exchange() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(entry(file.path))
        let login = Login(plugin, username: "somebody else")
        let scram = SCRAMClient(.sha256, "ann")
        let (first, challenge) = login.step(Int(ISTH_AUTH_START), scram.bytes)
        #expect(first == isth_result(ISTH_LATER))
        #expect(challenge?.continues == true)
        #expect(login.client.hasSlotContent)
        let (message, answer) = try scram.final(Array((challenge?.data ?? "").utf8), "secret")
        let (second, success) = login.step(Int(ISTH_AUTH_CONTINUE), message)
        #expect(second == isth_result(ISTH_LATER))
        #expect(success?.result == ISTH_ALLOW)
        #expect(success?.continues == false)
        #expect(success?.data == answer)
        #expect(success?.userName == "ann")
        #expect(success?.isSuperuser == true)
        #expect(!login.client.hasSlotContent)
        // The proof is used up.
        #expect(login.step(Int(ISTH_AUTH_CONTINUE), message).0 == isth_result(ISTH_DENY))
    }

    @Test("Wrong proofs, unknown users and other methods")
    func refusals() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(entry(file.path))
        for (user, password) in [("ann", "wrong"), ("eve", "secret")] {
            let login = Login(plugin)
            let scram = SCRAMClient(.sha256, user)
            let challenge = login.step(Int(ISTH_AUTH_START), scram.bytes).1
            #expect(challenge?.continues == true)
            let message = try scram.final(Array((challenge?.data ?? "").utf8), password).message
            #expect(login.step(Int(ISTH_AUTH_CONTINUE), message).0 == isth_result(ISTH_DENY))
        }
        let login = Login(plugin)
        let bytes = SCRAMClient(.sha256, "ann").bytes
        for method in ["SCRAM-SHA-512", "scram-sha-256", "SCRAM-SHA-256-PLUS", ""] {
            #expect(login.step(Int(ISTH_AUTH_START), bytes, method: method).0 == isth_result(ISTH_NEXT))
        }
        #expect(login.step(Int(ISTH_AUTH_START), []).0 == isth_result(ISTH_DENY))
        #expect(login.step(Int(ISTH_AUTH_CONTINUE), bytes).0 == isth_result(ISTH_DENY))
    }

    @Test("A client that leaves half way leaves nothing behind")
    func leaving() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(entry(file.path))
        let login = Login(plugin)
        _ = login.step(Int(ISTH_AUTH_START), SCRAMClient(.sha256, "ann").bytes)
        _ = login.step(Int(ISTH_AUTH_START), SCRAMClient(.sha256, "bob").bytes)
        #expect(login.client.hasSlotContent)
        login.client { plugin.hooks.pointee.client_closed?(plugin.me, $0, 0, isth_str("")) }
        #expect(!login.client.hasSlotContent)
    }

    @Test("A re-authentication is for the same user")
    func again() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(entry(file.path))
        let login = Login(plugin, username: "ann")
        #expect(login.step(Int(ISTH_AUTH_REAUTH), SCRAMClient(.sha256, "ann").bytes).1?.continues == true)
        #expect(login.step(Int(ISTH_AUTH_REAUTH), SCRAMClient(.sha256, "bob").bytes).0 == isth_result(ISTH_DENY))
        #expect(login.step(Int(ISTH_AUTH_REAUTH), []).0 == isth_result(ISTH_DENY))
    }

    @Test("Passwords are for other entries: with SCRAM alone, a client without a method is nobody")
    func passwords() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(entry(file.path))
        let result = TestClient("c", username: "ann", hasPassword: true).callAsFunction { client in
            Array("secret".utf8).withBytes { plugin.hooks.pointee.client_authenticate?(plugin.me, client, 1, $0) }
        }
        #expect(result == isth_result(ISTH_NEXT))
    }

    @Test("A reload takes new users in force")
    func reload() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(entry(file.path))
        try file.write("user_id,password\nzoe,new\n")
        #expect(plugin.reload() == ISTH_OK)
        let login = Login(plugin)
        let scram = SCRAMClient(.sha256, "zoe")
        let challenge = login.step(Int(ISTH_AUTH_START), scram.bytes).1
        let message = try scram.final(Array((challenge?.data ?? "").utf8), "new").message
        #expect(login.step(Int(ISTH_AUTH_CONTINUE), message).1?.userName == "zoe")
        plugin.host.set("authentication", "[]")
        #expect(plugin.reload() == ISTH_OK)
        #expect(login.step(Int(ISTH_AUTH_START), scram.bytes).0 == isth_result(ISTH_NEXT))
    }

    @Test(
        "What cannot start says why, with the place in the config",
        arguments: [
            (#""user_id_type": "username""#, #""user_id_type": "clientid""#, "user_id_type: SCRAM messages name"),
            (#""plain""#, #""hash""#, "bootstrap_type: SCRAM keys are made of passwords"),
            (#""algorithm": "sha256""#, #""algorithm": "md5""#, "algorithm: it is sha256 or sha512"),
            (#""iteration_count": 8"#, #""iteration_count": 0"#, "iteration_count: it is from 1 to 1000000, not 0"),
            ("built_in_database", "mysql", "backend: mysql is not supported"),
            ("x", "x", "bootstrap_file: There is no file /nonexistent.csv"),
        ]
    )
    func refused(_ old: String, _ new: String, _ words: String) throws {
        let json = entry("/nonexistent.csv")
        let config = old == new ? json : json.replacing(old, with: new)
        let plugin = try OpenedPlugin("PasswordAuth", MockHost(config: ["authentication": "[\(config)]"]))
        #expect(plugin.start() == ISTH_ERROR)
        #expect(plugin.host.log.last?.hasPrefix("test.conf:1:1: authentication[0].\(words)") == true)
    }
}
