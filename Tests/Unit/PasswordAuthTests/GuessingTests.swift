// SPDX-License-Identifier: Apache-2.0
// What somebody who guesses names and passwords learns and costs: strangers are hashed as users are, few hashes wait for
// one user and for one address, and a client that left costs none.

import MockHost
import PluginAPI
import PluginKit
import Testing

@testable import PasswordAuthUsers

private let users = """
    user_id,password_hash
    alice,$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW
    bob,$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW

    """

private func open(_ file: String, limits: String = "", blockingLimit: Int = 64) throws -> OpenedPlugin {
    let entry = """
        {"mechanism": "password_based", "backend": "built_in_database", "enable": true, "user_id_type": "username",
         "bootstrap_type": "hash", "password_hash_algorithm": {"name": "bcrypt", "salt_position": "prefix"},
         "bootstrap_file": "\(file)"\(limits)}
        """
    return try OpenedPlugin(
        "PasswordAuth",
        MockHost(config: ["authentication": "[\(entry)]"], blockingLimit: blockingLimit)
    )
}

private struct Guesser {
    let plugin: OpenedPlugin
    let client: TestClient

    init(_ plugin: OpenedPlugin, _ user: String, from address: String = "192.0.2.1") {
        self.plugin = plugin
        client = TestClient("c", username: user, peer: address, hasPassword: true)
    }

    func login(_ password: String, ticket: isth_id) -> isth_result? {
        client { client in
            Array(password.utf8).withBytes { plugin.hooks.pointee.client_authenticate?(plugin.me, client, ticket, $0) }
        }
    }

    func leave() { client { plugin.hooks.pointee.client_closed?(plugin.me, $0, 0, isth_str("")) } }
    func connected() { client { plugin.hooks.pointee.client_connected?(plugin.me, $0) } }
}

