import Foundation
import LinkTestSupport
import PluginKit
import Testing

// SPDX-License-Identifier: Apache-2.0
@testable import ClusterLinkBody

@Suite("Settings of a link")
struct SettingsTests {
    private func servers(_ text: String) throws -> [String] {
        try ServerAddress.list(text).map { "\($0.host) \($0.port)\($0.demandsTLS ? " tls" : "")" }
    }

    @Test("Addresses and their defaults")
    func addresses() throws {
        #expect(try servers("b.example") == ["b.example 1883"])
        #expect(try servers("10.0.0.1:2883") == ["10.0.0.1 2883"])
        #expect(try servers("[::1]:1884, b , mqtt://c:1") == ["::1 1884", "b 1883", "c 1"])
        #expect(try servers("h:1,") == ["h 1"])
        #expect(try servers("h:1 , i , ") == ["h 1", "i 1883"])
        #expect(try servers("mqtts://d_1-x.y:8883,[2001:db8::5]") == ["d_1-x.y 8883 tls", "2001:db8::5 1883"])
    }

    @Test(
        "Bad addresses say what is wrong",
        arguments: [
            ("", "not host:port"), ("a,,b", "not host:port"), (",", "not host:port"), (",a", "not host:port"),
            ("a,,", "not host:port"), (":1883", "not host:port"), ("a b", "not host:port"),
            ("a:0", "port"), ("a:65536", "port"), ("a:", "port"), ("a:x", "port"), ("::1", "[::1]"), ("[::1", "]"),
            ("[::1]1883", ":port"), ("[xyz]:1", "IPv6"), ("[10.0.0.1]:1", "IPv6"), ("ws://a:1", "scheme"),
        ]
    )
    func badAddresses(_ text: String, _ part: String) {
        do throws(ServerAddress.Problem) {
            let list = try ServerAddress.list(text)
            Issue.record("\"\(text)\" gave \(list)")
        } catch {
            #expect(error.sentence.contains(part), "\(error.sentence)")
        }
    }

