// SPDX-License-Identifier: Apache-2.0
// `isthmus settings`: every key of the config, of the host and of the plugins that are installed, with type, default and
// meaning, as Markdown. docs/configuration.md is its output.

import ArgumentParser
import Config

struct Settings: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List every setting with its type and default, as Markdown."
    )

    @Option(help: ArgumentHelp("The directory of plugins; default: as for run.", valueName: "directory"))
    var pluginDir: String?

    func run() throws {
        let options = RunOptions(config: nil, pluginDirectory: pluginDir, dataDirectory: nil)
        do throws(StartError) {
            writeAll(try SettingsText.markdown(options), to: 1)
        } catch {
            for line in error.lines { writeAll("isthmus: \(line)\n", to: 2) }
            throw ExitCode.failure
        }
    }
}

enum SettingsText {
    private static let head = """
        # Configuration

        The config file is HOCON: `a { b = 1 }` is `a.b = 1`, later values win, objects merge, `include "file"` and `${path}`
        work. A variable such as `ISTHMUS_MQTT__MAX_INFLIGHT=100` stands above the file (`EMQX_…` works like `ISTHMUS_…`, and
        stands below it); what is not HOCON in one is text as it is. Durations are written `15s`, `1h30m` (a bare number counts
        milliseconds), sizes `1MB`. `isthmus check --config FILE` says what is wrong, and where.

        `[]` stands for each element of an array, `*` for a name you choose. This page is the output of `isthmus settings`.


        """

    static func markdown(_ options: RunOptions) throws(StartError) -> String {
        let plugins = PluginSet(options, log: Log(level: .error))
        let entries = PluginLoader(directories: options.pluginDirectories).libraries().map { path in
            (entry: PluginEntry(name: PluginListing.name(of: path), path: nil, origin: path), options: Value?.none)
        }
        try plugins.load(entries, loopCount: 1)
        return head + (try Configuration.schema(with: try plugins.settings)).markdown()
    }
}
