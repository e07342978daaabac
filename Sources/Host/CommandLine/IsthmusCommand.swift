// SPDX-License-Identifier: Apache-2.0
// The program's command line: which commands there are. Each is a file of its own and does nothing but hand its
// options on.

import ArgumentParser

struct IsthmusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isthmus",
        abstract: "An MQTT broker with plugins and cluster links.",
        version: "isthmus \(Version.text) (plugin ABI \(PluginABI.text(PluginABI.host)))",
        subcommands: [Run.self, Check.self, Plugins.self, Settings.self, Passwd.self, PluginProbeCommand.self],
        defaultSubcommand: Run.self
    )
}

/// The options that say which broker is meant.
struct BrokerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The config file; default: \(RunOptions.defaultConfig), if it exists.", valueName: "file")
    )
    var config: String?

    @Option(
        help: ArgumentHelp(
            "The directory of plugins; default: beside the program, then ../lib/isthmus/plugins from there.",
            valueName: "directory"
        )
    )
    var pluginDir: String?
}
