// SPDX-License-Identifier: Apache-2.0
// All plugins of a run, in chain order: loaded and opened before the config can be checked, then started, made ready,
// drained and closed. A plugin that guards (authentication, authorisation) must come up, or nothing does.

import Broker
import Config
import PluginAPI

/// Confined to the main thread, which is loop 0's; once started its members do not change, so that others may read them.
final class PluginSet: @unchecked Sendable {
    private struct Member {
        let plugin: LoadedPlugin
        let context: PluginContext
        let entry: PluginEntry
        /// One file may be listed several times: which entry of its name this is.
        let occurrence: Int
        var hooks = isth_hooks()
        var isStarted = false
    }

    private let loader: PluginLoader
    private let log: Log
    private var members: [Member] = []
    /// The names of all that are listed, in the list's order.
    private var listed: [String] = []
    /// The names of plugins that are listed and do not run.
    private(set) var failed: [String] = []

    init(_ options: RunOptions, log: Log) {
        loader = PluginLoader(directories: options.pluginDirectories)
        self.log = log
    }

    /// "PasswordAuth 0.1.0", or "PasswordAuth 0.1.0 (for authentication)" without a list of plugins; in chain order.
    var running: [String] {
        members.filter(\.isStarted).map { member in
            let reason = member.entry.impliedBy.map { " (for \($0))" } ?? ""
            return "\(member.plugin.description.name) \(member.plugin.description.version)\(reason)"
        }
    }

    /// The keys of the whole config that the loaded plugins own.
    var settings: [Setting] {
        get throws(StartError) { try Configuration.settings(of: members.map(\.plugin)) }
    }

    /// By the path of the plugin's file.
    var hooksInUse: [String: [String]] {
        var hooks: [String: [String]] = [:]
        for member in members where member.isStarted {
            hooks[member.plugin.image.path] = HookNames.used(member.hooks)
        }
        return hooks
    }

    // MARK: Load

    /// What the config lists or, without a list, what its keys ask for.
    func entries(of configuration: Configuration) throws(StartError) -> [(entry: PluginEntry, options: Value?)] {
        try configuration.pluginEntries { members.isEmpty ? unlistedOwners() : loadedOwners() }
    }

    func load(_ entries: [(entry: PluginEntry, options: Value?)], loopCount: Int) throws(StartError) {
        loader.prepare(entries.map(\.entry))
        for (entry, options) in entries {
            let occurrence = listed.count { $0 == entry.name }
            listed.append(entry.name)
            do throws(PluginRefusal) {
                let image = try loader.load(entry)
                let empty = Value(.object(Object()), Origin(file: entry.origin))
                let context = PluginContext(name: entry.name, loopCount: loopCount, log: log, options: options ?? empty)
                let plugin = try image.opened(with: context.table)
                members.append(Member(plugin: plugin, context: context, entry: entry, occurrence: occurrence))
            } catch {
                if Self.mayGuard(entry.name) {
                    throw StartError("\(error.sentence); the broker does not start without it")
                }
                log(.error, "\(error.sentence); the broker runs without it")
                failed.append(entry.name)
            }
        }
    }

    /// What a file that cannot be opened would have said of itself is not known: a name that speaks of authentication
    /// or access control is taken at its word.
    private static func mayGuard(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.contains("auth") || name.contains("acl")
    }

    // MARK: Config

    func configure(with configuration: Configuration) throws(StartError) -> (value: Value, warnings: [String]) {
        let result = try configuration.checked(
            members.map(\.plugin),
            toleratesUnknownKeys: !failed.isEmpty,
            owners: unlistedOwners
        )
        for key in ["authentication", "authorization"] where !failed.isEmpty {
            let isOwned = members.contains {
                $0.plugin.description.roots.contains { $0.split(separator: ".").first == key[...] }
            }
            if !isOwned, result.warnings.contains(where: { $0.contains("\"\(key)\"") }) {
                throw StartError(
                    """
                    \(configuration.name): "\(key)" belongs to a plugin that failed (\(failed.joined(separator: ", "))); \
                    the broker does not start without it
                    """
                )
            }
        }
        for member in members {
            member.context.options = try Configuration.checkedOptions(
                member.context.options,
                of: member.plugin,
                at: member.entry.origin
            )
        }
        return result
    }

    /// The keys of plugins that lie in the plugin directories and are not on the list.
    private func unlistedOwners() -> [(key: String, plugin: String)] {
        let loaded = Set(members.map(\.plugin.image.path))
        return loader.libraries().filter { !loaded.contains($0) }.flatMap { path -> [(key: String, plugin: String)] in
            guard let report = try? loader.inspect(path) else { return [] }
            return report.roots.map { (key: $0, plugin: PluginListing.name(of: path)) }
        }
    }

