// SPDX-License-Identifier: Apache-2.0
// What a plugin written in Swift is: a class with a name, a version, its settings, and a `start` that fills in the
// hooks it wants. A hook that is left nil costs the broker nothing. The plugin's module exports the two C functions
// itself (see `openPlugin`); nothing is registered behind its back.

import PluginAPI

/// A plugin. Each entry of the config's `plugins` list makes one instance, which lives until `close`.
///
/// Its methods run where `isthmus_plugin.h` says the function of the same name runs. A hook is a C function pointer,
/// so it captures nothing and finds its plugin through `self`. Hooks run on every loop at once: what `reload` or a
/// hook changes needs a lock, or is confined to one loop.
/// ```swift
/// hooks.client_connected = { me, client in MyPlugin.from(me).connected(client.pointee) }
/// ```
public protocol Plugin: AnyObject, Sendable {
    static var name: StaticString { get }
    static var version: StaticString { get }
    /// `.guards` for what the broker must not run without, such as authentication and authorisation.
    static var flags: PluginFlags { get }
    /// Write it as `static let settings: Settings = [...]`, so that there is one table for the process.
    static var settings: Settings { get }

    var host: PluginHost { get }

    /// Called before the config is checked: keep `host`, read no setting yet.
    init(host: PluginHost) throws
    /// The settings are checked: read them, open files, fill in `hooks`.
    func start(hooks: inout isth_hooks) throws
    /// Services are up, listeners are not.
    func ready() throws
    /// The config changed. Throwing says why the old settings stay in force.
    func reload() throws
    func drain()
    /// The last call. Whatever still runs on a thread of the plugin's own must have ended when it returns.
    func close()
}

extension Plugin {
    public static var flags: PluginFlags { [] }
    public static var settings: Settings { [] }
    public func ready() throws {}
    public func reload() throws {}
    public func drain() {}
    public func close() {}

    /// The instance behind the first argument of a hook.
    @inlinable
    public static func from(_ me: UnsafeMutableRawPointer?) -> Self {
        Unmanaged<Self>.fromOpaque(me!).takeUnretainedValue()
    }

    /// Runs `body` on that instance without counting a reference: for hooks on the message path.
    @inlinable
    public static func with<Result>(_ me: UnsafeMutableRawPointer?, _ body: (Self) -> Result) -> Result {
        Unmanaged<Self>.fromOpaque(me!)._withUnsafeGuaranteedRef(body)
    }
}

public struct PluginFlags: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// If this plugin cannot start, the broker must not start.
    public static let guards = PluginFlags(rawValue: UInt32(ISTH_GUARDS))
}

/// Why a plugin cannot start or keeps its old settings: a sentence for the log that names the thing, the place and
/// the next step.
public struct PluginError: Error, CustomStringConvertible {
    public let description: String
    public init(_ sentence: String) { description = sentence }
}
