// SPDX-License-Identifier: Apache-2.0
// What rules mean: which request they decide and how, asked through `explain`, which uses the code that decides.

import MockHost
import PluginAPI
import PluginKit
import Testing

@testable import FileACLRules

private func rules(_ text: String, noMatch: Permission = .deny) throws -> RuleSet {
    RuleSet([try ACLFile(name: "acl.conf", text: Array(text.utf8))], noMatch: noMatch)
}

/// The line of the rule that decides, negative if it denies, 0 if none matches.
private func line(
    _ set: RuleSet,
    _ access: Request.Access,
    _ topic: String,
    _ client: TestClient = TestClient("c1", username: "u1"),
    qos: UInt8 = 0,
    retain: Bool = false
) throws -> Int {
    let explanation = client { client in
        topic.withStr { topic in
            let request = Request(access, topic.view, qos: qos, retain: retain)
            let explanation = set.explain(client, request)
            #expect(set.decide(client, request) == explanation.verdict)
            return explanation
        }
    }
    guard let place = explanation.place else {
        #expect(explanation.verdict != .allow)
        return 0
    }
    let number = try #require(Int(place.split(separator: ":")[1]))
    return explanation.verdict == .deny ? -number : number
}

@Suite struct DecisionTests {
    @Test("The first rule that matches decides")
    func order() throws {
        let set = try rules(
            """
            {allow, {username, "u1"}, publish, ["a/b"]}.
            {deny, all, publish, ["a/#"]}.
            {allow, all, subscribe, ["a/#"]}.
            {allow, all}.
            """
        )
        #expect(try line(set, .publish, "a/b") == 1)
        #expect(try line(set, .publish, "a/c") == -2)
        #expect(try line(set, .publish, "a") == -2)
        #expect(try line(set, .subscribe, "a/c") == 3)
        #expect(try line(set, .publish, "ab") == 4)
        #expect(try line(set, .publish, "$SYS/x") == 4)
        #expect(try line(set, .publish, "a/b", TestClient("c1", username: "u2")) == -2)
        #expect(try line(set, .publish, "a/b", TestClient("c1")) == -2)
    }

    @Test(
        "A filter of a rule matches what MQTT says",
        arguments: [
            ("a/b", "a/b", true), ("a/b", "a", false), ("a/b", "a/b/", false), ("a/b", "a/bc", false),
            ("a/+", "a/b", true), ("a/+", "a/", true), ("a/+", "a", false), ("a/+", "a/b/c", false),
            ("+", "a", true), ("+", "/a", false), ("+/+", "/a", true), ("/+", "/a", true), ("+", "$SYS", false),
            ("a/#", "a", true), ("a/#", "a/", true), ("a/#", "a/b/c", true), ("a/#", "ab", false),
            ("#", "a/b", true), ("#", "/", true), ("#", "$SYS/a", false), ("+/a", "$SYS/a", false),
            ("$SYS/#", "$SYS/a", true), ("$SYS/#", "$SYS", true), ("/#", "/a", true), ("/#", "a", false),
            ("a/+/c/#", "a/b/c", true), ("a/+/c/#", "a/b/c/d", true), ("a/+/c/#", "a/b/d", false),
            ("a//b", "a//b", true), ("a/+/b", "a//b", true), ("+/#", "a", true), ("+/+/#", "a", false),
        ]
    )
    func filters(_ filter: String, _ topic: String, _ matches: Bool) throws {
        let set = try rules("{allow, all, publish, [\"\(filter)\"]}.")
        #expect(try line(set, .publish, topic) == (matches ? 1 : 0))
    }

    @Test("A subscription is compared as a name; an allowing + does not cover #, a denying one does")
    func subscriptions() throws {
        let set = try rules("{allow, all, subscribe, [\"a/#\", \"b/+\", \"c/d\"]}.")
        #expect(try line(set, .subscribe, "a/#") == 1)
        #expect(try line(set, .subscribe, "a/+/x") == 1)
        #expect(try line(set, .subscribe, "b/+") == 1)
        #expect(try line(set, .subscribe, "b/#") == 0)
        #expect(try line(set, .subscribe, "c/+") == 0)
        #expect(try line(set, .subscribe, "#") == 0)
        let denying = try rules("{deny, all, subscribe, [\"b/+\"]}.\n{allow, all}.")
        #expect(try line(denying, .subscribe, "b/#") == -1)
        #expect(try line(denying, .subscribe, "b/x/y") == 2)
    }

    @Test("eq is equality, with no wildcards and no templates")
    func eq() throws {
        let set = try rules(
            "{deny, all, subscribe, [{eq, \"#\"}, \"eq a/+\", {eq, \"x/${clientid}\"}]}.\n{allow, all}."
        )
        #expect(try line(set, .subscribe, "#") == -1)
        #expect(try line(set, .subscribe, "a/+") == -1)
        #expect(try line(set, .subscribe, "a/b") == 2)
        #expect(try line(set, .subscribe, "x/c1") == 2)
        #expect(try line(set, .subscribe, "x/${clientid}") == -1)
    }

