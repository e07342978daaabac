// SPDX-License-Identifier: Apache-2.0
// Files that are refused before anything of them runs: each with the sentence the operator reads.

import Glibc
import Testing

@testable import Host

@Suite struct RefusedFileTests {
    let workshop: Workshop

    init() throws { workshop = try Workshop() }

    private static let build = "build it with `cc -shared -fPIC` or `swift build`"
    private static let ours = Machine.name(Machine.ours)

    // MARK: - No such plugin

    private func sentence(_ entry: PluginEntry) -> String? {
        do throws(PluginRefusal) {
            _ = try workshop.loader.load(entry)
            return nil
        } catch {
            return error.sentence
        }
    }

    @Test func aSlipInTheNameIsAnsweredWithTheNearestName() throws {
        try workshop.write([], to: "libFileACL.so")
        #expect(
            sentence(workshop.entry("FileAcl"))
                == "plugin FileAcl: libFileAcl.so was not found in \(workshop.directory); "
                + "did you mean libFileACL.so? (named at etc/isthmus.conf:3:5)"
        )
    }

    @Test func anotherNameIsAnsweredWithWhatThereIs() throws {
        try workshop.write([], to: "libFileACL.so")
        try workshop.write([], to: "libBridge.so")
        #expect(
            sentence(workshop.entry("PasswordAuth"))
                == "plugin PasswordAuth: libPasswordAuth.so was not found in \(workshop.directory); "
                + "there are libBridge.so, libFileACL.so (named at etc/isthmus.conf:3:5)"
        )
    }

    @Test func anEmptyDirectoryIsSaidToBeEmpty() {
        #expect(
            sentence(workshop.entry("FileACL"))
                == "plugin FileACL: libFileACL.so was not found in \(workshop.directory), where there are no plugins "
                + "at all; set --plugin-dir (named at etc/isthmus.conf:3:5)"
        )
    }

    @Test func aMissingPathIsAnsweredWithTheNearestName() throws {
        try workshop.write([], to: "libMine.so")
        let path = workshop.path("libMin.so")
        #expect(
            sentence(workshop.entry("Mine", path: path))
                == "plugin Mine: \(path) does not exist; did you mean libMine.so? (named at etc/isthmus.conf:3:5)"
        )
    }

    @Test func aNameThatIsAPathIsNotLookedFor() {
        #expect(
            sentence(workshop.entry("../x"))
                == "plugin ../x: lib../x.so is not looked for: a plugin's name has letters, digits, '-' and '_' only; "
                + "name the file with `path` (named at etc/isthmus.conf:3:5)"
        )
    }

    // MARK: - The file itself

    @Test func onlyRegularFiles() throws {
        try #require(mkdir(workshop.path("libDirectory.so"), 0o755) == 0)
        try #require(mkfifo(workshop.path("libPipe.so"), 0o644) == 0)
        #expect(workshop.refusal("Directory") == "is a directory, not a regular file")
        #expect(workshop.refusal("Pipe") == "is a pipe, not a regular file")
    }

    @Test func aWorldWritableFileAlsoThroughALink() throws {
        try workshop.compile(Source.plain, to: "libOpen.so")
        try #require(chmod(workshop.path("libOpen.so"), 0o777) == 0)
        try #require(symlink("libOpen.so", workshop.path("libLink.so")) == 0)
        let expected = "may be changed by every user of this machine; take that right away with `chmod o-w`"
        #expect(workshop.refusal("Open") == expected)
        #expect(workshop.refusal("Link") == expected)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func aFileOfAnotherUser() throws {
        try workshop.write([1], to: "libTheirs.so")
        try #require(chown(workshop.path("libTheirs.so"), 12_345, 12_345) == 0)
        #expect(
            workshop.refusal("Theirs")
                == "belongs to user 12345, who could change what the broker runs; make root or the broker's user its "
                + "owner"
        )
    }

    @Test func aLinkThatLeadsNowhere() throws {
        try #require(symlink("nothing", workshop.path("libLink.so")) == 0)
        #expect(workshop.refusal("Link")?.contains("libLink.so was not found in") == true)
    }

    // MARK: - Not a shared library

    @Test(arguments: [
        ("#!/bin/sh\necho hello\n", "is a text file, not a shared library; \(build)"),
        ("", "is empty; \(build)"),
        ("!<arch>\nx", "is a static archive, not a shared library for Linux; \(build)"),
        ("MZ\u{0}\u{0}", "is a Windows library, not a shared library for Linux; \(build)"),
        ("\u{1}\u{2}\u{3}\u{4}\u{5}", "is not a shared library (it begins with the bytes 01 02 03 04); \(build)"),
        ("\u{7F}ELF", "is cut short (it ends inside the ELF header); copy it again or rebuild it"),
        ("\u{7F}E", "is cut short (it ends inside the ELF header); copy it again or rebuild it"),
    ])
    func somethingElse(_ contents: String, _ sentence: String) throws {
        try workshop.write(Array(contents.utf8), to: "libOther.so")
        #expect(workshop.refusal("Other") == sentence)
    }

    @Test func programsAndObjectFiles() throws {
        let program = Source.plain + "int main(void) { return 0; }"
        try workshop.compile(program, to: "libPIE.so", ["-pie", "-fPIE", "-rdynamic"])
        try workshop.compile(program, to: "libProgram.so", ["-no-pie", "-rdynamic"])
        try workshop.compile(Source.plain, to: "libObject.so", ["-c"])
        #expect(workshop.refusal("PIE") == "is an executable program, not a shared library; \(Self.build)")
        #expect(workshop.refusal("Program") == "is an executable program, not a shared library; \(Self.build)")
        #expect(workshop.refusal("Object") == "is an object file, not a shared library; link it with `cc -shared`")
    }

    @Test func librariesForOtherMachines() throws {
        try workshop.compile(Source.plain, to: "libGood.so")
        let good = try workshop.read("libGood.so")
        func refusal(_ name: String, _ patch: (inout [UInt8]) -> Void) throws -> String? {
            var bytes = good
            patch(&bytes)
            try workshop.write(bytes, to: "lib\(name).so")
            return workshop.refusal(name)
        }
        let mend = "but this host is 64-bit \(Self.ours); rebuild it for \(Self.ours)"
        let small = try refusal("Small") {
            $0[4] = 1
            $0[18] = 3
        }
        #expect(small == "is a 32-bit x86 library, \(mend)")
        let big = try refusal("Big") { $0[5] = 2 }
        #expect(
            big == "is big-endian, but this host is little-endian \(Self.ours); rebuild it for this machine"
        )
        let foreign = try refusal("Foreign") { $0[18] = 243 }
        #expect(foreign == "is built for RISC-V, but this host is \(Self.ours); rebuild it for \(Self.ours)")
    }

    // MARK: - Not a plugin

    @Test func missingExports() throws {
        try workshop.compile(Source.plainOpen, to: "libNoStamp.so")
        try workshop.compile(Source.stamp, to: "libNoOpen.so")
        try workshop.compile("int x;", to: "libNeither.so")
        try workshop.write(Array("{ local: *; };".utf8), to: "hide.map")
        let hide = "-Wl,--version-script=" + workshop.path("hide.map")
        try workshop.compile(Source.plain, to: "libHidden.so", ["-shared", "-fPIC", hide])
        #expect(
            workshop.refusal("NoStamp")
                == "does not export isth_plugin_abi; write ISTH_PLUGIN_STAMP in one of its source files"
        )
        #expect(
            workshop.refusal("NoOpen")
                == "does not export isth_plugin_open; define it as isthmus_plugin.h declares it, and keep it visible "
                + "to the linker"
        )
        let neither =
            "is a shared library, but not an Isthmus plugin: it exports neither isth_plugin_abi nor isth_plugin_open; "
            + "see isthmus_plugin.h"
        #expect(workshop.refusal("Neither") == neither)
        #expect(workshop.refusal("Hidden") == neither)
    }

    @Test func anExportThatIsNoFunction() throws {
        try workshop.compile("int data = 3; extern int isth_x __attribute__((alias(\"data\")));", to: "libData.so")
        let image = try workshop.read("libData.so")
        #expect(throws: ELFProblem.exportIsNotFunction("isth_x")) {
            try image.withUnsafeBytes { _ = try ELFImage($0, exports: ["isth_x"]) }
        }
    }
}
