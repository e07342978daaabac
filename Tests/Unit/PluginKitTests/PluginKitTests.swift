// SPDX-License-Identifier: Apache-2.0
// PluginKit on its own: views, settings, config values as Swift types, closures across C.

import MockHost
import PluginAPI
import PluginKit
import Synchronization
import Testing

@Suite struct PluginKitTests {
    private struct Link: Decodable, Equatable {
        let name: String
        let topics: [String]
        let port: Int?
    }

    @Test("Config values arrive as Swift types")
    func config() throws {
        let mock = MockHost(config: [
            "links": #"[{"name": "a", "topics": ["t/#"]}, {"name": "b", "topics": [], "port": 7}]"#,
            "word": #""a \"b\" \u00e9""#, "nothing": "null", "number": "5",
        ])
        defer { withExtendedLifetime(mock) {} }
        let host = PluginHost(mock.table)
        #expect(
            try host.config([Link].self, at: "links") == [
                Link(name: "a", topics: ["t/#"], port: nil), Link(name: "b", topics: [], port: 7),
            ]
        )
        #expect(try host.config(String.self, at: "word") == "a \"b\" \u{e9}")
        #expect(try host.config(UInt16.self, at: "number") == 5)
        #expect(try host.configIfPresent(String.self, at: "nothing") == nil)
        #expect(try host.configIfPresent(String.self, at: "absent") == nil)
    }

    @Test("A config value of another shape is a sentence with the place of the mistake")
    func configMistakes() {
        let mock = MockHost(config: [
            "links": #"[{"name": "a", "topics": [1]}]"#, "number": "\"five\"", "nothing": "null",
        ])
        defer { withExtendedLifetime(mock) {} }
        let host = PluginHost(mock.table)
        func sentence<Value: Decodable>(_ type: Value.Type, _ path: String) -> String {
            do {
                _ = try host.config(type, at: path)
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(
            sentence([Link].self, "links")
                == "test.conf:1:1: the setting links[0].topics[0] should be of the type String."
        )
        #expect(sentence(Int.self, "number") == "test.conf:1:1: the setting number should be of the type Int.")
        #expect(sentence(Int.self, "nothing") == "The setting nothing is missing: add it to the config file.")
    }

    @Test("Views compare, cut and copy")
    func views() {
        "caf\u{e9}/x".withStr { text in
            let view = text.view
            #expect(view.count == 7)
            #expect(view.hasPrefix("caf"))
            #expect(!view.hasPrefix("cafe"))
            #expect(view.slice(5, 7) == "/x")
            #expect(view.string == "caf\u{e9}/x")
        }
        #expect(isth_str().view == BytesView.empty)
        #expect(isth_bytes(ptr: nil, len: 0).view.array == [])
        #expect([UInt8]([1, 2]).withBytes { $0.view.array } == [1, 2])
    }

    @Test("A table of settings is the C array a host reads")
    func settings() throws {
        let settings: Settings = [
            Setting("config.a", .string, default: "x", "First."),
            Setting("b", .oneOf("on", "off"), flags: [.secret, .reloadable], "Second."),
            Setting("c", .ints.optional, "Third.").below("roots[]."),
        ]
        #expect(settings.count == 3)
        let table = try #require(settings.table)
        #expect((0..<3).map { table[$0].path.map { String(cString: $0) } } == ["config.a", "b", "roots[].c"])
        #expect((0..<3).map { table[$0].type.map { String(cString: $0) } } == ["string", "enum(on,off)", "int[]?"])
        #expect((0..<3).map { table[$0].fallback.map { String(cString: $0) } } == ["x", nil, nil])
        #expect(table[1].flags == UInt32(ISTH_SETTING_SECRET | ISTH_SETTING_RELOADABLE))
        #expect(table[2].size == UInt32(MemoryLayout<isth_setting>.size))
        let none: Settings = []
        #expect(none.table == nil)
    }

    @Test("Closures run once, on the loop or on the pool, and a full pool refuses them")
    func tasks() {
        let mock = MockHost(config: [:], blockingLimit: 1)
        defer { withExtendedLifetime(mock) {} }
        let host = PluginHost(mock.table)
        let ran = Mutex<[String]>([])
        #expect(host.runOnLoop(0) { ran.withLock { $0.append("loop") } })
        #expect(host.runBlocking { ran.withLock { $0.append("pool") } })
        #expect(!host.runBlocking { ran.withLock { $0.append("too many") } })
        #expect(ran.withLock { $0 } == [])
        mock.runTasks()
        mock.runTasks()
        #expect(ran.withLock { $0 } == ["loop", "pool"])
    }

    @Test("A refused closure is freed")
    func refusedClosure() {
        final class Witness: Sendable {}
        let mock = MockHost(config: [:], blockingLimit: 0)
        defer { withExtendedLifetime(mock) {} }
        let host = PluginHost(mock.table)
        weak var witness: Witness?
        do {
            let object = Witness()
            witness = object
            #expect(!host.runBlocking { _ = object })
        }
        #expect(witness == nil)
    }
}
