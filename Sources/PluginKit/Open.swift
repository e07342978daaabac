// SPDX-License-Identifier: Apache-2.0
// From the C table to the Swift class: `openPlugin` makes the instance and fills in the five functions of its life.
// An error thrown by any of them is logged with its sentence and answered with ISTH_ERROR.

import PluginAPI

/// The body of a plugin's `isth_plugin_open`. All the boilerplate of a plugin is, in its own module,
/// ```swift
/// @c @implementation
/// public func isth_plugin_abi() -> UInt32 { pluginABI }
///
/// @c @implementation
/// public func isth_plugin_open(_ host: UnsafePointer<isth_host>, _ out: UnsafeMutablePointer<isth_plugin>) -> Int32 {
///     openPlugin(MyPlugin.self, host, out)
/// }
/// ```
public func openPlugin<P: Plugin>(
    _ type: P.Type,
    _ table: UnsafePointer<isth_host>,
    _ out: UnsafeMutablePointer<isth_plugin>
) -> Int32 {
    let host = PluginHost(table)
    return reporting(to: host) {
        let plugin = try P(host: host)
        let settings = P.settings
        out.pointee = isth_plugin()
        out.pointee.size = UInt32(MemoryLayout<isth_plugin>.size)
        out.pointee.abi = pluginABI
        out.pointee.name = P.name.cString
        out.pointee.version = P.version.cString
        out.pointee.flags = P.flags.rawValue
        out.pointee.settings = settings.table
        out.pointee.setting_count = UInt32(settings.count)
        out.pointee.start = startPlugin
        out.pointee.ready = { life($0) { try $0.ready() } }
        out.pointee.reload = { life($0) { try $0.reload() } }
        out.pointee.drain = { _ = life($0) { $0.drain() } }
        out.pointee.close = closePlugin
        out.pointee.`self` = Unmanaged<AnyObject>.passRetained(plugin).toOpaque()
    }
}

/// The ABI this plugin is compiled for.
public let pluginABI: UInt32 = ISTH_ABI_MAJOR << 16 | ISTH_ABI_MINOR

private func startPlugin(_ me: UnsafeMutableRawPointer?, _ hooks: UnsafeMutablePointer<isth_hooks>) -> Int32 {
    life(me) {
        hooks.pointee.size = UInt32(MemoryLayout<isth_hooks>.size)
        try $0.start(hooks: &hooks.pointee)
    }
}

private func closePlugin(_ me: UnsafeMutableRawPointer?) {
    _ = life(me) { $0.close() }
    if let me { Unmanaged<AnyObject>.fromOpaque(me).release() }
}

/// C functions cannot be generic, so these five cast once; hooks never do.
private func life(_ me: UnsafeMutableRawPointer?, _ body: (any Plugin) throws -> Void) -> Int32 {
    guard let me, let plugin = Unmanaged<AnyObject>.fromOpaque(me).takeUnretainedValue() as? any Plugin else {
        return Int32(ISTH_ERROR)
    }
    return reporting(to: plugin.host) { try body(plugin) }
}

private func reporting(to host: PluginHost, _ body: () throws -> Void) -> Int32 {
    do {
        try body()
        return Int32(ISTH_OK)
    } catch {
        host.log(.error, "\(error)")
        return Int32(ISTH_ERROR)
    }
}
