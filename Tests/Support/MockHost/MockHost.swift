// SPDX-License-Identifier: Apache-2.0
// A host for one plugin, as a C table: the config is a dictionary of JSON texts, logs and answers are recorded, and
// work for other threads waits until the test runs it. It has no loops, no clients and no messages of its own.

import PluginAPI
import PluginKit
import Synchronization

public final class MockHost: @unchecked Sendable {
    public struct Answer: Equatable, Sendable {
        public let ticket: isth_id
        public let result: Int
        public let isSuperuser: Bool
        public let reasonCode: UInt8
        /// Of a step of an enhanced authentication.
        public let continues: Bool
        public let data: String
        public let userName: String

        public init(
            ticket: isth_id,
            result: Int,
            isSuperuser: Bool,
            reasonCode: UInt8,
            continues: Bool = false,
            data: String = "",
            userName: String = ""
        ) {
            self.ticket = ticket
            self.result = result
            self.isSuperuser = isSuperuser
            self.reasonCode = reasonCode
            self.continues = continues
            self.data = data
            self.userName = userName
        }
    }

    /// Work that a plugin has handed over.
    struct Task: @unchecked Sendable {
        let body: isth_task
        let ud: UnsafeMutableRawPointer?
    }

    struct State {
        var config: [String: String] = [:]
        var log: [String] = []
        var answers: [Answer] = []
        var published: [(topic: String, payload: String)] = []
        var filters: [String] = []
        var blocking: [Task] = []
        var loops: [Task] = []
    }

    /// How many tasks may wait for the blocking pool.
    public let blockingLimit: Int
    let state = Mutex(State())
    public let table: UnsafeMutablePointer<isth_host>
    /// The texts handed out as views, which have to stay where they are.
    private var texts: [UnsafeMutableBufferPointer<UInt8>] = []

    public init(config: [String: String], loops: UInt32 = 2, blockingLimit: Int = 8) {
        self.blockingLimit = blockingLimit
        table = .allocate(capacity: 1)
        state.withLock { $0.config = config }
        table.initialize(to: hostTable(OpaquePointer(Unmanaged.passUnretained(self).toOpaque()), loops))
    }

    deinit {
        table.deallocate()
        for text in texts { text.deallocate() }
    }

    public var log: [String] { state.withLock { $0.log } }
    public var answers: [Answer] { state.withLock { $0.answers } }
    public var filters: [String] { state.withLock { $0.filters } }
    public var published: [(topic: String, payload: String)] { state.withLock { $0.published } }
    public var waiting: Int { state.withLock { $0.blocking.count } }

    public func set(_ path: String, _ json: String) { state.withLock { $0.config[path] = json } }

    /// Runs what waits for the loops and for the blocking pool.
    public func runTasks() {
        while true {
            let tasks = state.withLock { state in
                defer {
                    state.loops = []
                    state.blocking = []
                }
                return state.loops + state.blocking
            }
            if tasks.isEmpty { return }
            for task in tasks { task.body(task.ud) }
        }
    }

    func view(_ text: String) -> isth_str {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = copy.initialize(from: text.utf8)
        texts.append(copy)
        return isth_str(BytesView(UnsafeBufferPointer(copy)))
    }

    static func from(_ ctx: OpaquePointer) -> MockHost {
        Unmanaged<MockHost>.fromOpaque(UnsafeRawPointer(ctx)).takeUnretainedValue()
    }
}
