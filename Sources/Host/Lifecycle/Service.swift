// SPDX-License-Identifier: Apache-2.0
// The running broker: loop 0 on the main thread, the others on threads of their own, until a signal ends it.

import Broker
import Config
import Glibc
import Reactor

enum Service {
    static func run(_ assembly: Assembly) throws(StartError) -> Int32 {
        let runtime = assembly.runtime
        let plans = try ListenerPlan.all(runtime.config)
        let listeners = ListenerSet(log: runtime.log)
        let memory = MemoryBudget.configured(runtime.config).map { MemoryWatch(runtime, $0) }
        let first = runtime.loops[0].loop
        var threads: [Thread] = []
        var outcome: Result<Void, StartError> = .success(())
        // The first turn of loop 0: plugins get ready there, then the ports open, then the world may know. The other
        // loops get their threads after the ports: until then this thread may put listeners on them.
        nonisolated(unsafe) let work = {
            do throws(StartError) {
                try assembly.plugins.ready(runtime)
                for plan in plans { try listeners.open(plan, on: runtime.loops) }
                try startThreads(runtime.loops.dropFirst(), &threads)
                startSysTopics(runtime, memory)
                LogSummaries.start(runtime)
                memory?.start()
                writeAll(Banner.text(assembly, listeners), to: 1)
            } catch {
                outcome = .failure(error)
                for home in runtime.loops { home.loop.stop() }
            }
        }
        first.post { work() }
        let signals = try watchSignals(first) { signal in
            if signal == SIGHUP { Reload.run(assembly, listeners) } else { stop(assembly, listeners) }
        }
        first.run()
        for thread in threads { thread.join() }
        signals.close()
        runtime.pool.shutdown()
        assembly.plugins.close()
        runtime.log.tellLeftOut()
        try outcome.get()
        return 0
    }

    private static func startThreads(_ loops: ArraySlice<BrokerLoop>, _ threads: inout [Thread]) throws(StartError) {
        do throws(ReactorError) {
            for home in loops {
                threads.append(try Thread(name: "loop-\(home.loop.index)") { home.loop.run() })
            }
        } catch {
            throw StartError("\(error)")
        }
    }

    private static func watchSignals(
        _ loop: EventLoop,
        _ act: @escaping (Int32) -> Void
    ) throws(StartError) -> SignalSource {
        do throws(ReactorError) {
            return try SignalSource(loop: loop, signals: [SIGINT, SIGTERM, SIGHUP], handler: act)
        } catch {
            throw StartError("\(error)")
        }
    }

    private static func startSysTopics(_ runtime: Runtime, _ memory: MemoryWatch?) {
        func interval(_ key: String) -> UInt32 { UInt32(clamping: max(0, runtime.config.int(at: key) ?? 0)) }
        let node = runtime.config.string(at: "node.name") ?? "isthmus@127.0.0.1"
        SysTopics(runtime, node: node, memory: memory).start(
            figuresEvery: interval("sys_topics.sys_msg_interval"),
            heartbeatEvery: interval("sys_topics.sys_heartbeat_interval")
        )
    }

    /// On loop 0: no newcomers, plugins finish, clients are told, then the loops end.
    private static func stop(_ assembly: Assembly, _ listeners: ListenerSet) {
        let runtime = assembly.runtime
        let plugins = assembly.plugins
        listeners.close()
        plugins.drain()
        for home in runtime.loops {
            home.loop.post {
                home.isStopping = true
                home.current.shutDown()
                plugins.closeConnections(on: home.loop.index, runtime)
                // Farewells leave at the end of this turn; peers that read slowly have a moment more.
                _ = home.loop.schedule(after: 100) { home.loop.stop() }
            }
        }
    }
}
