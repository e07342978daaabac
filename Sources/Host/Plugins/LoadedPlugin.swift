// SPDX-License-Identifier: Apache-2.0
// A plugin in this process: first its image (the code is mapped, nothing of it has been called but its ABI), then the
// opened plugin (its table is filled in and checked). What is done with the table afterwards is not decided here.

import PluginAPI

/// Mapped for ever. Immutable, and the linker's handle is only read: it may be used from any thread.
final class PluginImage: @unchecked Sendable {
    /// The config's name of it.
    let name: String
    let path: String
    let abi: UInt32
    let handle: UnsafeMutableRawPointer
    let open: PluginFunctions.Open
    /// Found by its name, so that it must also call itself so; a file given by `path` may be called anything.
    let mustBeCalledByName: Bool

    init(_ functions: PluginFunctions, abi: UInt32, path: String, entry: PluginEntry) {
        name = entry.name
        self.path = path
        self.abi = abi
        handle = functions.handle
        open = functions.open
        mustBeCalledByName = entry.path == nil
    }

    /// Opens the plugin. `host` stays valid until the plugin is closed. Nothing of a table that fails its check is
    /// called, not even `close`.
    func opened(with host: UnsafePointer<isth_host>) throws(PluginRefusal) -> LoadedPlugin {
        let table = UnsafeMutablePointer<isth_plugin>.allocate(capacity: 1)
        table.initialize(to: isth_plugin())
        do throws(PluginProblem) {
            let answer = open(host, table)
            if answer != ISTH_OK { throw .openFailed(code: answer) }
            let description = try PluginDescription(table.pointee, abi: abi)
            if mustBeCalledByName && description.name != name { throw .otherName(description.name) }
            return LoadedPlugin(image: self, table: table, description: description)
        } catch {
            table.deallocate()
            throw PluginRefusal(name: name, file: path, problem: error)
        }
    }
}

final class LoadedPlugin: @unchecked Sendable {
    let image: PluginImage
    let description: PluginDescription
    /// The host's struct, filled in by the plugin: its address stays the same until this object goes.
    let table: UnsafePointer<isth_plugin>

    fileprivate init(image: PluginImage, table: UnsafeMutablePointer<isth_plugin>, description: PluginDescription) {
        self.image = image
        self.table = UnsafePointer(table)
        self.description = description
    }

    deinit { table.deallocate() }
}
