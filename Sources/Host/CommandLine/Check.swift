// SPDX-License-Identifier: Apache-2.0
// `isthmus check`: says whether the broker would start with a config, without opening a listener.

import ArgumentParser

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check a config file and the plugins it names.")

    @OptionGroup var broker: BrokerOptions

    func run() throws {
        let options = RunOptions(config: broker.config, pluginDirectory: broker.pluginDir, dataDirectory: nil)
        throw ExitCode(Startup.check(options))
    }
}
