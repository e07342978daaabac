// SPDX-License-Identifier: Apache-2.0
// From the command line to a running broker, and its orderly end. `check` does all of it but open ports and run.

import Broker
import Config
import Glibc
import MQTT
import Reactor

enum Startup {
    static func run(_ options: RunOptions) -> Int32 {
        do throws(StartError) {
            SignalSource.block([SIGINT, SIGTERM, SIGHUP])
            seedHashes()
            raiseDescriptorLimit()
            let assembly = try Assembly(options)
            return try Service.run(assembly)
        } catch {
            return fail(error)
        }
    }

    static func check(_ options: RunOptions) -> Int32 {
        do throws(StartError) {
            let assembly = try Assembly(options)
            for plan in try ListenerPlan.all(assembly.runtime.config) { _ = try plan.tls?.context() }
            assembly.plugins.close()
            assembly.runtime.pool.shutdown()
            let failed = assembly.plugins.failed
            guard failed.isEmpty else { throw StartError("not loaded: \(failed.joined(separator: ", "))") }
            writeAll("\(assembly.configuration.name): ok\n", to: 1)
            return 0
        } catch {
            return fail(error)
        }
    }

    /// Which hooks the plugins use that the config names, by their file's path; empty if the broker would not start.
    static func hooksInUse(_ options: RunOptions) -> [String: [String]] {
        guard let assembly = try? Assembly(options, logLevel: .error) else { return [:] }
        defer {
            assembly.plugins.close()
            assembly.runtime.pool.shutdown()
        }
        return assembly.plugins.hooksInUse
    }

    static func pluginEntries(_ options: RunOptions) throws -> [PluginEntry] {
        try PluginSet(options, log: Log(level: .error)).entries(of: Configuration(options)).map(\.entry)
    }

    private static func fail(_ error: StartError) -> Int32 {
        for line in error.lines { writeAll("isthmus: \(line)\n", to: 2) }
        return 1
    }

    /// Every connection is a descriptor: as many as the system allows this process.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Everything a run needs, built and checked, with no port open and no loop running.
final class Assembly {
    let configuration: Configuration
    let plugins: PluginSet
    let runtime: Runtime

    /// `logLevel` stands above the config's.
    init(_ options: RunOptions, logLevel: LogLevel? = nil) throws(StartError) {
        configuration = Configuration(options)
        let early = try configuration.earlyValues()
        let log = Log(level: logLevel ?? early.logLevel)
        let loopCount = Self.loopCount(wanted: early.eventLoops, cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        plugins = PluginSet(options, log: log)
        try plugins.load(try plugins.entries(of: configuration), loopCount: loopCount)
        let (config, warnings) = try plugins.configure(with: configuration)
        for warning in warnings { log(.warning, warning) }
        let settings = BrokerSettings(config)
        let registry = SessionRegistry()
        var loops: [BrokerLoop] = []
        do throws(ReactorError) {
            for index in 0..<loopCount {
                loops.append(
                    try BrokerLoop(index: index, count: loopCount, settings: settings, registry: registry, log: log)
                )
            }
        } catch {
            throw StartError("\(error)")
        }
        BrokerLoop.connect(loops)
        let flapping = FlappingDetector.configured(config)
        for home in loops { home.broker.flapping = flapping }
        runtime = Runtime(log: log, loops: loops, sessions: registry, pool: BlockingPool(), config: config)
        let hooked = try plugins.start(runtime)
        for home in loops { home.broker.hooks = HookTable(hooked) }
    }

    /// One loop for each of `cores`, of which the system may know none, if `wanted` is 0.
    static func loopCount(wanted: Int, cores: Int) -> Int {
        min(max(wanted == 0 ? cores : wanted, 1), Broker.maximumLoopCount)
    }
}
