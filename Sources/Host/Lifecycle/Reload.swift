// SPDX-License-Identifier: Apache-2.0
// SIGHUP: the configuration, and the files that plugins read by it, are read again. If anything is wrong, everything
// stays as it was, and the log says why.

import Broker
import Config

enum Reload {
    /// On loop 0.
    static func run(_ assembly: Assembly, _ listeners: ListenerSet) {
        let runtime = assembly.runtime
        let old = runtime.config
        var unchanged: [String] = []
        do throws(StartError) {
            if try assembly.configuration.isEmptyFile() {
                throw StartError("\(assembly.configuration.name) is empty; write what is to be in force into it")
            }
            unchanged = try assembly.plugins.reload(assembly.configuration, runtime)
        } catch {
            for line in error.lines { runtime.log(.error, line) }
            runtime.log(.error, "the configuration is not in order; the one from before stays in force")
            return
        }
        let new = runtime.config
        let waiting = tellWhatWaits(assembly, old, new)
        let settings = BrokerSettings(new)
        for home in runtime.loops { runtime.run(on: home) { home.current.reconfigure(settings) } }
        unchanged += listeners.reload(new)
        let name = assembly.configuration.name
        guard unchanged.isEmpty else {
            runtime.log(
                .error,
                """
                \(name) is in force, but not for \(unchanged.joined(separator: ", ")), where all is as it was; the lines above say \
                why: mend it and reload again
                """
            )
            return
        }
        let rest = waiting == 0 ? "" : ", but for what takes a restart (\(waiting) of its keys)"
        runtime.log(.notice, "\(name) is in force as it is now\(rest)")
    }

    /// The answer counts the changes that wait for a restart.
    private static func tellWhatWaits(_ assembly: Assembly, _ old: Value, _ new: Value) -> Int {
        guard let schema = try? Configuration.schema(with: try assembly.plugins.settings) else { return 0 }
        let waiting = schema.changes(from: old, to: new).filter { !$0.reloadable }
        for change in waiting {
            assembly.runtime.log(.warning, "\(change.origin): \(change.path) has changed; that takes a restart")
        }
        return waiting.count
    }
}