    @Test("Which addresses are of this machine")
    func thisMachine() throws {
        let texts = "localhost,127.0.0.1:1,127.9.9.9,[::1]:2,b.example,10.0.0.1,127.example.org,[2001:db8::1]"
        #expect(
            try ServerAddress.list(texts).map(\.isThisMachine) == [true, true, true, true, false, false, false, false]
        )
    }

    @Test("Times to live")
    func timesToLive() {
        #expect(TimeToLive.parse("45s") == 45_000)
        #expect(TimeToLive.parse("1h30m") == 5_400_000)
        #expect(TimeToLive.parse("500ms") == 500)
        #expect(TimeToLive.parse("infinity") == TimeToLive.infinity)
        for bad in ["", "s", "45", "4x", "-1s", "99999999999999999999s", "9999999999999999w"] {
            #expect(TimeToLive.parse(bad) == nil, "\(bad)")
        }
    }

    @Test("The hash of a node name in client identifiers")
    func nodeHash() {
        let identity = Identity(
            clusterName: "a",
            nodeName: "emqx@10.0.0.1",
            incarnations: Incarnations(directory: nil) { _ in }
        )
        #expect(identity.nodeHash == "3deae32a")
        #expect(hex(SHA1.digest(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hex(SHA1.digest([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        let long = Array(repeating: UInt8(ascii: "a"), count: 1_000)
        #expect(hex(SHA1.digest(long)) == "291e9a6c66994949b57ba5e650361e98fc36b1ba")
    }

    @Test("Incarnations rise over restarts, also when the clock was set back")
    func incarnations() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "link-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = Incarnations(directory: folder.path) { Issue.record("\($0)") }.next(after: 0)
        let future = first + 1_000_000_000
        try "\(future)\n".write(
            to: folder.appending(path: "cluster-link-incarnation"),
            atomically: true,
            encoding: .utf8
        )
        let second = Incarnations(directory: folder.path) { Issue.record("\($0)") }
        #expect(second.next(after: 0) == future + 1)
        #expect(second.next(after: future + 10) == future + 11)
        try "nonsense".write(to: folder.appending(path: "cluster-link-incarnation"), atomically: true, encoding: .utf8)
        #expect(Incarnations(directory: folder.path) { Issue.record("\($0)") }.next(after: 0) >= first)
    }

    @Test("A data directory that cannot be written is only complained of")
    func unwritable() {
        let complaints = LockedList()
        let incarnations = Incarnations(directory: "/proc/no-such-folder") { complaints.add($0) }
        #expect(incarnations.next(after: 5) > 5)
        #expect(complaints.all.count == 1)
    }

    private func start(_ links: String, clusterName: String = "\"own\"", origins: [String: String] = [:]) -> MockHost {
        let mock = MockHost()
        mock.config = ["cluster.name": clusterName, "cluster.links": links]
        mock.origins = origins
        _ = mock.start(ClusterLink.self)
        return mock
    }

    @Test(
        "A link that breaks a rule stops the start with its place in the file",
        arguments: [
            (#"[{"name":"own","server":"b","topics":[]}]"#, "cluster.links[0].name", "own cluster.name"),
            (
                #"[{"name":"b","server":"b","topics":[]},{"name":"b","server":"c","topics":[]}]"#,
                "cluster.links[1].name", "is used by"
            ),
            (#"[{"name":"a/b","server":"b","topics":[]}]"#, "cluster.links[0].name", "one level"),
            (#"[{"name":"","server":"b","topics":[]}]"#, "cluster.links[0].name", "empty"),
            (#"[{"name":"b","server":"b:x","topics":[]}]"#, "cluster.links[0].server", "port"),
            (#"[{"name":"b","server":"mqtts://b","topics":[]}]"#, "cluster.links[0].server", "ssl.enable"),
            (#"[{"name":"b","server":"b","topics":["t/+/#/+"]}]"#, "cluster.links[0].topics[0]", "not a valid"),
            (#"[{"name":"b","server":"b","topics":["a",""]}]"#, "cluster.links[0].topics[1]", "not a valid"),
            (
                #"[{"name":"b","server":"b","topics":["$LINK/cluster/test/#"]}]"#, "cluster.links[0].topics[0]",
                "reserved"
            ),
            (#"[{"name":"b","server":"b","topics":["t/1","t/#"]}]"#, "cluster.links[0].topics[0]", "redundant_topics"),
            (#"[{"name":"b","server":"b","topics":["t","t"]}]"#, "cluster.links[0].topics[0]", "redundant_topics"),
            (#"[{"name":"b","server":"b","topics":[],"pool_size":0}]"#, "cluster.links[0].pool_size", "between"),
            (
                #"[{"name":"b","server":"b","topics":[],"max_inflight":-1}]"#, "cluster.links[0].max_inflight",
                "negative"
            ),
            (
                #"[{"name":"b","server":"b","topics":[],"password":"file:///no/such"}]"#, "cluster.links[0].password",
                "cannot be read"
            ),
        ]
    )
    func startErrors(_ links: String, _ path: String, _ part: String) {
        let mock = start(links, origins: [path: "etc/isthmus.conf:7:3"])
        defer { mock.close() }
        #expect(mock.logs.count == 1)
        let sentence = mock.logs.first ?? ""
        #expect(sentence.contains("etc/isthmus.conf:7:3") && sentence.contains(path), "\(sentence)")
        #expect(sentence.contains(part), "\(sentence)")
    }

    @Test("A cluster name that cannot be a topic level stops the start")
    func badClusterName() {
        let mock = start("[]", clusterName: "\"a#\"")
        defer { mock.close() }
        #expect(mock.logs.first?.contains("cluster.name") == true)
    }

    @Test("A password may come from a file")
    func passwordFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)")
        try "s3cret \n\n".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let mock = start(
            #"[{"name":"b","server":"b:1,c:2","topics":[],"username":"u","password":"file://\#(file.path)"}]"#
        )
        #expect(mock.ready())
        #expect(mock.connections.routes?.password == Array("s3cret".utf8))
        #expect(mock.connections.routes?.username == "u")
        mock.stop()
    }

    @Test("Without the services a link needs, the plugin does not get ready")
    func noServices() {
        let mock = start(#"[{"name":"b","server":"b","topics":[]}]"#)
        defer { mock.close() }
        mock.offersServices = false
        #expect(!mock.ready())
        #expect(mock.logs.last?.contains("route/1") == true)
    }

    @Test("Changed links are refused at reload, unchanged ones are not")
    func reload() {
        let mock = start("[]")
        defer { mock.close() }
        #expect(mock.plugin.reload?(mock.plugin.`self`) == 0)
        mock.config["cluster.links"] = #"[{"name":"b","server":"b","topics":[]}]"#
        #expect(mock.plugin.reload?(mock.plugin.`self`) != 0)
        #expect(mock.logs.last?.contains("restart") == true)
    }
}

/// Sentences from a callback.
final class LockedList: @unchecked Sendable {
    private let lock = NSLock()
    private var items: [String] = []
    func add(_ item: String) { lock.withLock { items.append(item) } }
    var all: [String] { lock.withLock { items } }
}
