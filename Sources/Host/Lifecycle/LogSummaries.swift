// SPDX-License-Identifier: Apache-2.0
// `log.throttling`: now and then the log says how many lines were left out of it.

import Broker
import Config

enum LogSummaries {
    /// On loop 0, for as long as it runs.
    static func start(_ runtime: Runtime) {
        func number(_ key: String) -> Int { runtime.config.int(at: "log.throttling.\(key)") ?? 1 }
        var limits = LogThrottle.Limits()
        limits.perSource = number("lines_per_source")
        limits.perKind = number("lines_per_kind")
        runtime.log.throttle.limits = limits
        _ = runtime.loops[0].loop.schedule(after: UInt64(max(number("time_window"), 1000))) {
            runtime.log.tellLeftOut()
            start(runtime)
        }
    }
}
