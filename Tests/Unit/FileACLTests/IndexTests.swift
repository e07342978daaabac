// SPDX-License-Identifier: Apache-2.0
// The indexes of clients and topics only find rules faster: what they find is what a walk down the file finds, which is
// done here with a set of rules for each single one.

import MockHost
import PluginAPI
import PluginKit
import TestRandom
import Testing

@testable import FileACLRules

private func rules(_ text: String) throws -> RuleSet {
    RuleSet([try ACLFile(name: "acl.conf", text: Array(text.utf8))], noMatch: .allow)
}

private let conditions = [
    "all", "all", "all", #"{username, "u1"}"#, #"{username, "u2"}"#, #"{clientid, "c1"}"#, #"{clientid, {re, "^c"}}"#,
    #"{ipaddr, "10.0.0.0/8"}"#, #"{ipaddr, "10.1.0.1"}"#, #"{ipaddrs, ["10.1.0.0/16", "2001:db8::/32"]}"#,
    #"{ipaddr, "2001:db8::7"}"#, #"{'and', [{username, "u1"}, {clientid, "c1"}]}"#,
    #"{'and', [{ipaddr, "10.1.0.0/16"}, {username, "u2"}]}"#, #"{'or', [{username, "u1"}, {clientid, "c2"}]}"#,
    "{security_profile, hardened}",
]
private let actions = [
    "all", "all", "publish", "subscribe", "{publish, [{qos, [1, 2]}]}", "{publish, [{retain, true}]}",
]
private let levels = ["a", "b", "", "+", "$SYS", "$LINK", "${clientid}", "x${username}"]

private func topicText(_ random: inout SeededRandom) -> String {
    var text = (0...random.below(4)).map { _ in random.pick(levels) }
    if random.below(3) == 0 { text.append("#") }
    let topic = text.joined(separator: "/")
    if topic.isEmpty { return #""a""# }
    return random.below(6) == 0 ? #"{eq, "\#(topic)"}"# : #""\#(topic)""#
}

private func rule(_ random: inout SeededRandom) -> String {
    let permission = random.pick(["allow", "deny"])
    let topics = (0...random.below(2)).map { _ in topicText(&random) }.joined(separator: ", ")
    let about = random.below(8) == 0 ? "all" : "[\(topics)]"
    return "{\(permission), \(random.pick(conditions)), \(random.pick(actions)), \(about)}."
}

@Suite struct IndexTests {
    @Test("Random rules decide random requests as a walk down the file does")
    func walk() throws {
        var random = SeededRandom()
        let names = ["a", "b", "", "c1", "xu1", "$SYS", "$LINK", "+", "#"]
        for _ in 0..<100 {
            let lines = (0..<random.below(40)).map { _ in rule(&random) }
            let set = try rules(lines.joined(separator: "\n"))
            let singles = try lines.map(rules)
            for _ in 0..<30 {
                let client = TestClient(
                    random.pick(["c1", "c2", "d"]),
                    username: random.pick([nil, "u1", "u2", "u3"]),
                    peer: random.pick(["10.1.0.1", "10.2.0.1", "192.0.2.1", "2001:db8::7", "::ffff:10.1.0.9", ""])
                )
                for _ in 0..<3 {
                    let topic = (0...random.below(4)).map { _ in random.pick(names) }.joined(separator: "/")
                    let access = random.pick([Request.Access.publish, .subscribe])
                    let (qos, retain) = (UInt8(random.below(3)), random.below(2) == 0)
                    client { client in
                        topic.withStr {
                            let request = Request(access, $0.view, qos: qos, retain: retain)
                            let first = singles.firstIndex { $0.explain(client, request).place != nil }
                            let place = first.map { "acl.conf:\($0 + 1):1" }
                            let text = "seed \(random.seed): \(topic) of \(lines)"
                            #expect(set.explain(client, request).place == place, "\(text)")
                            #expect(set.decide(client, request) == set.explain(client, request).verdict, "\(text)")
                        }
                    }
                }
            }
        }
    }

    @Test("A thousand rules that begin with other levels are not looked at")
    func runs() throws {
        let set = try rules((0..<1000).map { "{deny, all, all, [\"sites/\($0)/+/state\"]}." }.joined(separator: "\n"))
        var seen: [UInt32] = []
        "sites/7/x/state".withStr { topic in
            set.forEverybody.forEachRun(of: topic.view) { seen += $0.map(\.rule) }
        }
        #expect(seen == [7])
        #expect(set.forEverybody.unanchored.isEmpty)
    }

    @Test("A client that authenticates again as somebody else comes under the rules about that user")
    func renamed() throws {
        let set = try rules(
            "{deny, {username, \"u1\"}, publish, [\"a\"]}.\n{deny, {username, \"u2\"}, publish, [\"b\"]}."
        )
        let client = TestClient("c", username: "u1")
        func verdict(_ topic: String) -> Verdict {
            client { client in
                topic.withStr { set.decide(client, Request(.publish, $0.view, qos: 0, retain: false)) }
            }
        }
        #expect([verdict("a"), verdict("b")] == [.deny, .next])
        client.rename(username: "u2")
        #expect([verdict("a"), verdict("b")] == [.next, .deny])
        client.rename(username: "u3")
        #expect([verdict("a"), verdict("b")] == [.next, .next])
        client.rename(username: "u1")
        #expect([verdict("a"), verdict("b")] == [.deny, .next])
        client { Profile.drop($0.pointee.slot) }
        #expect(!client.hasSlotContent)
    }
}
