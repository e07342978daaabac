import LinkTestSupport
import PluginAPI
import Testing

// SPDX-License-Identifier: Apache-2.0
@testable import ClusterLinkBody

@Suite("Receiving from a peer")
struct ReceiverTests {
    private static let links = #"""
        [{"name":"eu","server":"eu","topics":["t/#"]},
         {"name":"off","server":"off","topics":["t/#"],"enable":false},
         {"name":"mute","server":"mute","topics":[]}]
        """#

    private let cluster = Cluster("own", links: ReceiverTests.links)

    private func introduce(_ name: String = "eu", _ incarnation: UInt64 = 1, connection: Int = 0) -> Cluster.Answer {
        let payload = Cluster.actorInit("n1", incarnation)
        return cluster.publish(Cluster.control(name, payload, reply: true), connection: connection)
    }

    private func send(_ payload: [UInt8], connection: Int = 0) -> Cluster.Answer {
        cluster.publish(Cluster.control("eu", payload), connection: connection)
    }

    private var filters: Set<String> {
        cluster.mock.destinations.values.first { $0.name == "eu" }?.filters ?? []
    }

    private func lastAnswer() throws -> ReadControl {
        try ReadControl(try #require(cluster.mock.published.last).message.payload)
    }

    private func message(_ topic: String, from name: String = "eu") -> Message {
        var inner = Message(topic, "hello", qos: 2, publisher: "dev1")
        inner.flags = UInt32(ISTH_MSG_RETAIN | ISTH_MSG_HAS_EXPIRY)
        inner.expirySeconds = 60
        inner.receivedMilliseconds = 5
        inner.protocolLevel = 5
        var carrier = Message("$LINK/cluster/msg/\(name)", qos: 1)
        carrier.payload = Cluster.forwarded(inner)
        return carrier
    }

    // MARK: Messages

    @Test("A forwarded message is published locally as it was, and never passed on")
    func inject() throws {
        #expect(cluster.publish(message("t/1")) == Cluster.consumed)
        let published = try #require(cluster.mock.published.first)
        #expect(published.flags == UInt32(ISTH_PUB_SKIP_HOOKS | ISTH_PUB_LOCAL_ONLY | ISTH_PUB_NO_RETAIN))
        let inner = published.message
        #expect(inner.topic == "t/1" && inner.text == "hello" && inner.qos == 2 && inner.publisher == "dev1")
        #expect(inner.has(ISTH_MSG_RETAIN) && inner.expirySeconds == 60 && inner.receivedMilliseconds == 5)
        #expect(Int(inner.origin) == ISTH_ORIGIN_LINK)
        #expect(cluster.mock.destinations[inner.originID]?.name == "eu")
    }

    @Test("Nobody subscribed is told with 0x10")
    func unmatched() {
        cluster.mock.publishResult = Int32(ISTH_E_NOT_FOUND)
        #expect(cluster.publish(message("t/1")) == Cluster.noSubscribers)
    }

    @Test("What a link does not want is dropped", arguments: ["eu", "off", "mute", "unknown"])
    func unwanted(_ name: String) {
        let topic = name == "eu" ? "other/1" : "t/1"
        #expect(cluster.publish(message(topic, from: name)) == Cluster.noSubscribers)
        #expect(cluster.mock.published.isEmpty)
    }

    @Test("A payload that is no message is dropped, counted and told of")
    func undecodable() {
        var carrier = message("t/1")
        carrier.payload = [131, 106]
        for _ in 0..<20 { #expect(cluster.publish(carrier) == Cluster.noSubscribers) }
        #expect(cluster.mock.logs.contains { $0.contains("cannot be read") })
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/refused"] == "20")
    }

    @Test("Only a client's publish can speak for a cluster")
    func noClient() {
        let result = message("t/1").with {
            cluster.mock.hooks.message_publish?(cluster.mock.plugin.`self`, nil, $0, cluster.mock.host.ctx)
        }
        #expect(result == isth_result(ISTH_DENY))
    }

    @Test("The hook sees the link topics only, and opens them to everybody only if it is told to")
    func access() {
        #expect(cluster.mock.hookFilters == ["$LINK/cluster/route/+", "$LINK/cluster/msg/+"])
        #expect(cluster.mock.hooks.client_authorize == nil)
        let open = Cluster("own", links: "[]", extra: ["config.open": "true"])
        #expect(open.authorize("$LINK/cluster/route/eu") == ISTH_ALLOW_NAMED)
        #expect(open.authorize("t/1") == ISTH_NEXT)
    }

    // MARK: Introduction

    @Test("An introduction is answered on its response topic with its correlation data")
    func introduction() throws {
        #expect(introduce() == Cluster.noSubscribers)
        let reply = try #require(cluster.mock.published.first?.message)
        #expect(reply.topic == "$LINK/cluster/resp/eu/n1" && reply.qos == 1)
        #expect(reply.correlation == Array("0123456789abcdef".utf8) && reply.has(ISTH_MSG_HAS_CORRELATION))
        let map = try lastAnswer()
        #expect(map.operation == .actorInitAck && map.actor == "n1" && map.result == "ok")
        #expect(map.needBootstrap == .some(true))
        _ = introduce(connection: 1)
        #expect(try lastAnswer().needBootstrap == .some(false), "the same incarnation again")
        _ = introduce("eu", 2, connection: 2)
        #expect(try lastAnswer().needBootstrap == .some(true), "a new incarnation")
    }

    @Test(
        "Refusals by policy keep the connection",
        arguments: [
            ("nobody", "own", "unknown_cluster"), ("off", "own", "cluster_link_disabled"),
            ("eu", "somebody", "bad_remote_cluster_link_name"), ("off", "somebody", "cluster_link_disabled"),
        ]
    )
    func refusals(_ name: String, _ target: String, _ reason: String) throws {
        let request = Cluster.control(name, Cluster.actorInit(target: target), reply: true)
        #expect(cluster.publish(request) == Cluster.noSubscribers)
        let map = try lastAnswer()
        #expect(map.result == reason && map.needBootstrap == .some(nil))
        #expect(cluster.publish(request) == Cluster.noSubscribers, "it may try again")
    }

    @Test("Breaches of the protocol end the connection")
    func protocolErrors() {
        #expect(send([131, 106]) == Cluster.protocolError, "no map")
        #expect(send(Cluster.actorInit()) == Cluster.protocolError, "no response topic")
        var request = Cluster.control("eu", Cluster.actorInit(), reply: true)
        request.responseTopic = "users/topic"
        #expect(cluster.publish(request) == Cluster.protocolError, "our authority is not for other topics")
        #expect(send(Cluster.routes(["+t/1"])) == Cluster.protocolError, "routes before the introduction")
        var writer = TermWriter()
        writer.actorInitAck(actor: "n1", result: .ok, needBootstrap: true)
        #expect(send(writer.bytes.array) == Cluster.protocolError, "an answer nobody asked for")
        #expect(send(Cluster.heartbeat()) == Cluster.noSubscribers, "a heartbeat before it means nothing")
        #expect(introduce() == Cluster.noSubscribers)
        #expect(introduce() == Cluster.protocolError, "twice")
        #expect(send(Cluster.routes(["+t/1"], actor: "n2")) == Cluster.protocolError, "another actor")
        #expect(send(Cluster.heartbeat("n2")) == Cluster.protocolError, "another actor")
        let other = Cluster.control("mute", Cluster.routes(["+t/1"]))
        #expect(cluster.publish(other) == Cluster.protocolError, "another cluster")
        #expect(filters.isEmpty)
    }

    @Test("A stale incarnation is refused without an answer")
    func stale() {
        #expect(introduce("eu", 5) == Cluster.noSubscribers)
        let count = cluster.mock.published.count
        #expect(introduce("eu", 4, connection: 1) == Cluster.protocolError)
        #expect(cluster.mock.published.count == count)
        #expect(introduce("eu", 6, connection: 2) == Cluster.noSubscribers)
        #expect(send(Cluster.routes(["+t/1"])) == Cluster.protocolError, "the old connection lost its actor")
    }

    // MARK: Routes

    @Test("Routes become filters of the destination and go again")
    func routes() {
        _ = introduce()
        #expect(send(Cluster.routes(["+t/1", "+t/#", "+t/1"])) == Cluster.noSubscribers)
        #expect(filters == ["t/1", "t/#"])
        #expect(send(Cluster.routes(["-t/1", "-never"])) == Cluster.noSubscribers)
        #expect(filters == ["t/#"])
        #expect(send(Cluster.routes([])) == Cluster.noSubscribers)
        cluster.mock.advance(1_000)
        #expect(cluster.mock.figures["links/eu/routes_in"] == "1")
    }

    @Test("Routes that are no filters or reserved are ignored, the rest is taken")
    func oddRoutes() {
        _ = introduce()
        #expect(send(Cluster.routes(["+t/#/x", "+$LINK/#", "+", "+ok"])) == Cluster.noSubscribers)
        #expect(filters == ["ok"])
    }

    @Test("A new connection takes over; closing the old one changes nothing")
    func takeover() {
        _ = introduce()
        _ = send(Cluster.routes(["+t/1"]))
        #expect(introduce(connection: 1) == Cluster.noSubscribers)
        cluster.closed(0)
        #expect(filters == ["t/1"])
        #expect(send(Cluster.routes(["+t/2"]), connection: 1) == Cluster.noSubscribers)
        #expect(filters == ["t/1", "t/2"])
    }

    @Test("Any sign of life keeps the routes; silence removes them and the actor")
    func timeToLive() {
        _ = introduce()
        _ = send(Cluster.routes(["+t/1"]))
        for _ in 0..<3 {
            cluster.mock.advance(20_000)
            #expect(send(Cluster.heartbeat()) == Cluster.noSubscribers)
            cluster.mock.advance(20_000)
            #expect(send(Cluster.routes(["+t/2"])) == Cluster.noSubscribers)
        }
        #expect(filters == ["t/1", "t/2"])
        cluster.mock.advance(31_000)
        #expect(filters.isEmpty)
        #expect(send(Cluster.heartbeat()) == Cluster.protocolError)
        #expect(introduce(connection: 1) == Cluster.noSubscribers)
    }

    @Test("Too many routes are answered with 0x97 and told of once")
    func tooManyRoutes() {
        let small = Cluster("own", links: Self.links, extra: ["config.max_routes": "2"])
        _ = small.publish(Cluster.control("eu", Cluster.actorInit(), reply: true))
        for _ in 0..<3 {
            let answer = small.publish(Cluster.control("eu", Cluster.routes(["+a", "+b", "+c"])))
            #expect(answer == Cluster.Answer(result: ISTH_CONSUMED, reason: 0x97))
        }
        #expect(small.mock.logs.count { $0.contains("max_routes") } == 1)
    }

    @Test("A disabled link opens nothing and says so")
    func disabled() {
        #expect(cluster.mock.figures["links/off/state"] == "disabled")
        #expect(cluster.mock.connections.all.allSatisfy { $0.server != "off:1883" })
        #expect(cluster.mock.destinations.count == 2)
    }
}
