// SPDX-License-Identifier: Apache-2.0
// What a link shows of itself below $SYS/brokers/NODE/links/NAME/ and to whoever reads metrics/1. Loops count in plain
// variables and hand their sums over once a second, so that the message path touches nothing shared.

import PluginAPI
import PluginKit
import Synchronization

/// The figures of one link. Without the service it keeps the state and shows nothing.
final class LinkStatus: Sendable {
    private let host: PluginHost
    private let service: Mutex<Service?> = Mutex(nil)
    private let name: String
    private let texts = Mutex(Texts())

    private struct Texts {
        var state = "connecting"
        var lastError = ""
        var forwardError = ""
        var connections = 0
    }

    private struct Service: @unchecked Sendable {
        let table: UnsafePointer<isth_metrics_service>
        var ids: [Figure: isth_id] = [:]
    }

    fileprivate enum Kind {
        case counter
        case gauge
        case text
    }

    enum Figure: String, CaseIterable {
        case state
        case lastError = "last_error"
        case routesIn = "routes_in"
        case routesOut = "routes_out"
        case routesLeftOut = "routes_left_out"
        case connections
        case queued
        case queuedBytes = "queued_bytes"
        case sent
        case bytesSent = "bytes_sent"
        case unmatched
        case retried
        case dropped
        case expired = "dropped/expired"
        case overflowed = "dropped/overflow"
        case failed = "dropped/refused_by_peer"
        case received
        case bytesReceived = "bytes_received"
        case refused = "refused"
        case protocolErrors = "protocol_errors"

        fileprivate var kind: Kind {
            switch self {
            case .state, .lastError: .text
            case .routesIn, .routesOut, .routesLeftOut, .connections, .queued, .queuedBytes: .gauge
            default: .counter
            }
        }

        fileprivate var metric: String {
            "link_" + rawValue.split(separator: "/").joined(separator: "_")
        }
    }

    init(_ host: PluginHost, name: String) {
        self.host = host
        self.name = name
    }

    /// In `ready`, where services can be looked up.
    func connect(_ table: UnsafePointer<isth_metrics_service>?) {
        guard let table else { return }
        var made = Service(table: table)
        name.withStr { name in
            var label = isth_pair(name: ("link" as Bytes).str, value: name)
            for figure in Figure.allCases {
                figure.metric.withStr { metric in
                    "links/\(self.name)/\(figure.rawValue)".withStr { topic in
                        let create =
                            switch figure.kind {
                            case .counter: table.pointee.counter
                            case .gauge: table.pointee.gauge
                            case .text: table.pointee.text
                            }
                        made.ids[figure] = create(host.ctx, metric, &label, 1, topic)
                    }
                }
            }
        }
        let created = made
        service.withLock { $0 = created }
        let now = texts.withLock { ($0.state, $0.lastError) }
        say(.state, now.0)
        say(.lastError, now.1)
    }

    // MARK: Texts

    var state: String {
        get { texts.withLock { $0.state } }
        set {
            texts.withLock { $0.state = newValue }
            say(.state, newValue)
        }
    }

    /// Of the route connection.
    var lastError: String {
        get { texts.withLock { $0.lastError } }
        set {
            texts.withLock { $0.lastError = newValue }
            say(.lastError, newValue)
        }
    }

    /// Of the message connections; shown while the route connection has none of its own.
    var forwardError: String {
        get { texts.withLock { $0.forwardError } }
        set {
            let isShown = texts.withLock {
                $0.forwardError = newValue
                return $0.lastError.isEmpty
            }
            if isShown { say(.lastError, newValue) }
        }
    }

    var connections: Int {
        get { texts.withLock { $0.connections } }
        set {
            texts.withLock { $0.connections = newValue }
            set(.connections, newValue)
        }
    }

    // MARK: Figures

    func report(_ counters: ForwardCounters, queued: Int, queuedBytes: Int) {
        set(.queued, queued)
        set(.queuedBytes, queuedBytes)
        add(.sent, counters.sent)
        add(.bytesSent, counters.bytesSent)
        add(.unmatched, counters.unmatched)
        add(.retried, counters.retried)
        add(.expired, counters.expired)
        add(.overflowed, counters.overflowed)
        add(.failed, counters.failed)
        add(.dropped, counters.expired + counters.overflowed + counters.failed)
    }

    func report(_ counters: ReceiveCounters) {
        add(.received, counters.received)
        add(.bytesReceived, counters.bytesReceived)
        add(.refused, counters.refused)
        add(.protocolErrors, counters.protocolErrors)
    }

    func set(_ figure: Figure, _ value: Int) {
        service.withLock { service in
            guard let service, let id = service.ids[figure] else { return }
            service.table.pointee.set(host.ctx, id, Int64(value))
        }
    }

    private func add(_ figure: Figure, _ value: UInt64) {
        guard value > 0 else { return }
        service.withLock { service in
            guard let service, let id = service.ids[figure] else { return }
            service.table.pointee.add(host.ctx, id, value)
        }
    }

    private func say(_ figure: Figure, _ text: String) {
        service.withLock { service in
            guard let service, let id = service.ids[figure] else { return }
            text.withStr { service.table.pointee.say(host.ctx, id, $0) }
        }
    }
}

/// What one loop received over one link since its last report.
struct ReceiveCounters {
    var received: UInt64 = 0
    var bytesReceived: UInt64 = 0
    /// Not readable, not wanted, or over a disabled link.
    var refused: UInt64 = 0
    /// Each ended a connection with 0x83.
    var protocolErrors: UInt64 = 0
}
