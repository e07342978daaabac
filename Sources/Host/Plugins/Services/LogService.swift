// SPDX-License-Identifier: Apache-2.0
// Service "log/1": what a plugin says of clients and links, through the throttle that the broker's own lines go through.

import Broker
import PluginAPI

enum LogService {
    nonisolated(unsafe) static let table: UnsafePointer<isth_log_service> = {
        let table = UnsafeMutablePointer<isth_log_service>.allocate(capacity: 1)
        table.initialize(
            to: isth_log_service(
                size: UInt32(MemoryLayout<isth_log_service>.size),
                reserved0: 0,
                repeated: { context, level, kind, subject, text in
                    let level = LogLevel(rawValue: level) ?? .info
                    let plugin = PluginContext.from(context)
                    plugin.log(level, LogKind(kind.string.clipped(to: 100)), subject.string, text.string)
                }
            )
        )
        return UnsafePointer(table)
    }()
}
