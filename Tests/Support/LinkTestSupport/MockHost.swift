// SPDX-License-Identifier: Apache-2.0
// A host made of memory: the C table a plugin sees, with a clock that only `advance` moves, loops that only `settle`
// runs, and a record of everything the plugin did. One thread.

import PluginAPI
import PluginKit

package final class MockHost: @unchecked Sendable {
    package struct Task {
        let function: isth_task
        let ud: UnsafeMutableRawPointer?
    }

    package struct Timer {
        var due: UInt64
        let every: UInt64
        let task: Task
    }

    package struct Published {
        package let message: Message
        package let flags: UInt32
    }

    /// Paths to JSON, as a checked config hands them over.
    package var config: [String: String] = [:]
    package var origins: [String: String] = [:]
    package internal(set) var logs: [String] = []
    package var published: [Published] = []
    /// What `publish` answers.
    package var publishResult = Int32(ISTH_OK)
    package var localRoutes: [(filter: String, group: String)] = []
    package internal(set) var hookFilters: [String] = []
    package var lastReason: UInt8?
    package private(set) var now: UInt64 = 1_000_000
    package var figures: [String: String] = [:]
    package let connections = MockConnections()
    package var destinations: [isth_id: MockDestination] = [:]
    package internal(set) var retained: [UnsafePointer<isth_msg>: OwnedMessage] = [:]
    package var offersServices = true

    package private(set) var hooks = isth_hooks()
    package private(set) var plugin = isth_plugin()

    var tasks: [Task] = []
    var timers: [isth_id: Timer] = [:]
    var lastID: isth_id = 0
    var figureTopics: [isth_id: String] = [:]
    private var keptStrings: [UnsafeMutableBufferPointer<UInt8>] = []
    private let table = UnsafeMutablePointer<isth_host>.allocate(capacity: 1)

    package init(loops: UInt32 = 1) {
        table.initialize(
            to: Self.makeTable(OpaquePointer(Unmanaged.passUnretained(self).toOpaque()), loops: loops)
        )
        connections.host = self
    }

    deinit {
        for buffer in keptStrings { buffer.deallocate() }
        table.deallocate()
    }

    static func of(_ ctx: OpaquePointer) -> MockHost {
        Unmanaged<MockHost>.fromOpaque(UnsafeRawPointer(ctx)).takeUnretainedValue()
    }

    package var host: PluginHost { PluginHost(UnsafePointer(table)) }

    func nextID() -> isth_id {
        lastID += 1
        return lastID
    }

    /// A string that lives as long as the host.
    func keep(_ text: String) -> isth_str {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = buffer.initialize(from: text.utf8)
        keptStrings.append(buffer)
        return isth_str(BytesView(UnsafeBufferPointer(buffer)))
    }

    // MARK: The plugin's life

    /// Opens and starts a plugin; its sentences are in `logs`.
    package func start<P: Plugin>(_ type: P.Type) -> Bool {
        guard openPlugin(type, UnsafePointer(table), &plugin) == ISTH_OK else { return false }
        return (plugin.start?(plugin.`self`, &hooks) ?? Int32(ISTH_ERROR)) == ISTH_OK
    }

    package func ready() -> Bool {
        let result = (plugin.ready?(plugin.`self`) ?? Int32(ISTH_ERROR)) == ISTH_OK
        settle()
        return result
    }

    package func stop() {
        plugin.drain?(plugin.`self`)
        settle()
        close()
    }

    /// Also for a plugin that did not start.
    package func close() { plugin.close?(plugin.`self`) }

    // MARK: Time

    /// Runs what was put on loops.
    package func settle() {
        while !tasks.isEmpty {
            let batch = tasks
            tasks = []
            for task in batch { task.function(task.ud) }
        }
    }

    package func advance(_ milliseconds: UInt64) {
        let end = now + milliseconds
        settle()
        while let (id, timer) = timers.filter({ $0.value.due <= end }).min(by: {
            ($0.value.due, $0.key) < ($1.value.due, $1.key)
        }) {
            now = max(now, timer.due)
            if timer.every > 0 { timers[id]?.due += timer.every } else { timers[id] = nil }
            timer.task.function(timer.task.ud)
            settle()
        }
        now = end
    }
}
