import LinkTestSupport
import PluginAPI
import Testing

// SPDX-License-Identifier: Apache-2.0
@testable import ClusterLinkBody

/// Plugins of two or three clusters wired to each other in memory: what one sends, the other's publish hook sees.
@Suite("Linked clusters")
struct LinkedClustersTests {
    /// A set of clusters; `settle` carries packets until nothing moves.
    private final class Net {
        let clusters: [String: Cluster]
        /// By cluster and connection: its number as a client of its peer, and how much of it was carried over.
        private var numbers: [String: Int] = [:]
        private var progress: [String: Int] = [:]
        private var replies: [String: Int] = [:]
        init(_ clusters: [String: Cluster]) { self.clusters = clusters }

        func settle() {
            var moved = true
            while moved {
                moved = false
                for (name, cluster) in clusters {
                    cluster.mock.settle()
                    for connection in cluster.mock.connections.open { moved = step(name, cluster, connection) || moved }
                }
            }
        }

        private func step(_ name: String, _ cluster: Cluster, _ connection: MockConnection) -> Bool {
            let target = connection.server.split(separator: ":")[0]
            guard let peer = clusters[String(target)], !connection.isLost else { return false }
            let key = "\(name)-\(connection.id)"
            guard connection.isUp else {
                connection.up()
                numbers[key] = numbers.count % 16
                return true
            }
            if let subscription = connection.subscriptions.popLast() {
                connection.ack(subscription.cookie)
                return true
            }
            let done = progress[key, default: 0]
            if done < connection.sent.count {
                progress[key] = done + 1
                let sent = connection.sent[done]
                let answer = peer.publish(sent.message, connection: numbers[key] ?? 0)
                #expect(answer.result == ISTH_CONSUMED, "\(peer.mock.logs.suffix(3))")
                if sent.message.qos > 0 { connection.ack(sent.cookie, answer.reason ?? 0) }
                return true
            }
            guard connection.clientID.contains(":routesync:") else { return false }
            let seen = replies[key, default: 0]
            guard seen < peer.mock.published.count else { return false }
            replies[key] = seen + 1
            let message = peer.mock.published[seen].message
            if message.topic.hasPrefix("$LINK/cluster/resp/\(name)/") { connection.receive(message) }
            return true
        }

        /// All clocks move together, in small steps.
        func advance(_ milliseconds: UInt64) {
            for _ in 0..<max(1, milliseconds / 100) {
                for cluster in clusters.values { cluster.mock.advance(min(100, milliseconds)) }
                settle()
            }
        }

        /// A client of `name` publishes: every destination whose filters match gets it, as the host would do.
        func publish(_ name: String, _ message: Message) {
            guard let cluster = clusters[name] else { return }
            for destination in cluster.mock.destinations.values {
                let matches = destination.filters.contains { filter in
                    Filter(message.topic).withView { Narrowing.matches(Filter(filter), $0) }
                }
                if matches { destination.deliver(message) }
            }
            settle()
        }

        func received(_ name: String) -> [String] {
            (clusters[name]?.mock.published ?? []).map(\.message).filter { Int($0.origin) == ISTH_ORIGIN_LINK }
                .map { "\($0.topic)=\($0.text)" }
        }
    }

    private func link(_ name: String, _ topics: String) -> String {
        #"{"name":"\#(name)","server":"\#(name)","pool_size":1,"topics":\#(topics)}"#
    }

    @Test("A route that does not fit the peer is left out, and the others are announced")
    func largeRoute() throws {
        let a = Cluster("a", links: "[\(link("b", "[]"))]")
        let b = Cluster("b", links: "[\(link("a", ##"["#"]"##))]")
        let large = String(repeating: "long/", count: 400)
        for filter in ["t/1", large, "t/2"] { b.subscribe(filter) }
        try #require(b.mock.connections.routes).limits.maximum_packet_size = 1000
        let net = Net(["a": a, "b": b])
        net.settle()
        net.advance(1_000)
        #expect(a.destination?.filters == ["t/1", "t/2"])
        #expect(b.mock.figures["links/a/state"] == "online")
        #expect(b.mock.figures["links/a/routes_out"] == "2" && b.mock.figures["links/a/routes_left_out"] == "1")
        let said = b.mock.logs.contains {
            $0.contains("the route for long/long/") && $0.contains("2000 bytes, is left out")
        }
        #expect(said, "\(b.mock.logs)")
    }

    @Test("A link to ourselves, and a peer with our own name, are told what is wrong")
    func ownAddress() {
        let a = Cluster("a", links: #"[{"name":"b","server":"a","pool_size":1,"topics":[]}]"#)
        let net = Net(["a": a])
        net.settle()
        #expect(
            a.mock.figures["links/b/last_error"]?.contains("a is this broker itself. Set server to an address") == true
        )
    }

