// SPDX-License-Identifier: Apache-2.0
// The trial process: loads a plugin, asks for its ABI and, if told to, opens and starts it with a host that offers
// nothing. It reports each step before the next, because any of them may be its last, and leaves without the plugin's
// exit handlers. It never becomes a broker.

import Glibc
import PluginAPI

struct ProbeChild {
    private let output: Int32

    /// `descriptor`: the plugin, open for reading. The report goes to standard output.
    static func run(descriptor: Int32, opening: Bool) -> Never {
        var noCore = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &noCore)
        // Should the broker itself be killed meanwhile, a plugin that hangs must not stay for ever.
        alarm(10)
        // What the plugin prints must not get between the lines of the report.
        let output = fcntl(1, F_DUPFD_CLOEXEC, 10)
        dup2(2, 1)
        let child = ProbeChild(output: output)
        child.examine("/proc/self/fd/\(descriptor)", opening: opening)
        child.put(ProbeReport.endLine)
        _exit(0)
    }

    private func examine(_ path: String, opening: Bool) {
        say(ProbeReport.Key.stage, ProbeStage.load.rawValue)
        let functions: PluginFunctions
        do throws(LinkerFailure) {
            functions = try PluginFunctions(loading: path)
        } catch {
            return say(ProbeReport.Key.linkError, error.text)
        }
        say(ProbeReport.Key.stage, ProbeStage.abi.rawValue)
        let abi = functions.abi()
        say(ProbeReport.Key.abi, "\(abi)")
        guard opening else { return }
        do throws(PluginProblem) {
            try PluginABI.check(abi)
            try open(functions, abi)
        } catch {
            say(ProbeReport.Key.fault, error.predicate)
        }
    }

    private func open(_ functions: PluginFunctions, _ abi: UInt32) throws(PluginProblem) {
        say(ProbeReport.Key.stage, ProbeStage.open.rawValue)
        let host = InertHost.table(reportTo: output)
        var plugin = isth_plugin()
        let answer = functions.open(host, &plugin)
        if answer != ISTH_OK { throw .openFailed(code: answer) }
        let description = try PluginDescription(plugin, abi: abi)
        say(ProbeReport.Key.name, description.name)
        say(ProbeReport.Key.version, description.version)
        say(ProbeReport.Key.guards, description.guards ? "1" : "0")
        for root in description.roots { say(ProbeReport.Key.root, root) }
        guard let start = plugin.start else { return }
        say(ProbeReport.Key.stage, ProbeStage.start.rawValue)
        var hooks = isth_hooks()
        hooks.size = UInt32(MemoryLayout<isth_hooks>.size)
        let started = start(plugin.`self`, &hooks)
        if started == ISTH_OK {
            for hook in HookNames.used(hooks) { say(ProbeReport.Key.hook, hook) }
        }
        say(ProbeReport.Key.started, "\(started)")
    }

    private func say(_ key: String, _ value: String) { put(ProbeReport.line(key, value)) }

    private func put(_ line: String) { writeAll(line, to: output) }
}
