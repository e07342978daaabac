// SPDX-License-Identifier: Apache-2.0
// Paths and the distance between names; the directory itself is looked at in the loader's tests.

import Testing

@testable import Host

@Suite struct PluginDirectoryTests {
    @Test(arguments: [
        ("", "", 0), ("abc", "", 3), ("", "abc", 3), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "xabc", 1),
        ("kitten", "sitting", 3), ("FileACL", "FielACL", 2),
    ])
    func distances(_ a: String, _ b: String, _ distance: Int) {
        #expect(editDistance(a, b) == distance)
        #expect(editDistance(b, a) == distance)
    }

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
