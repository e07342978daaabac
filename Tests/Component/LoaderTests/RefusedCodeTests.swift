// SPDX-License-Identifier: Apache-2.0
// Plugins that look right and fail when their code is linked or run: in the trial process, or at the table they fill.

import Glibc
import PluginAPI
import Testing

@testable import Host

@Suite struct RefusedCodeTests {
    let workshop: Workshop

    init() throws { workshop = try Workshop() }

    private static let debug = "; to debug it, run `isthmus plugin-probe --fd 0` with the file as standard input"

    // MARK: - Linking

    @Test func anUndefinedSymbol() throws {
        try workshop.compile(Source.plain + "void nowhere(void); void f(void) { nowhere(); }", to: "libLost.so")
        try workshop.compile(Source.plain + "void isth_log(void); void f(void) { isth_log(); }", to: "libHostly.so")
        #expect(
            workshop.refusal("Lost")
                == "uses nowhere, which neither it nor the libraries it is linked with define; "
                + "link it with the library that does"
        )
        #expect(
            workshop.refusal("Hostly")
                == "wants to link isth_log from the host, which exports nothing; call it through the isth_host table"
        )
    }

    @Test func aMissingLibrary() throws {
        try workshop.compile("void helper(void) {}", to: "libhelper-of-isthmus-tests.so")
        let link = ["-shared", "-fPIC", "-L", workshop.directory, "-lhelper-of-isthmus-tests"]
        try workshop.compile(
            Source.plain + "void helper(void); void f(void) { helper(); }",
            to: "libNeedy.so",
            link
        )
        let needs = "needs libhelper-of-isthmus-tests.so, which is not "
        #expect(
            workshop.refusal("Needy")
                == needs + "on the library path; the copy beside the plugin is not looked at: add its directory to "
                + "LD_LIBRARY_PATH or to /etc/ld.so.conf"
        )
        unlink(workshop.path("libhelper-of-isthmus-tests.so"))
        #expect(
            workshop.refusal("Needy") == needs + "installed; install it, or add its directory to LD_LIBRARY_PATH"
        )
    }

    // MARK: - The trial

    @Test func aCrashingConstructor() throws {
        let crash = "__attribute__((constructor)) static void c(void) { *(volatile int *)0 = 1; }"
        try workshop.compile(Source.plain + crash, to: "libCrash.so")
        #expect(workshop.refusal("Crash") == "crashed with SIGSEGV while it was loaded" + Self.debug)
    }

    @Test func whatItSaidLastIsQuoted() throws {
        let abort = """
            #include <stdio.h>
            #include <stdlib.h>
            __attribute__((constructor)) static void c(void) { puts("end=1"); fflush(stdout); abort(); }
            """
        try workshop.compile(Source.plain + abort, to: "libAbort.so")
        #expect(
            workshop.refusal("Abort") == "crashed with SIGABRT while it was loaded (it said: end=1)" + Self.debug
        )
    }

    @Test func aConstructorThatLeaves() throws {
        let leave = "#include <stdlib.h>\n__attribute__((constructor)) static void c(void) { exit(3); }"
        try workshop.compile(Source.plain + leave, to: "libLeave.so")
        #expect(workshop.refusal("Leave") == "ended the process with status 3 while it was loaded" + Self.debug)
    }

    @Test func aCrashInTheABIFunction() throws {
        let source = "uint32_t isth_plugin_abi(void) { __builtin_trap(); }\n" + Source.plainOpen
        try workshop.compile(source, to: "libTrap.so")
        let sentence = try #require(workshop.refusal("Trap"))
        #expect(sentence.hasPrefix("crashed with SIG"))
        #expect(sentence.hasSuffix(" in isth_plugin_abi" + Self.debug))
    }

    @Test func onePluginThatHangs() throws {
        let workshop = try Workshop(timeoutMilliseconds: 300)
        let hang = "#include <unistd.h>\n__attribute__((constructor)) static void c(void) { for (;;) pause(); }"
        try workshop.compile(Source.plain + hang, to: "libHang.so")
        #expect(workshop.refusal("Hang") == "did not come back for 300 ms while it was loaded" + Self.debug)
    }

    @Test func aCrashInOpenIsFoundByInspecting() throws {
        let open = "int32_t isth_plugin_open(const isth_host *h, isth_plugin *o) { *(volatile int *)0 = 1; return 0; }"
        try workshop.compile(Source.stamp + open, to: "libOpens.so")
        let problem = #expect(throws: PluginProblem.self) {
            try workshop.loader.inspect(workshop.path("libOpens.so"))
        }
        #expect(
            problem?.predicate
                == "crashed with SIGSEGV in isth_plugin_open; to debug it, run `isthmus plugin-probe --fd 0 --open` "
                + "with the file as standard input"
        )
    }

    @Test func noTrialProcess() throws {
        try workshop.compile(Source.plain, to: "libGood.so")
        let loader = PluginLoader(directories: [workshop.directory], probe: PluginProbe(executable: "/nowhere/isthmus"))
        let refusal = #expect(throws: PluginRefusal.self) { try loader.load(workshop.entry("Good")) }
        #expect(
            refusal?.problem.predicate
                == "was not tried out: no trial process could be started "
                + "(/nowhere/isthmus: No such file or directory)"
        )
    }

    // MARK: - Versions

    @Test func anotherABI() throws {
        func source(_ abi: String) -> String {
            "uint32_t isth_plugin_abi(void) { return \(abi); }\n" + Source.plainOpen
        }
        try workshop.compile(source("2u << 16 | 1"), to: "libMajor.so")
        try workshop.compile(source("1u << 16 | 77"), to: "libMinor.so")
        #expect(
            workshop.refusal("Major")
                == "was compiled for plugin ABI 2.1, this host has 1.0; rebuild it with this host's isthmus_plugin.h"
        )
        #expect(
            workshop.refusal("Minor")
                == "was compiled for plugin ABI 1.77, this host has 1.0; "
                + "rebuild it with this host's isthmus_plugin.h, or update the host"
        )
    }

    // MARK: - Opening

    /// Why the loaded plugin's table is refused.
    private func openRefusal(_ name: String, _ source: String) throws -> String? {
        try workshop.compile(source, to: "lib\(name).so")
        let image = try workshop.loader.load(workshop.entry(name))
        let refusal = #expect(throws: PluginRefusal.self) {
            _ = try image.opened(with: InertHost.table(reportTo: 2))
        }
        return refusal?.problem.predicate
    }

    @Test func anOpenThatFails() throws {
        let source = Source.stamp + "int32_t isth_plugin_open(const isth_host *h, isth_plugin *o) { return -6; }"
        #expect(
            try openRefusal("Fails", source)
                == "refused to open: isth_plugin_open answered ISTH_E_STATE; its log lines say why"
        )
    }

    @Test(arguments: [
        ("out->size = 8;", "its size is 8 instead of \(MemoryLayout<isth_plugin>.size)"),
        ("out->abi = 5;", "its abi is 0.5, but the file says 1.0"),
        ("out->name = 0;", "its name is NULL"),
        ("out->name = \"a b\";", "its name \"a b\" has more than letters, digits, '-' and '_'"),
        ("out->version = \"\";", "its version is empty"),
        ("out->version = \"\\xff\";", "its version is not UTF-8"),
        ("out->settings = 0;", "it counts 2 settings, but `settings` is NULL"),
        ("out->setting_count = 5000;", "it has 5000 settings"),
        (
            "static isth_setting s; out->settings = &s;",
            "the size of its setting 0 is 0 instead of \(MemoryLayout<isth_setting>.size)"
        ),
        (
            "static isth_setting s = {sizeof s, 0, \"a..b\", \"int\"}; out->settings = &s;",
            "the path \"a..b\" of its setting 0 is not a config path"
        ),
        (
            "static isth_setting s = {sizeof s, 0, \"a.b\", \"number\"}; out->settings = &s;",
            "the type \"number\" of a.b is not known"
        ),
        (
            "static isth_setting s = {sizeof s, 64, \"a.b\", \"int\"}; out->settings = &s;",
            "a.b has the unknown flags 64"
        ),
        (
            "static isth_setting s[2]; s[0] = s[1] = settings[0]; out->settings = s;",
            "it has the setting authorization.no_match twice"
        ),
    ])
    func aTableThatIsWrong(_ change: String, _ what: String) throws {
        #expect(
            try openRefusal("Wrong", Source.plugin("Wrong", more: change))
                == "describes itself wrongly: \(what); see isth_plugin in isthmus_plugin.h"
        )
    }

    @Test func anotherPluginUnderThisName() throws {
        #expect(
            try openRefusal("Mine", Source.plugin("Other"))
                == "calls itself Other; name that plugin in the config, or give this file's `path`"
        )
        let image = try workshop.loader.load(workshop.entry("Mine", path: workshop.path("libMine.so")))
        #expect(try image.opened(with: InertHost.table(reportTo: 2)).description.name == "Other")
    }
}
