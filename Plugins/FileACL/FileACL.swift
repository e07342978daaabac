// SPDX-License-Identifier: Apache-2.0
// The plugin: reads the `authorization` settings and the files they name, and answers the host's question whether a
// client may publish or subscribe. What a rule means is decided in Rules/. Rules are swapped loop by loop, so a
// request needs no lock; a reload with a mistake in a file changes nothing.

import FileACLRules
import PluginAPI
import PluginKit

final class FileACL: Plugin, @unchecked Sendable {
    static let name: StaticString = "FileACL"
    static let version: StaticString = "0.1.0"
    static let flags: PluginFlags = .guards
    static let settings: Settings = [
        Setting(
            "authorization.no_match",
            .oneOf("allow", "deny"),
            default: "deny",
            flags: .reloadable,
            "What happens to a request that no rule is about."
        ),
        Setting(
            "authorization.deny_action",
            .oneOf("ignore", "disconnect"),
            default: "ignore",
            flags: .reloadable,
            "Whether a denied client is only told so, or also disconnected."
        ),
        Setting(
            "authorization.cache.enable",
            .bool,
            default: "true",
            "Whether verdicts on publishing are remembered per connection."
        ),
        Setting(
            "authorization.cache.max_size",
            .int,
            default: "32",
            "How many verdicts a connection remembers; the earliest are forgotten."
        ),
        Setting("authorization.cache.ttl", .duration, default: "1m", "How long a verdict is remembered."),
        Setting(
            "authorization.cache.excludes",
            .strings,
            default: "[]",
            "Topic filters whose verdicts are not remembered."
        ),
        Setting(
            "authorization.sources",
            .objects,
            default: "[]",
            flags: .reloadable,
            "Where the rules are, in the order they are asked."
        ),
        Setting(
            "authorization.sources[].type",
            .string,
            default: "file",
            flags: .reloadable,
            "The kind of source: file."
        ),
        Setting(
            "authorization.sources[].enable",
            .bool,
            default: "true",
            flags: .reloadable,
            "Whether the source is asked."
        ),
        Setting(
            "authorization.sources[].path",
            .string.optional,
            flags: .reloadable,
            "The file with the rules; a relative path counts from the directory the broker was started in."
        ),
    ]

    let host: PluginHost
    /// The rules in force on each loop; an entry is touched on its own loop, or before and after the loops run.
    private let current: UnsafeMutableBufferPointer<Unmanaged<RuleSet>>

    init(host: PluginHost) {
        self.host = host
        current = .allocate(capacity: Int(host.loopCount))
        current.initialize(repeating: .passRetained(RuleSet([], noMatch: .deny)))
        for entry in current.dropFirst() { _ = entry.retain() }
    }

    func start(hooks: inout isth_hooks) throws {
        let rules = try loadRules()
        for loop in current.indices { replace(loop, rules) }
        hooks.client_authorize = { me, client, _, access, topic, qos, retain in
            FileACL.with(me) { $0.authorize(client, access, topic, qos, retain) }
        }
        hooks.explain_authorize = { me, client, access, topic, qos, retain, say, ud in
            FileACL.with(me) { $0.explain(client, access, topic, qos, retain)?.withStr { say(ud, $0) } }
        }
        hooks.client_closed = { _, client, _, _ in Profile.drop(client.pointee.slot) }
    }

    func reload() throws {
        let rules = try loadRules()
        for loop in current.indices {
            host.runOnLoop(UInt32(loop)) { self.replace(loop, rules) }
        }
    }

    func close() {
        for rules in current { rules.release() }
        current.deallocate()
    }

    private func replace(_ loop: Int, _ rules: RuleSet) {
        let old = current[loop]
        current[loop] = .passRetained(rules)
        old.release()
    }

    private func authorize(
        _ client: UnsafePointer<isth_client>,
        _ access: Int32,
        _ topic: isth_str,
        _ qos: UInt8,
        _ retain: UInt8
    ) -> isth_result {
        let loop = Int(client.pointee.loop)
        guard loop < current.count, let request = Request(access, topic, qos, retain) else {
            return isth_result(ISTH_ERROR)
        }
        switch current[loop]._withUnsafeGuaranteedRef({ $0.decide(client, request) }) {
        case .allow: return isth_result(request.isLink ? ISTH_ALLOW_NAMED : ISTH_ALLOW)
        case .deny: return isth_result(ISTH_DENY)
        case .next: return isth_result(ISTH_NEXT)
        }
    }

    /// With file, line and text of the rule.
    private func explain(
        _ client: UnsafePointer<isth_client>,
        _ access: Int32,
        _ topic: isth_str,
        _ qos: UInt8,
        _ retain: UInt8
    ) -> String? {
        let loop = Int(client.pointee.loop)
        guard loop < current.count, let request = Request(access, topic, qos, retain) else { return nil }
        return current[loop]._withUnsafeGuaranteedRef { $0.explain(client, request).sentence }
    }
}

extension Request {
    /// What a hook is asked; nil if it is nothing that can be asked.
    fileprivate init?(_ access: Int32, _ topic: isth_str, _ qos: UInt8, _ retain: UInt8) {
        guard qos <= 2, let access = UInt8(exactly: access).flatMap(Access.init) else { return nil }
        self.init(access, topic.view, qos: qos, retain: retain != 0)
    }
}

@c @implementation
public func isth_plugin_abi() -> UInt32 { pluginABI }

@c @implementation
public func isth_plugin_open(_ host: UnsafePointer<isth_host>, _ out: UnsafeMutablePointer<isth_plugin>) -> Int32 {
    openPlugin(FileACL.self, host, out)
}
