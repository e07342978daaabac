// SPDX-License-Identifier: Apache-2.0
// The rule of versions between host and plugin: the same major number, and a host that is at least as new.

import PluginAPI

enum PluginABI {
    static let host: UInt32 = UInt32(ISTH_ABI_MAJOR) << 16 | UInt32(ISTH_ABI_MINOR)

    static func major(_ abi: UInt32) -> UInt32 { abi >> 16 }

    static func minor(_ abi: UInt32) -> UInt32 { abi & 0xFFFF }

    static func text(_ abi: UInt32) -> String { "\(major(abi)).\(minor(abi))" }

    static func check(_ plugin: UInt32) throws(PluginProblem) {
        if major(plugin) != major(host) || minor(plugin) > minor(host) { throw .abi(plugin: plugin) }
    }
}
