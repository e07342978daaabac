// SPDX-License-Identifier: Apache-2.0
// The dynamic linker's part of loading: the library into the process, and its two functions out of it. Never undone:
// unloading a Swift library crashes the next protocol cast of the process, and the flags make sure it cannot happen.

import Glibc
import PluginAPI

struct PluginFunctions {
    typealias ABI = @convention(c) () -> UInt32
    typealias Open = @convention(c) (UnsafePointer<isth_host>, UnsafeMutablePointer<isth_plugin>) -> Int32

    let handle: UnsafeMutableRawPointer
    let abi: ABI
    let open: Open

    init(loading path: String) throws(LinkerFailure) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
            let abi = dlsym(handle, PluginExport.abi), let open = dlsym(handle, PluginExport.open)
        else { throw LinkerFailure(text: dlerror().map { String(cString: $0) } ?? "no reason given") }
        self.handle = handle
        self.abi = unsafeBitCast(abi, to: ABI.self)
        self.open = unsafeBitCast(open, to: Open.self)
    }
}

/// dlerror(), before anybody made sense of it.
struct LinkerFailure: Error {
    let text: String
}
