// SPDX-License-Identifier: Apache-2.0
// What requests say of the client behind a proxy, and of the page that asks for the WebSocket.

import Testing

@testable import WebSocket

@Suite struct ForwardedClientTests {
    private func upgrade(_ fields: String, _ rules: UpgradeRules = UpgradeRules()) throws -> Upgrade {
        let head =
            "GET /mqtt HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Protocol: mqtt\r\n\(fields)\r\n"
        var handshake = Handshake()
        let outcome = Array(head.utf8).withUnsafeBytes { handshake.received($0, rules) }
        return try #require(outcome.upgrade, "\(fields)")
    }

    private func client(_ fields: String, _ rules: UpgradeRules = UpgradeRules()) throws -> ForwardedClient {
        try upgrade(fields, rules).client
    }

    @Test func withoutSuchFieldsNobodyIsForwarded() throws {
        #expect(try client("") == ForwardedClient())
        #expect(try client("Origin: http://localhost\r\nCookie: a=b\r\n") == ForwardedClient())
    }

    @Test func theFirstAddressAndThePortAreTheClients() throws {
        let client = try client("X-Forwarded-For: 10.1.2.3, 192.0.2.1\r\nX-Forwarded-Port: 4711\r\n")
        #expect(client.address == "10.1.2.3")
        #expect(client.port == 4711)
        #expect(client.addresses == ["10.1.2.3", "192.0.2.1"])
    }

    @Test func otherFieldsCanBeTheListeners() throws {
        var rules = UpgradeRules()
        rules.addressField = "x-who"
        rules.portField = "x-port"
        let client = try client("X-Forwarded-For: 10.1.2.3\r\nX-Who: 192.0.2.1\r\nX-Port: 70000\r\n", rules)
        #expect(client.address == "192.0.2.1")
        #expect(client.port == nil)
        #expect(client.addresses == ["10.1.2.3", "192.0.2.1"])
    }

    /// A listener that takes no address from a header still knows that a proxy is there.
    @Test func withoutAFieldOfItsOwnAListenerSeesTheProxyAllTheSame() throws {
        var rules = UpgradeRules()
        rules.addressField = ""
        rules.portField = ""
        let client = try client("X-Forwarded-For: 10.1.2.3\r\n", rules)
        #expect(client.address == nil)
        #expect(client.isForwarded)
        #expect(client.addresses == ["10.1.2.3"])
    }

    @Test(
        arguments: [
            ("192.0.2.1", "192.0.2.1", nil), ("192.0.2.1:4711", "192.0.2.1", 4711),
            ("[2001:db8::1]", "2001:db8::1", nil),
            ("[2001:db8::1]:4711", "2001:db8::1", 4711), ("2001:db8::1", "2001:db8::1", nil),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1", 4711), ("unknown", "unknown", nil), ("[::1", "[::1", nil),
            ("[::1]x", "[::1]x", nil), ("127.0.0.1:x", "127.0.0.1:x", nil), ("\"", "\"", nil),
        ] as [(String, String, UInt16?)]
    )
    func addressesAreReadInEachForm(text: String, address: String, port: UInt16?) throws {
        let client = try client("X-Forwarded-For: \(text)\r\n")
        #expect(client.address == address)
        #expect(client.port == port)
        #expect(try self.client("Forwarded: by=10.0.0.1; For=\(text);proto=https\r\n").addresses == [address])
    }

    @Test func everyFieldAndLineCounts() throws {
        let client = try client(
            "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.2\r\n"
                + "Forwarded: for=127.0.0.1, for=192.0.2.3\r\n"
        )
        #expect(client.addresses == ["127.0.0.1", "192.0.2.1", "192.0.2.2", "127.0.0.1", "192.0.2.3"])
    }

    /// What a client leaves open does not hide what its proxy adds.
    @Test func anOpenQuoteSwallowsNothing() throws {
        let client = try client("Forwarded: for=127.0.0.1;by=\", for=192.0.2.3\r\n")
        #expect(client.addresses == ["127.0.0.1", "192.0.2.3"])
    }

    @Test(arguments: ["Via: 1.1 cache", "X-Forwarded-Proto: https", "Forwarded: proto=https", "X-Forwarded-For:"])
    func aProxyMayNameNobody(field: String) throws {
        let client = try client(field + "\r\n")
        #expect(client.isForwarded)
        #expect(client.address == nil)
        #expect(client.addresses.filter { !$0.isEmpty } == [])
    }

    @Test(arguments: [
        ("http://localhost:8000", false), ("https://LOCALHOST", false), ("http://app.localhost", false),
        ("http://127.1.2.3:80", false), ("http://[::1]:8000", false), ("http://[::1]", false),
        ("https://app.example", true), ("https://mine.example", false), ("null", true), ("http://localhost.evil", true),
        ("http://127.0.0.1.evil", true), ("http://127.0.0.1.1", true), ("http://[::1].evil", true), ("", true),
        ("http://192.0.2.1", true), ("http://notlocalhost", true), ("http://127.evil.x.y", true),
    ])
    func pagesOfOtherSitesAreForeign(origin: String, isForeign: Bool) throws {
        var rules = UpgradeRules()
        rules.origins = ["https://mine.example"]
        #expect(try upgrade("Origin: \(origin)\r\n", rules).isForeignPage == isForeign)
    }

    @Test func whoIsNoPageIsNoForeignOne() throws {
        #expect(try !upgrade("").isForeignPage)
    }
}