    @Test("A peer that takes QoS 0 only, or nearly nothing, is told apart")
    func uselessPeer() throws {
        for (qos, size, advice) in [(0, 1000, "mqtt.max_qos_allowed"), (1, 30, "mqtt.max_packet_size")] {
            let b = Cluster("b", links: "[\(link("a", ##"["#"]"##))]")
            let connection = try #require(b.mock.connections.routes)
            connection.limits.maximum_qos = UInt8(qos)
            connection.limits.maximum_packet_size = UInt32(size)
            connection.up()
            if let subscription = connection.subscriptions.popLast() {
                connection.publishResults = [Int32(ISTH_E_ARG)]
                connection.ack(subscription.cookie)
            }
            #expect(b.mock.figures["links/a/last_error"]?.contains(advice) == true)
        }
    }

    @Test("Two clusters announce, narrow and forward, both ways")
    func pair() {
        let a = Cluster("a", links: "[\(link("b", #"["t/#"]"#))]")
        let b = Cluster("b", links: "[\(link("a", #"["x/+"]"#))]")
        a.subscribe("t/1")
        let net = Net(["a": a, "b": b])
        net.settle()
        #expect(a.mock.figures["links/b/state"] == "online" && b.mock.figures["links/a/state"] == "online")
        #expect(b.destination?.filters == ["t/1"] && a.destination?.filters == [])
        a.subscribe("+/2")
        a.subscribe("#", group: "g")
        a.subscribe("other/#")
        b.subscribe("#")
        net.advance(100)
        #expect(b.destination?.filters == ["t/1", "t/2", "t/#"])
        #expect(a.destination?.filters == ["x/+"])

        net.publish("b", Message("t/1", "hello", qos: 1, publisher: "dev"))
        net.publish("b", Message("x/1", "local"))
        net.publish("a", Message("x/1", "there", qos: 2))
        #expect(net.received("a") == ["t/1=hello"])
        #expect(net.received("b") == ["x/1=there"])

        a.unsubscribe("#", group: "g")
        a.unsubscribe("t/1")
        net.advance(100)
        #expect(b.destination?.filters == ["t/2"])
    }

    @Test("A peer that restarts gets our routes again; an outage loses nothing of QoS 1")
    func outage() throws {
        let a = Cluster("a", links: "[\(link("b", ##"["#"]"##))]")
        let b = Cluster("b", links: "[\(link("a", "[]"))]")
        a.subscribe("t/#")
        let net = Net(["a": a, "b": b])
        net.settle()
        let messages = try #require(b.mock.connections.messages.first)
        messages.down()
        for number in 0..<3 { net.clusters["b"]?.deliver(Message("t/\(number)", "m", qos: 1, publisher: "p")) }
        a.mock.connections.routes?.down()
        a.subscribe("u/#")
        a.unsubscribe("t/#")
        net.advance(2_000)
        #expect(net.received("a") == ["t/0=m", "t/1=m", "t/2=m"])
        #expect(b.destination?.filters == ["u/#"])
        #expect(a.mock.figures["links/b/state"] == "online")
    }

    @Test("In a full mesh of three every cluster gets one copy")
    func mesh() {
        let names = ["a", "b", "c"]
        var clusters: [String: Cluster] = [:]
        for name in names {
            let links = names.filter { $0 != name }.map { link($0, ##"["#"]"##) }.joined(separator: ",")
            clusters[name] = Cluster(name, links: "[\(links)]")
        }
        for cluster in clusters.values { cluster.subscribe("t/#") }
        let net = Net(clusters)
        net.advance(100)
        net.publish("a", Message("t/1", "once"))
        #expect(net.received("a") == [])
        #expect(net.received("b") == ["t/1=once"])
        #expect(net.received("c") == ["t/1=once"])
    }

    @Test("A wrong name is shown as rejected with the key to check, and mends itself")
    func wrongName() {
        let a = Cluster("a", links: "[\(link("b", ##"["#"]"##))]")
        let b = Cluster("b", links: "[]")
        let net = Net(["a": a, "b": b])
        net.settle()
        #expect(a.mock.figures["links/b/state"] == "rejected")
        #expect(a.mock.figures["links/b/last_error"]?.contains("unknown_cluster") == true)
        net.advance(20_000)
        #expect(
            a.mock.logs.count { $0.contains("cluster.links") && $0.contains("\"a\"") } == 1,
            "told once, not each time"
        )
        #expect(a.mock.logs.contains { $0.contains("unknown_cluster") })
        let mended = Cluster("b", links: "[\(link("a", "[]"))]")
        let other = Net(["a": a, "b": mended])
        other.advance(6_000)
        #expect(a.mock.figures["links/b/state"] == "online")
        #expect(a.mock.figures["links/b/last_error"] == "")
    }
}
