// SPDX-License-Identifier: Apache-2.0
// `isthmus plugins`: what lies in the plugin directories, and why a file there cannot be loaded. Plugins are opened in
// child processes only. Ends with status 1 if any file was refused.

import ArgumentParser

struct Plugins: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the plugins that are installed, or that a config names."
    )

    @OptionGroup var broker: BrokerOptions

    func run() throws {
        let options = RunOptions(config: broker.config, pluginDirectory: broker.pluginDir, dataDirectory: nil)
        let loader = PluginLoader(directories: options.pluginDirectories)
        var hasRefusal = false
        var files = loader.libraries().map { (path: $0, name: PluginListing.name(of: $0)) }
        if broker.config != nil {
            for entry in try Startup.pluginEntries(options) {
                do throws(PluginRefusal) {
                    let path = try loader.locate(entry)
                    if !files.contains(where: { $0.path == path }) { files.append((path, entry.name)) }
                } catch {
                    say(error.sentence)
                    hasRefusal = true
                }
            }
        }
        let inUse = Startup.hooksInUse(options)
        for file in files {
            do throws(PluginProblem) {
                let report = try loader.inspect(file.path)
                say(PluginListing.text(report, path: file.path, hooksInUse: inUse[file.path]))
            } catch {
                say(PluginRefusal(name: file.name, file: file.path, problem: error).sentence)
                hasRefusal = true
            }
        }
        if files.isEmpty { say("no plugins in " + options.pluginDirectories.joined(separator: " or ")) }
        if hasRefusal { throw ExitCode.failure }
    }

    private func say(_ text: String) { writeAll(text + "\n", to: 1) }
}

/// One plugin's paragraph in the list.
enum PluginListing {
    /// `hooksInUse`: with the config that the broker would run with, if that names the plugin.
    static func text(_ report: ProbeReport, path: String, hooksInUse: [String]? = nil) -> String {
        let title = [report.name, report.version].compactMap { $0 }.joined(separator: " ")
        var lines = ["\(title)  (ABI \(report.abi.map(PluginABI.text) ?? "unknown"))  \(path)"]
        lines.append("    hooks: " + (hooksInUse.map(list) ?? hooks(report)))
        lines.append("    config roots: " + list(report.roots))
        if !report.services.isEmpty { lines.append("    services: " + list(report.services)) }
        if report.guards { lines.append("    guards: the broker does not start without it") }
        return lines.joined(separator: "\n")
    }

    /// "FileACL" for ".../libFileACL.so".
    static func name(of path: String) -> String {
        let file = PluginDirectory.lastName(path)
        let stem = file.hasSuffix(".so") ? String(file.dropLast(3)) : file
        return stem.hasPrefix("lib") ? String(stem.dropFirst(3)) : stem
    }

    /// A plugin chooses its hooks when it starts, by its configuration, of which there is none here.
    private static func hooks(_ report: ProbeReport) -> String {
        if report.stage != .start { return "none, it has no start function" }
        guard let result = report.startResult, result == 0 else {
            return "known after start only, as it needs its configuration"
        }
        if report.hooks.isEmpty { return "none without a configuration; others are known after start only" }
        return list(report.hooks) + " (without a configuration; with one there may be more)"
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.joined(separator: ", ")
    }
}
