// SPDX-License-Identifier: Apache-2.0
// The two example plugins do the same, one in C and one in Swift: both are built and driven through their tables.

import Glibc
import MockHost
import PluginAPI
import PluginKit
import Testing

private let root = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }

/// Compiles hello.c with the system's C compiler, as its head says.
private func buildHello(_ output: String) -> Bool {
    let words = [
        "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2",
        "-I\(root)/Sources/PluginAPI/include", "-o", output, "\(root)/Plugins/Examples/Hello/hello.c",
    ]
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    guard posix_spawnp(&child, "cc", nil, nil, &arguments, environ) == 0 else { return false }
    var status: Int32 = -1
    return waitpid(child, &status, 0) == child && status == 0
}

private func greets(_ plugin: OpenedPlugin, _ word: String) {
    #expect(plugin.abi == pluginABI)
    #expect(plugin.opened == ISTH_OK)
    #expect(plugin.settings == ["config.greeting": "string"])
    #expect(plugin.start() == ISTH_OK)
    #expect(plugin.host.filters == ["hello/#"])
    #expect(plugin.hooks.pointee.client_authenticate == nil)

    let client = TestClient("lamp-7")
    client { plugin.hooks.pointee.client_connected?(plugin.me, $0) }
    #expect(plugin.host.log == ["\(word), lamp-7!"])

    var message = isth_msg(topic: isth_str("hello/world"), payload: isth_bytes())
    let result = client { client in
        message.publisher_id = client.pointee.client_id
        return plugin.hooks.pointee.message_publish?(plugin.me, client, &message, OpaquePointer(client))
    }
    #expect(result == isth_result(ISTH_NEXT))
    #expect(plugin.host.published.map(\.topic) == ["greeted/hello/world"])
    #expect(plugin.host.published.map(\.payload) == ["\(word), lamp-7!"])
}

@Suite struct ExampleTests {
    @Test("hello.c greets")
    func hello() throws {
        let library = try TemporaryFile("", suffix: ".so")
        try #require(buildHello(library.path))
        greets(try OpenedPlugin(library.path, MockHost(config: ["config.greeting": "\"Good day\""])), "Good day")
    }

    @Test("hello.c refuses a greeting that does not fit, and says so")
    func longGreeting() throws {
        let library = try TemporaryFile("", suffix: ".so")
        try #require(buildHello(library.path))
        let greeting = "\"\(String(repeating: "x", count: 64))\""
        let plugin = try OpenedPlugin(library.path, MockHost(config: ["config.greeting": greeting]))
        #expect(plugin.start() == ISTH_ERROR)
        #expect(plugin.host.log.count == 1)
    }

    @Test("HelloSwift greets, and with another word after a reload")
    func helloSwift() throws {
        let host = MockHost(config: ["config.greeting": "\"Hello\""])
        let plugin = try OpenedPlugin("HelloSwift", host)
        greets(plugin, "Hello")
        host.set("config.greeting", "\"Salut\"")
        #expect(plugin.reload() == ISTH_OK)
        TestClient("b").callAsFunction { plugin.hooks.pointee.client_connected?(plugin.me, $0) }
        #expect(host.log.last == "Salut, b!")
    }

    @Test("A start error is a sentence in the log")
    func missingSetting() throws {
        let plugin = try OpenedPlugin("HelloSwift", MockHost(config: [:]))
        #expect(plugin.start() == ISTH_ERROR)
        #expect(plugin.host.log == ["The setting config.greeting is missing: add it to the config file."])
    }
}
