// SPDX-License-Identifier: Apache-2.0
// Plugins that load: what is known of them then, and that nothing done to their files afterwards reaches them.

import CLinux
import Glibc
import PluginAPI
import Testing

@testable import Host

@Suite struct LoadingTests {
    let workshop: Workshop

    init() throws { workshop = try Workshop() }

    @Test(arguments: ["gnu", "sysv", "both"])
    func everyKindOfHashTable(_ style: String) throws {
        try workshop.compile(
            Source.plugin("Good"),
            to: "libGood.so",
            ["-shared", "-fPIC", "-Wl,--hash-style=\(style)"]
        )
        let image = try workshop.loader.load(workshop.entry("Good"))
        #expect(image.abi == PluginABI.host)
        #expect(image.path == workshop.path("libGood.so"))
        let plugin = try image.opened(with: InertHost.table(reportTo: 2))
        #expect(plugin.description.name == "Good")
        #expect(plugin.description.version == "1.2.3")
        #expect(plugin.description.guards)
        #expect(plugin.description.roots == ["authorization"])
        #expect(
            plugin.description.settings == [
                PluginSetting(
                    path: "authorization.no_match",
                    type: "enum(allow,deny)",
                    fallback: "allow",
                    doc: "What then.",
                    isSecret: false,
                    isReloadable: false
                ),
                PluginSetting(
                    path: "config.key",
                    type: "string?",
                    fallback: nil,
                    doc: "A key.",
                    isSecret: true,
                    isReloadable: false
                ),
            ]
        )
        #expect(plugin.table.pointee.start != nil)
    }

    /// Each constructor waits for the other one's file: one after the other, neither trial would come to an end.
    @Test func trialsAreUnderWaySideBySide() throws {
        func source(_ own: String, _ other: String) -> String {
            Source.plain + """
                #include <fcntl.h>
                #include <unistd.h>
                __attribute__((constructor)) static void meet(void) {
                  close(open("\(workshop.path(own))", O_CREAT | O_WRONLY, 0600));
                  while (access("\(workshop.path(other))", F_OK) != 0) usleep(1000);
                }
                """
        }
        try workshop.compile(source("left", "right"), to: "libLeft.so")
        try workshop.compile(source("right", "left"), to: "libRight.so")
        workshop.loader.prepare([workshop.entry("Left"), workshop.entry("Absent"), workshop.entry("Right")])
        #expect(workshop.refusal("Left") == nil)
        #expect(workshop.refusal("Right") == nil)
    }

    @Test func aFileChangedSinceItsTrialBeganIsTriedAnew() throws {
        try workshop.compile(Source.plain, to: "libGood.so")
        workshop.loader.prepare([workshop.entry("Good")])
        let crash = "__attribute__((constructor)) static void c(void) { *(volatile int *)0 = 1; }"
        try workshop.compile(Source.plain + crash, to: "libGood.so")
        #expect(workshop.refusal("Good")?.hasPrefix("crashed with SIGSEGV") == true)
    }

    @Test func throughASymbolicLinkAndAPath() throws {
        try workshop.compile(Source.plugin("Good"), to: "libGood.so")
        try #require(symlink("libGood.so", workshop.path("libLink.so")) == 0)
        #expect(workshop.refusal("Link") == nil)
        let byPath = try workshop.loader.load(workshop.entry("Any", path: workshop.path("libGood.so")))
        #expect(byPath.name == "Any")
    }

    @Test func oneFileIsOneImageAndANewFileIsANewOne() throws {
        func source(_ version: String) -> String { Source.plugin("Good", more: "out->version = \"\(version)\";") }
        try workshop.compile(source("1"), to: "libGood.so")
        let path = workshop.path("libGood.so")
        let first = try workshop.loader.load(workshop.entry("Good"))
        #expect(try workshop.loader.load(workshop.entry("Again", path: path)).handle == first.handle)

        try workshop.compile(source("2"), to: "new")
        try #require(rename(workshop.path("new"), path) == 0)
        let second = try workshop.loader.load(workshop.entry("Good"))
        #expect(second.handle != first.handle)
        #expect(try first.opened(with: InertHost.table(reportTo: 2)).description.version == "1")
        #expect(try second.opened(with: InertHost.table(reportTo: 2)).description.version == "2")
    }

    @Test func overwritingTheFileDoesNotReachLoadedCode() throws {
        try workshop.compile(Source.plugin("Good"), to: "libGood.so")
        let image = try workshop.loader.load(workshop.entry("Good"))
        try workshop.write([0], to: "libGood.so")
        #expect(try image.opened(with: InertHost.table(reportTo: 2)).description.version == "1.2.3")
    }

    @Test func aSealedCopyCannotBeChanged() throws {
        try workshop.write([1, 2, 3], to: "libBytes.so")
        let copy = try SealedCopy(of: PluginFile(opening: workshop.path("libBytes.so")), name: "bytes")
        #expect(copy.count == 3)
        #expect(fcntl(copy.descriptor, Int32(LINUX_F_GET_SEALS)) == 15)
        var byte: UInt8 = 9
        #expect(pwrite(copy.descriptor, &byte, 1, 0) == -1)
        #expect(ftruncate(copy.descriptor, 0) == -1)
    }

    // MARK: - Inspecting

    @Test func inspectingTellsEverythingWithoutLoading() throws {
        let start = """
            host->provide(host->ctx, "http/1", settings);
            hooks->size = sizeof *hooks; hooks->client_authorize = authorize; return ISTH_OK;
            """
        let before = """
            static const isth_host *host;
            static isth_result authorize(void *s, const isth_client *c, isth_id t, int32_t a, isth_str o, uint8_t q, uint8_t r)
            { return ISTH_NEXT; }

            """
        let source = Source.plugin("Full", start: start, more: "keep(host);")
            .replacing("static int32_t start", with: "static const isth_setting settings[2];\nstatic int32_t start")
            .replacing(
                "int32_t isth_plugin_open(const",
                with: "static void keep(const isth_host *h) { host = h; }\nint32_t isth_plugin_open(const"
            )
        try workshop.compile(before + source, to: "libFull.so")
        let report = try workshop.loader.inspect(workshop.path("libFull.so"))
        #expect(report.ending == .finished)
        #expect(report.name == "Full")
        #expect(report.version == "1.2.3")
        #expect(report.abi == PluginABI.host)
        #expect(report.guards)
        #expect(report.roots == ["authorization"])
        #expect(report.startResult == 0)
        #expect(report.hooks == ["client_authorize"])
        #expect(report.services == ["http/1"])
        let text = PluginListing.text(report, path: "plugins/libFull.so")
        #expect(
            text == """
                Full 1.2.3  (ABI 1.0)  plugins/libFull.so
                    hooks: client_authorize (without a configuration; with one there may be more)
                    config roots: authorization
                    services: http/1
                    guards: the broker does not start without it
                """
        )
    }

    @Test(arguments: ["return ISTH_E_NOT_FOUND;", "__builtin_trap();"])
    func aStartThatNeedsItsConfigurationIsNoRefusal(_ start: String) throws {
        try workshop.compile(Source.plugin("Needy", start: start), to: "libNeedy.so")
        let report = try workshop.loader.inspect(workshop.path("libNeedy.so"))
        #expect(report.name == "Needy")
        #expect(report.hooks.isEmpty)
        #expect(
            PluginListing.text(report, path: "x").contains(
                "hooks: known after start only, as it needs its configuration"
            )
        )
    }

    @Test func inspectingRefusesWhatOpeningWould() throws {
        try workshop.compile(Source.plugin("Bad", more: "out->name = 0;"), to: "libBad.so")
        let problem = #expect(throws: PluginProblem.self) {
            try workshop.loader.inspect(workshop.path("libBad.so"))
        }
        #expect(problem?.predicate == PluginProblem.badTable("its name is NULL").predicate)
    }
}
