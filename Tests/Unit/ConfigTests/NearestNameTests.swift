// SPDX-License-Identifier: Apache-2.0
// Which known name a mistyped one is taken for.

import Config
import Testing

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("lisners", "listeners"), ("Listeners", "listeners"), ("listenres", "listeners"), ("mqt", "mqtt"),
        ("libFielACL.so", "libFileACL.so"),
    ])
    func slipsAreFound(_ name: String, _ meant: String) {
        #expect(NearestName.find(name, among: ["mqtt", "listeners", "libFileACL.so", "log"]) == meant)
    }

    @Test(arguments: ["", "x", "somethingElse", String(repeating: "listeners", count: 9)])
    func otherNamesAreNot(_ name: String) {
        #expect(NearestName.find(name, among: ["mqtt", "listeners"]) == nil)
    }
}