    private func loadedOwners() -> [(key: String, plugin: String)] {
        members.flatMap { member in
            member.plugin.description.roots.map { (key: $0, plugin: member.entry.name) }
        }
    }

    // MARK: Start

    /// Starts every plugin on the checked config; the answer makes each loop's chains.
    func start(_ runtime: Runtime) throws(StartError) -> [HookedPlugin] {
        for i in members.indices {
            let table = members[i].plugin.table.pointee
            members[i].context.begin(runtime)
            members[i].hooks.size = UInt32(MemoryLayout<isth_hooks>.size)
            let answer = table.start.map { $0(table.`self`, &members[i].hooks) } ?? Int32(ISTH_OK)
            if answer == ISTH_OK {
                members[i].isStarted = true
                continue
            }
            let name = members[i].plugin.description.name
            let sentence = "plugin \(name) did not start (\(HostCode.name(answer))); its log lines say why"
            guard !members[i].plugin.description.guards else { throw StartError(sentence) }
            log(.error, "\(sentence); the broker runs without it")
            failed.append(name)
        }
        return hooked
    }

    /// For each loop's chains.
    var hooked: [HookedPlugin] {
        members.filter(\.isStarted).map {
            HookedPlugin(
                name: $0.plugin.description.name,
                hooks: $0.hooks,
                state: $0.plugin.table.pointee.`self`,
                filters: $0.context.hookFilters,
                isSerial: $0.hooks.flags & UInt32(ISTH_F_SERIAL) != 0
            )
        }
    }

    /// On loop 0, before the listeners open and before any other loop runs. A plugin that does not become ready is out:
    /// no hook of it is called any more.
    func ready(_ runtime: Runtime) throws(StartError) {
        for i in members.indices where members[i].isStarted {
            let member = members[i]
            let table = member.plugin.table.pointee
            guard let ready = table.ready else { continue }
            let answer = ready(table.`self`)
            if answer == ISTH_OK { continue }
            let name = member.plugin.description.name
            let sentence = "plugin \(name) did not become ready (\(HostCode.name(answer))); its log lines say why"
            guard !member.plugin.description.guards else { throw StartError(sentence) }
            log(.error, "\(sentence); the broker runs without it")
            failed.append(name)
            members[i].isStarted = false
            runtime.clients[0].closeAll(of: member.context)
            for home in runtime.loops { home.broker.hooks = HookTable(hooked) }
        }
    }

    /// On loop 0: reads the configuration again and hands it to the plugins. What is not in order changes nothing. The
    /// answer names the plugins that keep their old settings.
    func reload(_ configuration: Configuration, _ runtime: Runtime) throws(StartError) -> [String] {
        let entries = try self.entries(of: configuration)
        if entries.map(\.entry.name) != listed {
            log(.warning, "\(configuration.name): the list of plugins has changed; that takes a restart")
        }
        let result = try configuration.checked(members.map(\.plugin), toleratesUnknownKeys: !failed.isEmpty) { [] }
        var options: [Value] = []
        for member in members {
            let ofItsName = entries.filter { $0.entry.name == member.entry.name }
            guard member.occurrence < ofItsName.count else {
                // Its entry is gone, which takes a restart.
                options.append(member.context.options)
                continue
            }
            let (entry, written) = ofItsName[member.occurrence]
            options.append(try Configuration.checkedOptions(written, of: member.plugin, at: entry.origin))
        }
        var unchanged: [String] = []
        for (member, options) in zip(members, options) where member.isStarted {
            let table = member.plugin.table.pointee
            let answer = member.context.reload(options, result.value) {
                table.reload.map { $0(table.`self`) } ?? Int32(ISTH_OK)
            }
            if answer != ISTH_OK {
                let name = member.plugin.description.name
                log(.error, "plugin \(name) keeps its old settings (\(HostCode.name(answer))); its log lines say why")
                unchanged.append("plugin \(name)")
            }
        }
        // Only now: until the plugins were asked, everything else goes by the old one.
        runtime.config = result.value
        return unchanged
    }

    /// On loop 0.
    func drain() {
        for member in members where member.isStarted {
            let table = member.plugin.table.pointee
            table.drain?(table.`self`)
        }
    }

    /// On the loop named: the plugins' outbound connections end, with no callback after this.
    func closeConnections(on loop: Int, _ runtime: Runtime) {
        for member in members { runtime.clients[loop].closeAll(of: member.context) }
    }

    /// When no loop runs any more.
    func close() {
        for member in members.reversed() {
            let table = member.plugin.table.pointee
            table.close?(table.`self`)
        }
        members = []
    }
}
