// SPDX-License-Identifier: Apache-2.0
// The dynamic linker's words and what they mean.

import Testing

@testable import Host

@Suite struct LinkProblemTests {
    private func problem(_ text: String, needed: [String] = [], beside: [String] = []) -> LinkProblem {
        LinkProblem(dlerror: text, needed: needed) { beside.contains($0) }
    }

    @Test func undefinedSymbols() {
        #expect(problem("/proc/self/fd/3: undefined symbol: foo") == .undefinedSymbol("foo"))
        #expect(
            problem("/usr/lib/libx.so: undefined symbol: bar, version X_1") == .undefinedSymbol("bar")
        )
    }

    @Test func missingLibraries() {
        let text = "libfoo.so.1: cannot open shared object file: No such file or directory"
        #expect(
            problem(text, needed: ["libfoo.so.1"]) == .missingLibrary("libfoo.so.1", direct: true, besidePlugin: false)
        )
        #expect(
            problem(text, needed: ["libbar.so"], beside: ["libfoo.so.1"])
                == .missingLibrary("libfoo.so.1", direct: false, besidePlugin: true)
        )
        #expect(
            problem(text).sentence
                == "needs libfoo.so.1 (through another library), which is not installed; "
                + "install it, or add its directory to LD_LIBRARY_PATH"
        )
    }

    @Test func aNewerSystem() {
        let text =
            "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /proc/self/fd/3)"
        #expect(problem(text) == .missingVersion("GLIBC_2.38", library: "libc.so.6"))
        #expect(
            problem(text).sentence
                == "was built for a newer system: libc.so.6 here has no GLIBC_2.38; rebuild it on this system"
        )
    }

    @Test func anythingElseIsQuotedWithoutTheCopysName() {
        #expect(
            problem("/proc/self/fd/3: ELF load command alignment not page-aligned")
                == .other("ELF load command alignment not page-aligned")
        )
    }
}
