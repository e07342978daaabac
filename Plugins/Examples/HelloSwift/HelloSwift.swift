// SPDX-License-Identifier: Apache-2.0
// The smallest useful plugin in Swift, hello.c once more: it greets every client in the log and publishes an answer
// to each message below "hello/". Copy this folder to begin your own.

import PluginAPI
import PluginKit
import Synchronization

final class HelloSwift: Plugin {
    static let name: StaticString = "HelloSwift"
    static let version: StaticString = "0.1.0"
    static let settings: Settings = [
        Setting("config.greeting", .string, default: "Hello", flags: .reloadable, "The word clients are greeted with.")
    ]

    let host: PluginHost
    /// Read on every loop, written by `reload`: hence the lock.
    private let greeting = Mutex("")

    init(host: PluginHost) { self.host = host }

    func start(hooks: inout isth_hooks) throws {
        try reload()
        try host.filterPublishHook("hello/#")
        hooks.client_connected = { me, client in HelloSwift.from(me).connected(client.pointee) }
        hooks.message_publish = { me, _, message, _ in HelloSwift.from(me).published(message.pointee) }
    }

    func reload() throws {
        let word = try host.config(String.self, at: "config.greeting")
        greeting.withLock { $0 = word }
    }

    private var word: String { greeting.withLock { $0 } }

    private func connected(_ client: isth_client) {
        host.log(.info, "\(word), \(client.client_id.string)!")
    }

    private func published(_ message: isth_msg) -> isth_result {
        let text = "\(word), \(message.publisher_id.string)!"
        host.publish(topic: "greeted/" + message.topic.string, payload: Array(text.utf8), .skipHooks)
        return isth_result(ISTH_NEXT)
    }
}

@c @implementation
public func isth_plugin_abi() -> UInt32 { pluginABI }

@c @implementation
public func isth_plugin_open(_ host: UnsafePointer<isth_host>, _ out: UnsafeMutablePointer<isth_plugin>) -> Int32 {
    openPlugin(HelloSwift.self, host, out)
}