@Suite struct GuessingTests {
    @Test("A stranger's password is hashed as a user's is, and never lets in")
    func strangers() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(file.path)
        #expect(plugin.start() == ISTH_OK)
        // The password of the decoy itself, too.
        for (ticket, password) in [(isth_id(1), "wrong"), (2, "secret"), (3, "secret")] {
            let guesser = Guesser(plugin, "eve")
            #expect(guesser.login(password, ticket: ticket) == isth_result(ISTH_LATER))
            #expect(plugin.host.waiting == 1)
            plugin.host.runTasks()
            #expect(
                plugin.host.answers.last
                    == .init(ticket: ticket, result: ISTH_NEXT, isSuperuser: false, reasonCode: 0)
            )
            guesser.leave()
        }
    }

    @Test("A decoy is a credential of the table, always the same for one name, of every cost that users have")
    func decoys() throws {
        let algorithm = try Algorithm(AlgorithmSettings(name: "bcrypt"))
        let hash = "abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
        let rows = (0..<40).map { "user\($0),$2b$\($0.isMultiple(of: 2) ? "04" : "12")$\(hash)\n" }.joined()
        let table = try UserTable(
            algorithm,
            name: "u.csv",
            text: Array("user_id,password_hash\n\(rows)".utf8),
            type: .hash
        )
        let strangers = (0..<64).map { Array("stranger\($0)".utf8) }
        let costs = Set(
            strangers.compactMap { table.decoy(for: $0)?.secret[4..<6] }.map { String(decoding: $0, as: UTF8.self) }
        )
        #expect(costs == ["04", "12"])
        for name in strangers { #expect(table.decoy(for: name)?.secret == table.decoy(for: name)?.secret) }
        #expect(UserTable().decoy(for: [1]) == nil)
    }

    @Test("Few hashes wait for one user, known or not; the next one is told at once that the server is busy")
    func perUser() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(file.path)
        #expect(plugin.start() == ISTH_OK)
        for (round, user) in ["alice", "eve"].enumerated() {
            let first = isth_id(100 * (round + 1))
            let guessers = (0..<5).map { Guesser(plugin, user, from: "192.0.2.\($0)") }
            for (number, guesser) in guessers.enumerated() {
                #expect(guesser.login("wrong", ticket: first + isth_id(number)) == isth_result(ISTH_LATER))
            }
            #expect(plugin.host.waiting == 4)
            let busy = MockHost.Answer(ticket: first + 4, result: ISTH_DENY, isSuperuser: false, reasonCode: 0x89)
            #expect(plugin.host.answers.last == busy)
            #expect(plugin.host.log.last?.contains("max_waiting_per_user") == true)
            #expect(Guesser(plugin, "bob").login("wrong", ticket: first + 5) == isth_result(ISTH_LATER))
            #expect(plugin.host.waiting == 5)
            plugin.host.runTasks()
            #expect(guessers[4].login("wrong", ticket: first + 6) == isth_result(ISTH_LATER))
            #expect(plugin.host.waiting == 1)
            plugin.host.runTasks()
            for guesser in guessers { guesser.leave() }
        }
    }

    @Test("Few hashes wait for one address, also if it is one of many of an IPv6 network")
    func perAddress() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(file.path, limits: #", "max_waiting_per_address": 2"#)
        #expect(plugin.start() == ISTH_OK)
        let networks = [
            ["192.0.2.1", "192.0.2.1", "192.0.2.1"], ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"],
            ["::ffff:192.0.2.9", "::ffff:192.0.2.9", "::ffff:192.0.2.9"],
        ]
        for (round, addresses) in networks.enumerated() {
            for (number, address) in addresses.enumerated() {
                let guesser = Guesser(plugin, "guess\(number)", from: address)
                _ = guesser.login("wrong", ticket: isth_id(10 * round + number + 1))
            }
            #expect(plugin.host.waiting == 2 * (round + 1))
            #expect(plugin.host.answers.last?.ticket == isth_id(10 * round + 3))
            #expect(plugin.host.answers.last?.reasonCode == 0x89)
        }
        #expect(Guesser(plugin, "x", from: "2001:db8:0:1::1").login("wrong", ticket: 90) == isth_result(ISTH_LATER))
        #expect(Guesser(plugin, "y", from: "::ffff:192.0.2.10").login("wrong", ticket: 91) == isth_result(ISTH_LATER))
        #expect(plugin.host.waiting == 8)
        plugin.host.runTasks()
    }

    @Test("A client that left costs no hash and gives its place back")
    func left() throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        let plugin = try open(file.path)
        #expect(plugin.start() == ISTH_OK)
        for ticket in 1...isth_id(20) {
            let guesser = Guesser(plugin, "alice")
            #expect(guesser.login("secret", ticket: ticket) == isth_result(ISTH_LATER))
            #expect(guesser.client.hasSlotContent)
            guesser.leave()
            #expect(!guesser.client.hasSlotContent)
        }
        plugin.host.runTasks()
        #expect(plugin.host.answers == [])
        // Nothing was remembered as right either.
        let alice = Guesser(plugin, "alice")
        #expect(alice.login("secret", ticket: 99) == isth_result(ISTH_LATER))
        plugin.host.runTasks()
        #expect(plugin.host.answers.map(\.result) == [ISTH_ALLOW])
        alice.connected()
        #expect(!alice.client.hasSlotContent)
    }

    @Test("A place is given back once, whatever comes first")
    func places() throws {
        let waiting = WaitingHashes()
        func enter() -> WaitingHash? { waiting.enter([1], from: [2], perUser: 2, perAddress: 2) }
        let first = try #require(enter())
        let second = try #require(enter())
        #expect(enter() == nil)
        first.abandon()
        first.abandon()
        #expect(!first.begin())
        first.end()
        let third = try #require(enter())
        #expect(enter() == nil)
        #expect(second.begin())
        second.abandon()
        #expect(enter() == nil)
        second.end()
        second.end()
        third.abandon()
        #expect(waiting.count == 0)
    }

    @Test(
        "A limit that is none is refused with its place",
        arguments: ["max_waiting_per_user", "max_waiting_per_address"]
    )
    func limits(key: String) throws {
        let file = try TemporaryFile(users, suffix: ".csv")
        for value in [0, -1, 1025] {
            let plugin = try open(file.path, limits: ", \"\(key)\": \(value)")
            #expect(plugin.start() == ISTH_ERROR)
            #expect(
                plugin.host.log.last?.hasPrefix("test.conf:1:1: authentication[0].\(key): it is from 1 to 1024") == true
            )
        }
    }
}
