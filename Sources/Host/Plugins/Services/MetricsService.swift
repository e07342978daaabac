// SPDX-License-Identifier: Apache-2.0
// `metrics/1`: thin C entries into the registry. A metric that cannot be registered has the handle 0, which counting
// ignores: a plugin need not care.

import Broker
import PluginAPI

enum MetricsService {
    /// Lives as long as the process.
    nonisolated(unsafe) static let table: UnsafePointer<isth_metrics_service> = {
        let table = UnsafeMutablePointer<isth_metrics_service>.allocate(capacity: 1)
        table.initialize(
            to: isth_metrics_service(
                size: UInt32(MemoryLayout<isth_metrics_service>.size),
                reserved0: 0,
                counter: { register(.counter, $0, $1, $2, $3, $4) },
                gauge: { register(.gauge, $0, $1, $2, $3, $4) },
                text: { register(.text, $0, $1, $2, $3, $4) },
                add: { context, identifier, amount in
                    PluginContext.from(context).runtime?.metrics.add(identifier, amount)
                },
                set: { context, identifier, value in
                    PluginContext.from(context).runtime?.metrics.set(identifier, value)
                },
                say: { context, identifier, text in
                    PluginContext.from(context).runtime?.metrics.say(identifier, text.string)
                },
                remove: { context, identifier in PluginContext.from(context).runtime?.metrics.remove(identifier) }
            )
        )
        return UnsafePointer(table)
    }()

    private static func register(
        _ kind: MetricKind,
        _ context: OpaquePointer,
        _ name: isth_str,
        _ labels: UnsafePointer<isth_pair>?,
        _ labelCount: Int,
        _ sysTopic: isth_str
    ) -> isth_id {
        let plugin = PluginContext.from(context)
        guard let runtime = plugin.runtime else { return 0 }
        let pairs = UnsafeBufferPointer(start: labels, count: labels == nil ? 0 : labelCount)
        do {
            return try runtime.metrics.register(
                kind,
                name: name.string,
                labels: pairs.map { MetricLabel(name: $0.name.string, value: $0.value.string) },
                sysTopic: sysTopic.string
            )
        } catch {
            plugin.log(.error, "\(error)")
            return 0
        }
    }
}
