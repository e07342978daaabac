// SPDX-License-Identifier: Apache-2.0
// The two C functions of the shared library. They are a target of their own, so that tests can link the plugin's code
// beside that of other plugins, which export the same two names.

import ClusterLinkBody
import PluginAPI
import PluginKit

@c @implementation
public func isth_plugin_abi() -> UInt32 { pluginABI }

@c @implementation
public func isth_plugin_open(_ host: UnsafePointer<isth_host>, _ out: UnsafeMutablePointer<isth_plugin>) -> Int32 {
    openPlugin(ClusterLink.self, host, out)
}
