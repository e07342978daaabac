// SPDX-License-Identifier: Apache-2.0
// Who is of this machine when proxies are in between, and which address rules are shown.

import Broker
import Reactor
import Testing
import WebSocket

@testable import Host

@Suite struct ForwardedOriginTests {
    private func origin(_ addresses: [String], stated: String?, peer: String = "127.0.0.1") throws -> ConnectionOrigin {
        let peer = try #require(SocketAddress(strict: peer, port: 50_000))
        var origin = ConnectionOrigin(
            listener: "ws:default",
            address: peer.host,
            port: peer.port,
            isLoopback: peer.isLoopback
        )
        var client = ForwardedClient()
        client.isForwarded = true
        client.addresses = addresses
        client.address = stated
        client.port = 4711
        origin.adopt(client, from: peer)
        return origin
    }

    @Test func allEntriesOfThisMachineAreALocalClient() throws {
        for entries in [["127.0.0.9"], ["::1", "127.0.0.1"], ["::ffff:127.0.0.1"]] {
            let origin = try origin(entries, stated: entries[0])
            #expect(origin.isLoopback)
            #expect(SocketAddress(strict: origin.address)?.isLoopback == true)
            #expect(origin.port == 4711)
        }
    }

    @Test(arguments: [
        (["127.0.0.1", "203.0.113.5"], "203.0.113.5"), (["203.0.113.5", "127.0.0.1"], "203.0.113.5"),
        (["nonsense", "203.0.113.5"], "203.0.113.5"), (["nonsense"], "0.0.0.0"), (["127.0.0.1", "unknown"], "0.0.0.0"),
        (["127.1"], "0.0.0.0"), (["::1%lo"], "0.0.0.0"), (["127.0.0.1\u{0}"], "0.0.0.0"),
    ])
    func oneEntryFromElsewhereIsEnough(entries: [String], shown: String) throws {
        let origin = try origin(entries, stated: entries[0])
        #expect(!origin.isLoopback)
        #expect(origin.address == shown)
    }

    @Test func aProxyThatNamesNobodyPassesNoLocalClientOn() throws {
        let origin = try origin([], stated: nil)
        #expect(!origin.isLoopback)
        #expect(origin.address == "0.0.0.0")
    }

    /// With an empty `proxy_address_header` the address is the proxy's, unless rules would trust it.
    @Test func headersNobodyIsToReadOnlyTakeRightsAway() throws {
        #expect(try origin(["203.0.113.5"], stated: nil).address == "0.0.0.0")
        #expect(try origin(["203.0.113.5"], stated: nil, peer: "192.0.2.1").address == "192.0.2.1")
    }

    @Test func aDistantPeerIsNeverLocal() throws {
        let origin = try origin(["127.0.0.1"], stated: "127.0.0.1", peer: "192.0.2.1")
        #expect(!origin.isLoopback)
        #expect(origin.address == "192.0.2.1")
    }
}
