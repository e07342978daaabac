// SPDX-License-Identifier: Apache-2.0
// The outbound connections of one loop by their handles: loop(8) | index(24) | generation(32). A handle that was closed
// is never followed: the generation of its index has moved on.

import PluginAPI
import Reactor
import Synchronization

/// Thread safety: handles are made under a lock, from any thread; everything else belongs to the loop's thread.
final class OutboundConnections: @unchecked Sendable {
    private struct Handles {
        var generations: [UInt32] = []
        var free: [UInt32] = []
    }

    private static let limit = 1 << 24

    let loop: EventLoop
    private let handles = Mutex(Handles())
    private var live: [OutboundConnection?] = []

    init(loop: EventLoop) { self.loop = loop }

    static func loop(of identifier: isth_id) -> Int { Int(identifier >> 56) }

    private static func index(of identifier: isth_id) -> Int { Int(identifier >> 32 & 0xFF_FFFF) }

    /// A handle for a connection that `start` will be called with; nil if there are too many.
    func reserve() -> isth_id? {
        handles.withLock { handles in
            let index: UInt32
            if let free = handles.free.popLast() {
                index = free
            } else {
                guard handles.generations.count < Self.limit else { return nil }
                index = UInt32(handles.generations.count)
                handles.generations.append(1)
            }
            return UInt64(loop.index) << 56 | UInt64(index) << 32 | UInt64(handles.generations[Int(index)])
        }
    }

    /// Takes the connection in and lets it begin, in the loop's next turn at the earliest. Any thread.
    func start(_ connection: OutboundConnection) {
        if loop.isCurrent {
            install(connection)
            loop.deferWork { connection.beginFirst() }
        } else {
            loop.post { [self] in
                install(connection)
                connection.beginFirst()
            }
        }
    }

    private func install(_ connection: OutboundConnection) {
        let index = Self.index(of: connection.identifier)
        while live.count <= index { live.append(nil) }
        live[index] = connection
    }

    /// Nil if it is closed, or another plugin's.
    @inline(__always)
    func find(_ identifier: isth_id, of context: PluginContext) -> OutboundConnection? {
        let index = Self.index(of: identifier)
        guard index < live.count, let connection = live[index], connection.identifier == identifier,
            connection.context === context
        else { return nil }
        return connection
    }

    func close(_ connection: OutboundConnection) {
        connection.close()
        let index = Self.index(of: connection.identifier)
        guard index < live.count, live[index] === connection else { return }
        live[index] = nil
        handles.withLock { handles in
            handles.generations[index] = handles.generations[index] == .max ? 1 : handles.generations[index] + 1
            handles.free.append(UInt32(index))
        }
    }

    /// The plugin ends: what it has left open.
    func closeAll(of context: PluginContext) {
        for connection in live {
            if let connection, connection.context === context { close(connection) }
        }
    }
}
