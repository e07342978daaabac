// SPDX-License-Identifier: Apache-2.0
// The plugin through its real table: the library is opened as a host opens it, with the config a host would give.

import MockHost
import PluginAPI
import PluginKit
import Testing

@Suite struct FileACLPluginTests {
    private func config(_ sources: String, noMatch: String = "deny") -> [String: String] {
        ["authorization.no_match": "\"\(noMatch)\"", "authorization.sources": sources]
    }

    private func source(_ path: String) -> String { #"{"type": "file", "enable": true, "path": "\#(path)"}"# }

    private func ask(_ plugin: OpenedPlugin, _ client: TestClient, _ topic: String, loop: UInt32 = 0) -> isth_result? {
        client { client in
            client.pointee.loop = loop
            return topic.withStr {
                plugin.hooks.pointee.client_authorize?(plugin.me, client, 1, Int32(ISTH_ACCESS_PUBLISH), $0, 0, 0)
            }
        }
    }

    @Test("Declares itself a guard, and its settings")
    func table() throws {
        let plugin = try OpenedPlugin("FileACL", MockHost(config: [:]))
        #expect(plugin.opened == ISTH_OK)
        #expect(plugin.abi == pluginABI)
        #expect(plugin.table.pointee.flags == UInt32(ISTH_GUARDS))
        #expect(plugin.settings["authorization.no_match"] == "enum(allow,deny)")
        #expect(plugin.settings["authorization.sources[].path"] == "string?")
    }

    @Test("Decides by the files in their order, and frees the slot at the end of a connection")
    func decides() throws {
        let first = try TemporaryFile("{allow, {username, \"u\"}, publish, [\"a\"]}.\n", suffix: ".conf")
        let second = try TemporaryFile("{deny, all, publish, [\"a\"]}.\n{allow, all}.\n", suffix: ".conf")
        let sources = "[\(source(first.path)), \(source(second.path))]"
        let plugin = try OpenedPlugin("FileACL", MockHost(config: config(sources)))
        #expect(plugin.start() == ISTH_OK)
        #expect(plugin.hooks.pointee.message_publish == nil)
        let client = TestClient("c", username: "u")
        #expect(ask(plugin, client, "a") == isth_result(ISTH_ALLOW))
        #expect(ask(plugin, TestClient("c"), "a") == isth_result(ISTH_DENY))
        #expect(ask(plugin, TestClient("c"), "b", loop: 1) == isth_result(ISTH_ALLOW))
        #expect(ask(plugin, TestClient("c"), "$LINK/x") == isth_result(ISTH_DENY))
        #expect(ask(plugin, TestClient("c"), "b", loop: 99) == isth_result(ISTH_ERROR))
        #expect(client.hasSlotContent)
        client { plugin.hooks.pointee.client_closed?(plugin.me, $0, 0, isth_str()) }
        #expect(!client.hasSlotContent)
    }

    @Test("A rule that names $LINK says so, as the host wants it")
    func link() throws {
        let file = try TemporaryFile(
            "{allow, {username, \"u\"}, all, [\"$LINK/#\"]}.\n{allow, all}.\n",
            suffix: ".conf"
        )
        let plugin = try OpenedPlugin("FileACL", MockHost(config: config("[\(source(file.path))]", noMatch: "allow")))
        #expect(plugin.start() == ISTH_OK)
        #expect(ask(plugin, TestClient("c", username: "u"), "$LINK/x") == isth_result(ISTH_ALLOW_NAMED))
        #expect(ask(plugin, TestClient("c", username: "u"), "x") == isth_result(ISTH_ALLOW))
        #expect(ask(plugin, TestClient("c"), "$LINK/x") == isth_result(ISTH_DENY))
    }

    @Test("no_match = allow leaves the verdict to the next plugin")
    func noMatch() throws {
        let plugin = try OpenedPlugin("FileACL", MockHost(config: config("[]", noMatch: "allow")))
        #expect(plugin.start() == ISTH_OK)
        #expect(ask(plugin, TestClient("c"), "a") == isth_result(ISTH_NEXT))
        #expect(ask(plugin, TestClient("c"), "$LINK/a") == isth_result(ISTH_DENY))
        #expect(plugin.host.log.contains { $0.contains("names no file") })
    }

    @Test("A disabled source is not read")
    func disabled() throws {
        let sources = #"[{"type": "file", "enable": false, "path": "/nonexistent"}]"#
        #expect(try OpenedPlugin("FileACL", MockHost(config: config(sources))).start() == ISTH_OK)
    }

    @Test(
        "What cannot start says why",
        arguments: [
            (#"[{"type": "redis", "enable": true}]"#, "authorization.sources[0] is of the type redis"),
            (#"[{"type": "file", "enable": true}]"#, "authorization.sources[0] has no path"),
            (#"[{"type": "file", "enable": true, "path": "/nonexistent"}]"#, "There is no file /nonexistent"),
            (#"[{"type": "file", "enable": true, "path": "/tmp"}]"#, "/tmp is not a regular file"),
        ]
    )
    func refused(_ sources: String, _ words: String) throws {
        let plugin = try OpenedPlugin("FileACL", MockHost(config: config(sources)))
        #expect(plugin.start() == ISTH_ERROR)
        #expect(plugin.host.log.contains { $0.contains(words) && $0.hasPrefix("test.conf:1:1") })
    }

    @Test("A reload takes new rules in force on each loop, for clients that are connected too")
    func reload() throws {
        let file = try TemporaryFile("{deny, {username, \"u\"}, publish, [\"a\"]}.\n{allow, all}.\n", suffix: ".conf")
        let plugin = try OpenedPlugin("FileACL", MockHost(config: config("[\(source(file.path))]")))
        #expect(plugin.start() == ISTH_OK)
        let client = TestClient("c", username: "u")
        #expect(ask(plugin, client, "a") == isth_result(ISTH_DENY))
        try file.write("{allow, {username, \"u\"}, publish, [\"a\"]}.\n")
        #expect(plugin.reload() == ISTH_OK)
        plugin.host.runTasks()
        #expect(ask(plugin, client, "a") == isth_result(ISTH_ALLOW))
        #expect(ask(plugin, client, "b", loop: 1) == isth_result(ISTH_DENY))
    }

    @Test("A reload with a mistake keeps the old rules and names every mistake")
    func badReload() throws {
        let file = try TemporaryFile("{allow, all, publish, [\"a\"]}.\n", suffix: ".conf")
        let plugin = try OpenedPlugin("FileACL", MockHost(config: config("[\(source(file.path))]")))
        #expect(plugin.start() == ISTH_OK)
        try file.write("{alow, all}.\n{allow, all, publish, \"b\"}.\n")
        #expect(plugin.reload() == ISTH_ERROR)
        plugin.host.runTasks()
        #expect(ask(plugin, TestClient("c"), "a") == isth_result(ISTH_ALLOW))
        #expect(ask(plugin, TestClient("c"), "b") == isth_result(ISTH_DENY))
        let log = plugin.host.log
        #expect(log.contains { $0.hasPrefix("\(file.path):1:2: ") && $0.contains("did you mean allow?") })
        #expect(log.contains { $0.hasPrefix("\(file.path):2:23: ") })
        #expect(log.last == "The ACL files hold 2 mistakes, logged above.")
    }
}
