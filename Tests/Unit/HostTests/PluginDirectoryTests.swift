// SPDX-License-Identifier: Apache-2.0
// Paths; the directory itself is looked at in the loader's tests.

import Testing

@testable import Host

@Suite struct PluginDirectoryTests {
    @Test func paths() {
        #expect(PluginDirectory("plugins").path(of: "a.so") == "plugins/a.so")
        #expect(PluginDirectory("plugins/").path(of: "a.so") == "plugins/a.so")
        #expect(PluginDirectory(containing: "/a/b.so").path == "/a")
        #expect(PluginDirectory(containing: "/b.so").path == "/")
        #expect(PluginDirectory(containing: "b.so").path == ".")
        #expect(PluginListing.name(of: "/x/libFileACL.so") == "FileACL")
        #expect(PluginListing.name(of: "mine.so") == "mine")
    }
}
