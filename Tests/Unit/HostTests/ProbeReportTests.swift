// SPDX-License-Identifier: Apache-2.0
// The trial's report: what is written is read back, a report that breaks off tells how far the plugin came.

import Testing

@testable import Host

@Suite struct ProbeReportTests {
    @Test(arguments: ["plain", "", "a=b", "two\nlines", "back\\slash\\n", "ümlaut", "\r\n"])
    func valuesComeBackAsTheyWere(_ value: String) {
        var report = ProbeReport()
        report.read(ProbeReport.line(ProbeReport.Key.name, value))
        #expect(report.name == value)
    }

    @Test func allKeys() {
        var report = ProbeReport()
        report.read(
            """
            stage=start
            link-error=no
            abi=65536
            fault=bad
            version=1
            guards=1
            root=a
            root=b
            hook=h
            service=s
            started=-7
            unknown=x
            no line at all
            """
        )
        var expected = ProbeReport()
        expected.stage = .start
        expected.linkError = "no"
        expected.abi = 65_536
        expected.fault = "bad"
        expected.version = "1"
        expected.guards = true
        expected.roots = ["a", "b"]
        expected.hooks = ["h"]
        expected.services = ["s"]
        expected.startResult = -7
        #expect(report == expected)
    }

    @Test func aCrashIsAProblemExceptInStart() {
        var report = ProbeReport()
        report.ending = .signal(11)
        for stage in [ProbeStage.load, .abi, .open] {
            report.stage = stage
            #expect(report.problem == .probe(.ended(.signal(11), stage, said: nil)))
        }
        report.stage = .start
        #expect(report.problem == nil)
    }

    @Test func anABIOfTheOtherMajorIsAProblem() {
        var report = ProbeReport()
        report.abi = 2 << 16
        #expect(report.problem == .abi(plugin: 2 << 16))
        report.abi = PluginABI.host
        #expect(report.problem == nil)
    }
}
