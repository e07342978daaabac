// SPDX-License-Identifier: Apache-2.0
// The figures that plugins keep: counters, gauges and texts with names and labels. Counting is one atomic word from any
// thread; registering, texts and reading everything take a lock. Who publishes or exposes the figures is not decided
// here.

import Synchronization

enum MetricKind: UInt8, Sendable {
    case counter = 1
    case gauge = 2
    case text = 3
}

struct MetricLabel: Hashable, Sendable {
    let name: String
    let value: String
}

enum MetricValue: Equatable, Sendable, CustomStringConvertible {
    case counter(UInt64)
    case gauge(Int64)
    case text(String)

    var description: String {
        switch self {
        case .counter(let value): String(value)
        case .gauge(let value): String(value)
        case .text(let value): value
        }
    }
}

/// One figure as it is now.
struct MetricSample: Equatable, Sendable {
    let name: String
    let labels: [MetricLabel]
    /// Below `$SYS/brokers/NODE/`; empty if the figure is not published there.
    let sysTopic: String
    let value: MetricValue
}

/// Thread safety: `state` has its own lock, the cells are atomic words.
final class MetricsRegistry: Sendable {
    private struct Key: Hashable {
        let name: String
        let labels: [MetricLabel]
    }

    private struct Entry {
        let key: Key
        let kind: MetricKind
        let sysTopic: String
        let identifier: UInt64
        var text = ""
    }

    private struct State {
        /// By cell; nil where the cell is free.
        var entries: [Entry?] = []
        var byKey: [Key: Int] = [:]
        /// Free cells from `freeHead` on, the one that was freed first in front: a late `add` for a removed metric
        /// must not meet the next one.
        var free: [Int] = []
        var freeHead = 0
        /// Published texts that are others than when they were last taken.
        var changed: Set<UInt64> = []
        var whenTextsChange: @Sendable () -> Void = {}
    }

    private let state = Mutex(State())
    private let cells = MetricCells()

    /// The metric's handle; the same again for the same name and labels, whose order does not matter. The error says
    /// what is wrong.
    func register(
        _ kind: MetricKind,
        name: String,
        labels: [MetricLabel] = [],
        sysTopic: String = ""
    ) throws(MetricError) -> UInt64 {
        try MetricRules.check(name: name, labels: labels, sysTopic: sysTopic)
        let key = Key(name: name, labels: labels.sorted { $0.name < $1.name })
        return try state.withLock { state throws(MetricError) in
            if let known = state.byKey[key], let entry = state.entries[known] {
                guard entry.kind == kind else {
                    throw MetricError("the metric \(name) exists as a \(entry.kind); give the \(kind) another name")
                }
                return entry.identifier
            }
            let index = try freeCell(&state)
            let identifier = cells.open(index, kind)
            state.entries[index] = Entry(key: key, kind: kind, sysTopic: sysTopic, identifier: identifier)
            state.byKey[key] = index
            return identifier
        }
    }

    private func freeCell(_ state: inout State) throws(MetricError) -> Int {
        if state.freeHead < state.free.count {
            let index = state.free[state.freeHead]
            state.freeHead += 1
            if state.freeHead >= 1024 {
                state.free.removeFirst(state.freeHead)
                state.freeHead = 0
            }
            return index
        }
        guard state.entries.count < MetricCells.capacity else {
            throw MetricError("there are \(MetricCells.capacity) metrics already; remove some")
        }
        state.entries.append(nil)
        return state.entries.count - 1
    }

    /// Counts; a handle that is stale or no counter's is ignored. Any thread.
    func add(_ identifier: UInt64, _ amount: UInt64) {
        cells.add(identifier, amount)
    }

    /// Sets a gauge; a handle that is stale or no gauge's is ignored. Any thread.
    func set(_ identifier: UInt64, _ value: Int64) {
        cells.set(identifier, value)
    }

    /// Sets a text; a handle that is stale or no text's is ignored. Any thread.
    func say(_ identifier: UInt64, _ text: String) {
        let announce: (@Sendable () -> Void)? = state.withLock { state in
            guard let index = Self.index(of: identifier, in: state), let entry = state.entries[index],
                entry.kind == .text, entry.text != text
            else { return nil }
            state.entries[index]?.text = text
            guard !entry.sysTopic.isEmpty, state.changed.insert(identifier).inserted else { return nil }
            return state.changed.count == 1 ? state.whenTextsChange : nil
        }
        announce?()
    }

    /// Calls `act` when a published text has changed from now on, and not again before the changes are taken.
    func whenTextsChange(_ act: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.whenTextsChange = act
            state.changed = []
        }
    }

    /// Published texts that have changed since the last call, as they are now.
    func takeChangedTexts() -> [(sysTopic: String, text: String)] {
        state.withLock { state in
            defer { state.changed = [] }
            return state.changed.compactMap { identifier in
                Self.index(of: identifier, in: state).flatMap { state.entries[$0] }.map { ($0.sysTopic, $0.text) }
            }
        }
    }

    func remove(_ identifier: UInt64) {
        state.withLock { state in
            guard let index = Self.index(of: identifier, in: state), let entry = state.entries[index] else { return }
            cells.close(index)
            state.byKey[entry.key] = nil
            state.entries[index] = nil
            state.free.append(index)
        }
    }

    /// All figures, in the order of their cells.
    func snapshot() -> [MetricSample] {
        state.withLock { state in
            state.entries.enumerated().compactMap { index, entry in
                guard let entry else { return nil }
                let value: MetricValue =
                    switch entry.kind {
                    case .counter: .counter(UInt64(bitPattern: cells.value(index)))
                    case .gauge: .gauge(cells.value(index))
                    case .text: .text(entry.text)
                    }
                return MetricSample(
                    name: entry.key.name,
                    labels: entry.key.labels,
                    sysTopic: entry.sysTopic,
                    value: value
                )
            }
        }
    }

    private static func index(of identifier: UInt64, in state: State) -> Int? {
        let index = MetricCells.index(of: identifier)
        guard index < state.entries.count, state.entries[index]?.identifier == identifier else { return nil }
        return index
    }
}
