// SPDX-License-Identifier: Apache-2.0
// `isthmus run`: runs the broker until it is told to stop. The default command.

import ArgumentParser

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the broker.")

    @OptionGroup var broker: BrokerOptions

    @Option(help: ArgumentHelp("The directory for what must outlive a restart.", valueName: "directory"))
    var dataDir: String?

    func run() throws {
        let options = RunOptions(
            config: broker.config,
            pluginDirectory: broker.pluginDir,
            dataDirectory: dataDir
        )
        throw ExitCode(Startup.run(options))
    }
}