    @Test("QoS and retain options")
    func options() throws {
        let set = try rules(
            """
            {allow, all, {publish, [{qos, 1}, {qos, [2]}, {retain, false}]}, ["p"]}.
            {allow, all, {subscribe, [{qos, 0}]}, ["s"]}.
            {allow, all, {all, [{retain, true}]}, ["a"]}.
            """
        )
        #expect(try line(set, .publish, "p", qos: 1) == 1)
        #expect(try line(set, .publish, "p", qos: 2) == 1)
        #expect(try line(set, .publish, "p", qos: 0) == 0)
        #expect(try line(set, .publish, "p", qos: 1, retain: true) == 0)
        #expect(try line(set, .subscribe, "s", qos: 0) == 2)
        #expect(try line(set, .subscribe, "s", qos: 1) == 0)
        #expect(try line(set, .publish, "a", retain: true) == 3)
        #expect(try line(set, .publish, "a") == 0)
        #expect(try line(set, .subscribe, "a") == 3)
    }

    @Test("Templates stand for the client's values, also inside a level")
    func templates() throws {
        let set = try rules(
            "{allow, all, all, [\"d/${clientid}/x\", \"u-${username}\", \"n/${cert_common_name}\", \"z/${zone}/${$}\"]}."
        )
        #expect(try line(set, .publish, "d/c1/x") == 1)
        #expect(try line(set, .publish, "d/c2/x") == 0)
        #expect(try line(set, .publish, "d/c11/x") == 0)
        #expect(try line(set, .publish, "u-u1") == 1)
        #expect(try line(set, .publish, "u-", TestClient("c1")) == 0)
        #expect(try line(set, .publish, "u-", TestClient("c1", username: "")) == 0)
        #expect(try line(set, .publish, "n/host", TestClient("c1", commonName: "host")) == 1)
        #expect(try line(set, .publish, "n/") == 0)
        #expect(try line(set, .publish, "z/default/$") == 1)
    }

    @Test(
        "A value with +, # or / never widens a rule, nor does one that begins a topic with $",
        arguments: ["#", "+", "a/b", "x+"]
    )
    func wideningValues(_ value: String) throws {
        let set = try rules("{allow, all, all, [\"d/${clientid}\", \"${clientid}/#\"]}.")
        let client = TestClient(value)
        #expect(try line(set, .subscribe, "d/\(value)", client) == 0)
        #expect(try line(set, .publish, "d/\(value)", client) == 0)
        #expect(try line(set, .subscribe, "\(value)/#", client) == 0)
        #expect(try line(set, .subscribe, "$SYS/#", TestClient("$SYS")) == 0)
        #expect(try line(set, .publish, "d/$SYS", TestClient("$SYS")) == 1)
        #expect(try line(set, .publish, "d/ok", TestClient("ok")) == 1)
    }

    @Test("$LINK/ is closed unless a rule names it")
    func link() throws {
        let open = try rules(
            "{allow, all, all, all}.\n{allow, all}.\n{allow, all, all, [\"#\", \"+/cluster/msg/a\", \"${clientid}/#\"]}.",
            noMatch: .allow
        )
        for topic in ["$LINK", "$LINK/", "$LINK/cluster/msg/a", "$LINK/#"] {
            for client in [TestClient("c"), TestClient("$LINK", username: "$LINK")] {
                client { client in
                    topic.withStr { topic in
                        for access in [Request.Access.publish, .subscribe] {
                            let explanation = open.explain(client, Request(access, topic.view, qos: 0, retain: false))
                            #expect(explanation.verdict == .deny)
                            #expect(explanation.sentence.contains("$LINK/"))
                        }
                    }
                }
            }
        }
        #expect(try line(open, .publish, "$LINKS/x") == 1)
        #expect(try line(open, .publish, "a/$LINK/x") == 1)
        let named = try rules(
            """
            {allow, {username, "link"}, publish, ["$LINK/cluster/msg/+"]}.
            {allow, {username, "link"}, subscribe, [{eq, "$LINK/cluster/resp/a/+"}]}.
            {deny, all, all, ["$LINK/#"]}.
            {allow, all}.
            """
        )
        let peer = TestClient("peer", username: "link")
        #expect(try line(named, .publish, "$LINK/cluster/msg/a", peer) == 1)
        #expect(try line(named, .subscribe, "$LINK/cluster/resp/a/+", peer) == 2)
        #expect(try line(named, .publish, "$LINK/cluster/route/a", peer) == -3)
        #expect(try line(named, .publish, "$LINK/cluster/msg/a") == -3)
    }

    @Test("no_match decides what no rule is about: deny, or leave it to the next plugin")
    func noMatch() throws {
        for (permission, verdict) in [(Permission.deny, Verdict.deny), (.allow, .next)] {
            let set = try rules("", noMatch: permission)
            let result = TestClient("c").callAsFunction { client in
                "t".withStr { set.explain(client, Request(.publish, $0.view, qos: 0, retain: false)) }
            }
            #expect(result.verdict == verdict)
            #expect(result.sentence.contains("no_match is \(permission)"))
        }
    }

    @Test("explain names file, line, column and rule")
    func explain() throws {
        let set = try rules("{allow, all, subscribe, [\"a\"]}.\n  {deny, all,\n publish, [\"b\"]}.\n")
        let result = TestClient("c").callAsFunction { client in
            "b".withStr { set.explain(client, Request(.publish, $0.view, qos: 0, retain: false)) }
        }
        #expect(result.place == "acl.conf:2:3")
        #expect(result.sentence == "acl.conf:2:3: denied by the rule {deny, all, publish, [\"b\"]}")
    }
}
