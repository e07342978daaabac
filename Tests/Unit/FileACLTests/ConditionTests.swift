// SPDX-License-Identifier: Apache-2.0
// Whom a rule is for: every condition of the grammar against clients that are and are not meant.

import MockHost
import PluginAPI
import PluginKit
import Testing

@testable import FileACLRules

private func holds(_ condition: String, _ client: TestClient, permission: String = "allow") throws -> Bool {
    let text = "{\(permission), \(condition), publish, [\"t\"]}."
    let set = RuleSet([try ACLFile(name: "acl.conf", text: Array(text.utf8))], noMatch: .allow)
    return client { client in
        "t".withStr { set.decide(client, Request(.publish, $0.view, qos: 0, retain: false)) } != .next
    }
}

@Suite struct ConditionTests {
    private let client = TestClient("dev-7", username: "bob", peer: "10.1.2.3", listener: "ssl:east")
    private let anonymous = TestClient("x", peer: "")

    @Test(
        "Conditions that the client fulfils",
        arguments: [
            "all", #"{username, "bob"}"#, #"{user, {re, "^b.b$"}}"#, #"{clientid, "dev-7"}"#,
            #"{client, {re, "v-[0-9]"}}"#,
            #"{ipaddr, "10.1.2.3"}"#, #"{ipaddr, "10.0.0.0/8"}"#, #"{ipaddrs, ["::1", "10.1.0.0/16"]}"#,
            #"{ipaddr, "0.0.0.0/0"}"#, #"{ipaddr, "::ffff:10.0.0.0/104"}"#, "{zone, default}",
            #"{zone, {re, "fault"}}"#,
            "{listener, 'ssl:east'}", #"{listener, {re, "^ssl:"}}"#, "{security_profile, legacy}",
            #"{'and', [{username, "bob"}, {ipaddr, "10.0.0.0/8"}]}"#,
            #"{'or', [{username, "eve"}, {clientid, "dev-7"}]}"#,
            #"{'and', [all, {'or', [{username, "eve"}, {'and', [{username, "bob"}]}]}]}"#,
        ]
    )
    func fulfilled(_ condition: String) throws {
        #expect(try holds(condition, client))
    }

    @Test(
        "Conditions that the client does not fulfil",
        arguments: [
            #"{username, "bo"}"#, #"{username, "Bob"}"#, #"{username, {re, "^B"}}"#, #"{clientid, "dev"}"#,
            #"{ipaddr, "10.1.2.4"}"#, #"{ipaddr, "11.0.0.0/8"}"#, #"{ipaddr, "::/0"}"#,
            #"{ipaddrs, ["::1", "9.0.0.0/8"]}"#, #"{ipaddrs, ["::/0", "::1"]}"#, #"{ipaddrs, ["::/0", "9.0.0.0/8"]}"#,
            #"{'or', [{ipaddr, "::/0"}, {ipaddr, "::/96"}]}"#,
            #"{client_attr, "group", "g"}"#, #"{client_attr, "group", {re, ".*"}}"#, "{zone, west}",
            "{listener, 'tcp:east'}",
            "{security_profile, hardened}", #"{'and', [{username, "bob"}, {ipaddr, "11.0.0.0/8"}]}"#,
            #"{'or', [{username, "eve"}, {clientid, "dev"}]}"#,
        ]
    )
    func notFulfilled(_ condition: String) throws {
        #expect(try !holds(condition, client))
    }

    @Test(
        "What the client does not have never matches",
        arguments: [#"{username, ""}"#, #"{username, {re, ""}}"#, #"{ipaddr, "0.0.0.0/0"}"#]
    )
    func absent(_ condition: String) throws {
        #expect(try !holds(condition, anonymous))
    }

    @Test("IPv6 clients, mapped addresses and scoped ones")
    func ipv6() throws {
        #expect(try holds(#"{ipaddr, "2001:db8::/32"}"#, TestClient("x", peer: "2001:db8::7")))
        #expect(try !holds(#"{ipaddr, "2001:db8::/32"}"#, TestClient("x", peer: "2001:db9::7")))
        #expect(try holds(#"{ipaddr, "fe80::/10"}"#, TestClient("x", peer: "fe80::1%eth0")))
        #expect(try holds(#"{ipaddr, "10.0.0.0/8"}"#, TestClient("x", peer: "::ffff:10.0.0.1")))
        #expect(try !holds(#"{ipaddr, "0.0.0.0/0"}"#, TestClient("x", peer: "::1")))
        #expect(try !holds(#"{ipaddrs, ["0.0.0.0/0", "0.0.0.1"]}"#, TestClient("x", peer: "::1")))
        #expect(try !holds(#"{ipaddrs, ["::/0", "::a00:1"]}"#, TestClient("x", peer: "::ffff:10.0.0.1")))
    }

    @Test(
        "A dollar is the end of the text, not the place before a last line feed",
        arguments: ["^bob$", "bob$", "^(bob|eve)$", "^bob$|^eve$", "^[a-z]+$"]
    )
    func dollar(_ expression: String) throws {
        for kind in ["username", "clientid"] {
            let condition = #"{\#(kind), {re, "\#(expression)"}}"#
            #expect(try holds(condition, TestClient("bob", username: "bob")))
            for name in ["bob\n", "bob\r\n", "bob\n\n"] {
                #expect(try !holds(condition, TestClient(name, username: name)))
            }
        }
    }

    @Test("A regular expression that gives up denies and never allows")
    func runaway() throws {
        let condition = #"{clientid, {re, "^(a+)+$"}}"#
        let client = TestClient(String(repeating: "a", count: 40) + "!")
        #expect(try holds(condition, client, permission: "deny"))
        #expect(try !holds(condition, client, permission: "allow"))
    }

    @Test("A client without a slot gets the same verdicts")
    func noSlot() throws {
        #expect(try holds(#"{username, "bob"}"#, TestClient("x", username: "bob", hasSlot: false)))
        #expect(try !holds(#"{username, "bob"}"#, TestClient("x", username: "eve", hasSlot: false)))
    }
}
