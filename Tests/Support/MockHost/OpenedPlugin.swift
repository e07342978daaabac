// SPDX-License-Identifier: Apache-2.0
// A plugin's shared library, opened as a host opens it: dlopen, the ABI, the table, its hooks. The libraries lie
// beside the test executable, where the build puts them.

import Glibc
import PluginAPI
import PluginKit

public final class OpenedPlugin {
    public let host: MockHost
    public let table: UnsafeMutablePointer<isth_plugin>
    public let hooks: UnsafeMutablePointer<isth_hooks>
    public let abi: UInt32
    /// What `open` returned.
    public let opened: Int32

    public struct Unavailable: Error, CustomStringConvertible {
        public let description: String
    }

    /// `library` is a name such as `FileACL`, or the path of a file.
    public init(_ library: String, _ host: MockHost) throws {
        let path = library.contains("/") ? library : try Self.buildDirectory() + "/lib\(library).so"
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
            let abi = dlsym(handle, "isth_plugin_abi"), let open = dlsym(handle, "isth_plugin_open")
        else { throw Unavailable(description: dlerror().map { String(cString: $0) } ?? "no such symbol in \(path)") }
        typealias ABI = @convention(c) () -> UInt32
        typealias Open = @convention(c) (UnsafePointer<isth_host>, UnsafeMutablePointer<isth_plugin>) -> Int32
        self.host = host
        table = .allocate(capacity: 1)
        table.initialize(to: isth_plugin())
        hooks = .allocate(capacity: 1)
        hooks.initialize(to: isth_hooks())
        self.abi = unsafeBitCast(abi, to: ABI.self)()
        opened = unsafeBitCast(open, to: Open.self)(host.table, table)
    }

    deinit {
        if opened == ISTH_OK { table.pointee.close?(table.pointee.`self`) }
        table.deallocate()
        hooks.deallocate()
    }

    public var me: UnsafeMutableRawPointer? { table.pointee.`self` }

    public func start() -> Int32 { table.pointee.start?(me, hooks) ?? Int32(ISTH_OK) }

    public func reload() -> Int32 { table.pointee.reload?(me) ?? Int32(ISTH_E_UNSUPPORTED) }

    /// Paths of the declared settings with their types.
    public var settings: [String: String] {
        var result: [String: String] = [:]
        for index in 0..<Int(table.pointee.setting_count) {
            guard let setting = table.pointee.settings?[index], let path = setting.path, let type = setting.type else {
                continue
            }
            result[String(cString: path)] = String(cString: type)
        }
        return result
    }

    private static func buildDirectory() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else {
            throw Unavailable(description: "the directory of the test executable is not known")
        }
        return String(decoding: path[..<slash], as: UTF8.self)
    }
}
