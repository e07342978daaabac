import LinkTestSupport
import PluginAPI
import Testing

// SPDX-License-Identifier: Apache-2.0
@testable import ClusterLinkBody

@Suite("Forwarding to a peer")
struct ForwarderTests {
    private func cluster(_ options: String = "", pool: Int = 1) -> Cluster {
        Cluster("own", links: #"[{"name":"eu","server":"eu","topics":[],"pool_size":\#(pool)\#(options)}]"#)
    }

    private func message(_ text: String, qos: UInt8 = 1, publisher: String = "p") -> Message {
        Message("t/1", text, qos: qos, publisher: publisher)
    }

    private func inner(_ sent: MockConnection.Sent) -> Message {
        let reader = ForwardedMessageReader(Inflater())
        return (try? sent.message.payload.withView { try reader.read($0) { Message($0) } }) ?? Message("unreadable")
    }

    private func texts(_ connection: MockConnection?) -> [String] { connection?.sent.map { inner($0).text } ?? [] }

    @Test("Connections are named after cluster, node and number")
    func names() {
        let cluster = cluster(pool: 2)
        let hash = String(hex(SHA1.digest(Array("n@own".utf8))).prefix(8))
        #expect(cluster.mock.connections.messages.map(\.clientID) == ["own:msg:\(hash):1", "own:msg:\(hash):2"])
        #expect(cluster.mock.connections.routes?.clientID == "own:routesync:\(hash)")
        let named = self.cluster(#","clientid":"me","ssl":{"enable":true,"server_name_indication":"disable"}"#)
        #expect(named.mock.connections.messages.first?.clientID == "me:msg:\(hash):1")
        #expect(named.mock.connections.messages.first?.isTLS == true)
        #expect(named.mock.connections.messages.first?.sni == "")
    }

    @Test("A message goes out at once on our topic; QoS 2 travels at QoS 1 and stays 2 inside")
    func immediate() throws {
        let cluster = cluster()
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.up()
        for qos in 0...2 { cluster.deliver(message("m\(qos)", qos: UInt8(qos))) }
        #expect(connection.sent.map(\.message.qos) == [0, 1, 1])
        #expect(connection.sent.allSatisfy { $0.message.topic == "$LINK/cluster/msg/own" && $0.message.flags == 0 })
        #expect(connection.sent.map { inner($0).qos } == [0, 1, 2])
        #expect(cluster.mock.retained.count == 2, "QoS 0 is done when it is sent")
        for sent in connection.sent.dropFirst() { connection.ack(sent.cookie, 0x10) }
        #expect(cluster.mock.retained.isEmpty)
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/sent"] == "3")
        #expect(cluster.mock.figures["links/eu/unmatched"] == "2")
    }

    @Test("The peer's Maximum QoS and Maximum Packet Size are kept")
    func limits() throws {
        let cluster = cluster()
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.limits.maximum_qos = 0
        connection.limits.maximum_packet_size = 2000
        connection.up()
        cluster.deliver(message("fits", qos: 2))
        cluster.deliver(message(String(repeating: "x", count: 2000)))
        cluster.deliver(message("fits, too"))
        #expect(texts(connection) == ["fits", "fits, too"])
        #expect(connection.sent.map(\.message.qos) == [0, 0] && connection.sent.map { inner($0).qos } == [2, 1])
        #expect(cluster.mock.retained.isEmpty, "nothing is confirmed at QoS 0")
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/dropped/refused_by_peer"] == "1")
        let said = "a message of 2000 bytes on t/1 is larger than the peer takes, packets of 2000 bytes"
        #expect(cluster.mock.figures["links/eu/last_error"]?.hasPrefix(said) == true)
    }

    @Test("TLS keys of a link reach its connections")
    func tlsRules() throws {
        let cluster = self.cluster(
            #","ssl":{"enable":true,"depth":1,"versions":["tlsv1.2"],"ciphers":"ECDHE-RSA-AES256-GCM-SHA384, AES256-SHA"}"#
        )
        for connection in cluster.mock.connections.open {
            #expect(connection.tlsRules.depth == 2 && connection.tlsRules.versions == "tlsv1.2")
            #expect(connection.tlsRules.ciphers == "ECDHE-RSA-AES256-GCM-SHA384:AES256-SHA")
        }
        let plain = self.cluster(#","ssl":{"enable":true}"#)
        #expect(plain.mock.connections.open.allSatisfy { $0.tlsRules == (0, "", "") })
    }

    @Test("What came over a link, and the links' own topics, are not forwarded")
    func loops() throws {
        let cluster = cluster()
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.up()
        var linked = message("x")
        linked.origin = UInt8(ISTH_ORIGIN_LINK)
        cluster.deliver(linked)
        cluster.deliver(Message("$LINK/cluster/msg/own", "x"))
        #expect(connection.sent.isEmpty)
    }

    @Test("Messages wait while the peer is away and keep their order")
    func waiting() throws {
        let cluster = cluster()
        let connection = try #require(cluster.mock.connections.messages.first)
        for number in 0..<5 { cluster.deliver(message("\(number)", qos: UInt8(number % 2))) }
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/queued"] == "5")
        connection.up()
        #expect(texts(connection) == ["0", "1", "2", "3", "4"])
        #expect(cluster.mock.retained.count == 2)
    }

    @Test("Unconfirmed messages are sent again in order after a loss, before newer ones")
    func resend() throws {
        let cluster = cluster()
        let first = try #require(cluster.mock.connections.messages.first)
        first.up()
        for number in 0..<4 { cluster.deliver(message("\(number)")) }
        first.ack(first.sent[1].cookie)
        first.ack(first.sent[0].cookie)
        first.ack(first.sent[3].cookie)
        first.down()
        cluster.deliver(message("4"))
        cluster.mock.advance(1_000)
        let second = try #require(cluster.mock.connections.messages.first)
        #expect(second.id != first.id && first.isClosed)
        second.up()
        #expect(texts(second) == ["2", "4"])
        for sent in first.sent { second.ack(sent.cookie) }
        #expect(cluster.mock.retained.count == 2, "old cookies mean nothing")
        for sent in second.sent { second.ack(sent.cookie) }
        #expect(cluster.mock.retained.isEmpty)
    }

    @Test("No more than max_inflight are under way; QoS 0 waits behind them")
    func inflight() throws {
        let cluster = cluster(#","max_inflight":2"#)
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.up()
        for number in 0..<4 { cluster.deliver(message("\(number)")) }
        cluster.deliver(message("last", qos: 0))
        #expect(texts(connection) == ["0", "1"])
        connection.ack(connection.sent[0].cookie)
        #expect(texts(connection) == ["0", "1", "2"])
        connection.ack(connection.sent[2].cookie)
        #expect(texts(connection) == ["0", "1", "2"], "the window begins at the oldest")
        connection.ack(connection.sent[1].cookie)
        #expect(texts(connection) == ["0", "1", "2", "3", "last"])
    }

    @Test("A full connection is left alone until there is room")
    func backPressure() throws {
        let cluster = cluster()
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.up()
        connection.publishResults = [Int32(ISTH_E_LIMIT)]
        cluster.deliver(message("0", qos: 0))
        cluster.deliver(message("1", qos: 0))
        #expect(connection.sent.isEmpty)
        connection.writable()
        #expect(texts(connection) == ["0", "1"])
        #expect(cluster.mock.retained.isEmpty)
    }

    @Test("A message the connection will never take is counted and does not block the others")
    func refusedLocally() throws {
        let cluster = cluster()
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.up()
        connection.publishResults = [Int32(ISTH_E_ARG)]
        cluster.deliver(message("huge"))
        cluster.deliver(message("next"))
        #expect(texts(connection) == ["next"])
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/dropped/refused_by_peer"] == "1")
    }

    @Test("A message the peer refuses is dropped and counted")
    func refusedByPeer() throws {
        let cluster = cluster()
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.up()
        cluster.deliver(message("0"))
        connection.ack(connection.sent[0].cookie, 0x87)
        #expect(cluster.mock.retained.isEmpty)
        #expect(cluster.mock.logs.contains { $0.contains("reason code 0x87") })
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/dropped"] == "1")
    }

    @Test("Messages of any QoS expire after request_ttl")
    func expiry() throws {
        let cluster = cluster(#","resource_opts":{"request_ttl":"3s"}"#)
        cluster.deliver(message("old", qos: 1))
        cluster.mock.advance(2_000)
        cluster.deliver(message("new", qos: 0))
        cluster.mock.advance(1_500)
        #expect(cluster.mock.retained.count == 1)
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.up()
        #expect(texts(connection) == ["new"])
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/dropped/expired"] == "1")
    }

    @Test("Over max_buffer_bytes the oldest messages are dropped")
    func overflow() throws {
        let size = 256 + 3 + 1_000
        let cluster = cluster(#","resource_opts":{"max_buffer_bytes":\#(size * 3)}"#)
        for number in 0..<5 { cluster.deliver(message("\(number)" + String(repeating: "x", count: 999))) }
        #expect(cluster.mock.retained.count == 3)
        let connection = try #require(cluster.mock.connections.messages.first)
        connection.up()
        #expect(texts(connection).map { $0.prefix(1) } == ["2", "3", "4"])
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/dropped/overflow"] == "2")
    }

    @Test("A publisher keeps its connection; publishers spread over all of them")
    func spread() {
        let cluster = cluster(pool: 4)
        for connection in cluster.mock.connections.messages { connection.up() }
        for round in 0..<3 {
            for publisher in 0..<100 {
                cluster.deliver(message("\(publisher):\(round)", qos: 0, publisher: "client-\(publisher)"))
            }
        }
        var seen = 0
        for connection in cluster.mock.connections.messages {
            #expect(connection.sent.count > 15)
            let byPublisher = Dictionary(grouping: connection.sent.map { inner($0) }, by: \.publisher)
            for (_, messages) in byPublisher {
                #expect(messages.count == 3 && messages.map(\.text) == messages.map(\.text).sorted())
            }
            seen += byPublisher.count
        }
        #expect(seen == 100)
    }

    @Test("Each reconnect tries the next address, with growing pauses")
    func failover() throws {
        let cluster = Cluster("own", links: #"[{"name":"eu","server":"a:1,b:2","topics":[],"pool_size":1}]"#)
        #expect(cluster.mock.connections.messages.first?.server == "a:1")
        cluster.mock.connections.messages.first?.down()
        cluster.mock.advance(999)
        #expect(cluster.mock.connections.messages.first?.server == "a:1")
        cluster.mock.advance(1)
        #expect(cluster.mock.connections.messages.first?.server == "b:2")
        cluster.mock.connections.messages.first?.down()
        cluster.mock.advance(1_999)
        #expect(cluster.mock.connections.messages.first?.server == "b:2")
        cluster.mock.advance(1)
        #expect(cluster.mock.connections.messages.first?.server == "a:1")
    }

    @Test("At the end every reference is given back and every connection is closed")
    func end() {
        let cluster = cluster(pool: 2)
        let mock = cluster.mock
        mock.connections.messages.first?.up()
        for number in 0..<20 { cluster.deliver(message("\(number)", publisher: "p\(number)")) }
        #expect(!mock.retained.isEmpty)
        mock.plugin.drain?(mock.plugin.`self`)
        mock.settle()
        #expect(mock.retained.isEmpty && mock.connections.open.isEmpty && mock.destinations.isEmpty)
        #expect(mock.logs.contains { $0.contains("still waiting") })
    }
}
