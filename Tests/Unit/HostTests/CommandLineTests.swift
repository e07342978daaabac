// SPDX-License-Identifier: Apache-2.0
// What the command line is understood as.

import ArgumentParser
import Testing

@testable import Host

@Suite struct CommandLineTests {
    @Test func runIsTheDefault() throws {
        let bare = try #require(IsthmusCommand.parseAsRoot([]) as? Run)
        #expect(bare.broker.config == nil)
        let words = ["--config", "a.conf", "--plugin-dir", "plugins", "--data-dir", "data"]
        for run in [words, ["run"] + words] {
            let command = try #require(IsthmusCommand.parseAsRoot(run) as? Run)
            #expect(command.broker.config == "a.conf")
            #expect(command.broker.pluginDir == "plugins")
            #expect(command.dataDir == "data")
        }
    }

    @Test func theOtherCommands() throws {
        let check = try #require(IsthmusCommand.parseAsRoot(["check", "--config", "a.conf"]) as? Check)
        #expect(check.broker.config == "a.conf")
        #expect(try IsthmusCommand.parseAsRoot(["plugins"]) is Plugins)
        let probe = try #require(IsthmusCommand.parseAsRoot(["plugin-probe", "--fd", "3"]) as? PluginProbeCommand)
        #expect(probe.fd == 3)
        #expect(!probe.open)
    }

    @Test(arguments: [["--confg", "x"], ["chek"], ["plugin-probe"], ["plugin-probe", "--fd", "x"]])
    func mistakesAreUsageErrors(_ words: [String]) {
        let error = #expect(throws: (any Error).self) { _ = try IsthmusCommand.parseAsRoot(words) }
        #expect(error.map { IsthmusCommand.exitCode(for: $0) } == .validationFailure)
    }

    @Test func theProbeIsNotShown() {
        #expect(!IsthmusCommand.helpMessage().contains("plugin-probe"))
    }

    @Test func whatIsNamedIsUsedAlone() {
        let options = RunOptions(config: "a.conf", pluginDirectory: "plugins", dataDirectory: nil)
        #expect(options.configFile == "a.conf")
        #expect(options.pluginDirectories == ["plugins"])
    }

    @Test func pluginsLieBesideTheProgramOrInTheInstallation() throws {
        let directories = RunOptions().pluginDirectories
        try #require(directories.count == 2)
        #expect(directories[1] == PluginDirectory(containing: directories[0]).path + "/lib/isthmus/plugins")
    }
}
