// SPDX-License-Identifier: Apache-2.0
// `access_rules`: networks of both families, the first rule that fits, and what is no rule.

import Reactor
import Testing

@testable import Host

@Suite struct AccessRuleTests {
    private func rules(_ texts: String...) throws -> AccessRules {
        try #require(AccessRules(texts) { Issue.record("\($0)") })
    }

    private func address(_ text: String) throws -> SocketAddress { try #require(SocketAddress(strict: text)) }

    @Test func withoutRulesEverybodyMayConnect() throws {
        #expect(AccessRules().allow(try address("192.0.2.1")))
        #expect(AccessRules().allow(.unix))
        #expect(try rules("allow 10.0.0.0/8").allow(try address("192.0.2.1")))
    }

    @Test func theFirstRuleThatFitsDecides() throws {
        let rules = try rules("deny 10.1.0.0/16", "allow 10.0.0.0/8", "allow 2001:db8::/32", "deny all")
        for (text, isAllowed) in [
            ("10.1.2.3", false), ("10.2.2.3", true), ("11.0.0.1", false), ("2001:db8::1", true), ("2001:db9::1", false),
            ("::ffff:10.2.0.1", true), ("::ffff:10.1.0.1", false), ("::1", false),
        ] {
            #expect(rules.allow(try address(text)) == isAllowed, "\(text)")
        }
        #expect(!rules.allow(.unix))
    }

    @Test(arguments: [
        ("10.1.2.3", 32, "10.1.2.3", "10.1.2.2"), ("10.1.2.3", 31, "10.1.2.2", "10.1.2.1"),
        ("10.255.0.0", 9, "10.128.0.0", "10.127.255.255"), ("128.0.0.0", 1, "255.255.255.255", "127.255.255.255"),
        ("2001:db8::", 33, "2001:db8:7fff::", "2001:db8:8000::"),
        ("2001:db8::", 64, "2001:db8::ffff:0:0:1", "2001:db8:0:1::"),
        ("2001:db8::", 65, "2001:db8::7fff:0:0:1", "2001:db8::8000:0:0:0"),
        ("2001:db8::8", 127, "2001:db8::9", "2001:db8::a"),
        ("2001:db8::8", 128, "2001:db8::8", "2001:db8::9"),
    ])
    func aNetworkHasTheAddressesOfItsBits(network: String, bits: Int, inside: String, outside: String) throws {
        let rules = try rules("allow \(network)/\(bits)", "deny all")
        #expect(rules.allow(try address(inside)))
        #expect(!rules.allow(try address(outside)))
        #expect(rules.allow(try address(network)))
    }

    @Test func aNetworkOfNoBitsIsItsFamily() throws {
        let v4 = try rules("deny 0.0.0.0/0")
        #expect(!v4.allow(try address("192.0.2.1")))
        #expect(v4.allow(try address("2001:db8::1")))
        let v6 = try rules("deny ::/0")
        #expect(v6.allow(try address("192.0.2.1")))
        #expect(!v6.allow(try address("2001:db8::1")))
    }

    @Test func anAddressAloneIsMeantWhole() throws {
        let rules = try rules("deny 192.0.2.1", "deny ::ffff:192.0.2.2", "deny ::ffff:10.0.0.0/104")
        #expect(!rules.allow(try address("192.0.2.1")))
        #expect(!rules.allow(try address("192.0.2.2")))
        #expect(rules.allow(try address("192.0.2.3")))
        #expect(!rules.allow(try address("10.9.9.9")))
    }

    @Test(arguments: [
        "", "allow", "all", "permit all", "allow all now", "allow 10.0.0.0/33", "allow 10.0.0.0/-1", "allow 10.0.0.0/",
        "allow 10.0.0.0/08", "allow 10.0.0.0/8/8", "allow 10/8", "allow localhost", "allow 2001:db8::/129",
        "allow ::ffff:10.0.0.0/95", "Allow all", "allow 10.0.0.0/255.0.0.0",
    ])
    func whatIsNoRuleIsNamed(text: String) {
        var told = ""
        #expect(AccessRules(["allow all", text]) { told = $0 } == nil)
        #expect(told.hasPrefix("\"\(text)\": "))
    }
}
