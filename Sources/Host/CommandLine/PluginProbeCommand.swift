// SPDX-License-Identifier: Apache-2.0
// `isthmus plugin-probe`: the trial process of the plugin loader. Hidden; by hand it serves to debug a plugin that is
// refused: `isthmus plugin-probe --fd 0 < libMine.so`.

import ArgumentParser

struct PluginProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin-probe",
        abstract: "Load one plugin, report on standard output, and exit.",
        shouldDisplay: false
    )

    @Option(help: ArgumentHelp("The descriptor that the plugin's file is open on.", valueName: "number"))
    var fd: Int32

    @Flag(help: "Open the plugin too, and start it without a configuration.")
    var open = false

    func run() {
        ProbeChild.run(descriptor: fd, opening: open)
    }
}
