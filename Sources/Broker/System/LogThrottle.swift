// SPDX-License-Identifier: Apache-2.0
// What clients, links and plugins can make happen again and again fills no log: of the lines of one kind about one
// source a few are written, of all lines of a kind a hundred, and when the time is over how many there were more.

import Synchronization

/// What lines are about: those of a kind share their limit.
public struct LogKind: Hashable, Sendable {
    /// As the summary names them: "lines about …".
    public let name: String
    /// Lines of ordinary life, which many clients have each its own of.
    public let isRoutine: Bool

    public init(_ name: String, isRoutine: Bool = false) {
        self.name = name
        self.isRoutine = isRoutine
    }

    static let admission = LogKind("clients that are not admitted")
    static let authorization = LogKind("topics that are denied")
    static let protocolError = LogKind("clients that break the protocol")
    static let silence = LogKind("clients that are silent")
    static let flapping = LogKind("clients that flap")
    static let plugin = LogKind("what plugins answer")
    static let slowReceiver = LogKind("slow receivers")
    static let retained = LogKind("retained messages that are not kept")
    static let turn = LogKind("clients that make more work than a turn may have")
    static let costlyMatch = LogKind("messages that many wildcard filters are looked at for")
    static let retainedReads = LogKind("clients that wait for too many retained messages")
    static let subscriptions = LogKind("subscriptions that are one too many")
    static let kicked = LogKind("clients that are disconnected")
    static let takenOver = LogKind("clients that are taken over")
    static let connections = LogKind("connections", isRoutine: true)
}

/// Thread safety: one lock, held for a look at a table and never while a text is made.
public final class LogThrottle: Sendable {
    public struct Limits: Sendable {
        /// Lines of one kind about one source.
        public var perSource = 3
        /// Lines of one kind in all; a hundred times as many if it is routine.
        public var perKind = 100

        public init() {}
    }

    fileprivate struct Source {
        var written = 0
        var leftOut = 0
        /// What one of them said.
        var sample = ""
    }

    fileprivate struct Kind {
        var sources: [UInt64: Source] = [:]
        var written = 0
        var othersLeftOut = 0
        var level = LogLevel.debug
    }

    fileprivate struct State {
        var limits = Limits()
        var kinds: [LogKind: Kind] = [:]
        var leftOut: UInt64 = 0
    }

    fileprivate enum Decision: Equatable {
        case write
        /// The first that is left out says for the summary what they are like.
        case keepSample(LogKind)
        case leaveOut
    }

    /// Plugins name kinds of their own; those beyond this share one.
    fileprivate static let maximumKinds = 256
    fileprivate static let furtherKind = LogKind("other things")
    /// Summaries that quote a line; those beyond this are one line together.
    private static let maximumQuotes = 10

    private let state = Mutex(State())

    public init() {}

    public var limits: Limits {
        get { state.withLock { $0.limits } }
        set { state.withLock { $0.limits = newValue } }
    }

    /// All lines that were left out since the start.
    public var leftOut: UInt64 { state.withLock { $0.leftOut } }

    /// The line, if it is to be written; else it is counted. `source` stands for whom it is about.
    public func line(_ kind: LogKind, _ source: UInt64, _ level: LogLevel, _ text: () -> String) -> String? {
        switch state.withLock({ $0.decide(kind, source, level) }) {
        case .write: return text()
        case .leaveOut: return nil
        case .keepSample(let kind):
            let sample = text().clipped(to: 300)
            state.withLock { $0.kinds[kind]?.sources[source]?.sample = sample }
            return nil
        }
    }

    /// What was left out since the last call, as lines; everything is counted anew from here.
    public func takeSummary() -> [(level: LogLevel, text: String)] {
        let kinds = state.withLock { state in
            defer { state.kinds = [:] }
            return state.kinds
        }
        return kinds.sorted { $0.key.name < $1.key.name }.flatMap { Self.summary($0.key, $0.value) }
    }

    private static func summary(_ kind: LogKind, _ entries: Kind) -> [(level: LogLevel, text: String)] {
        let repeated = entries.sources.values.filter { $0.leftOut > 0 }.sorted { $0.leftOut > $1.leftOut }
        var lines = repeated.prefix(maximumQuotes).map {
            (entries.level, "\($0.leftOut) more lines were left out, such as: \($0.sample)")
        }
        let rest = repeated.dropFirst(maximumQuotes).reduce(entries.othersLeftOut) { $0 + $1.leftOut }
        if rest > 0 { lines.append((entries.level, "\(rest) more lines about \(kind.name) were left out")) }
        return lines
    }
}

extension LogThrottle.State {
    fileprivate mutating func decide(_ given: LogKind, _ source: UInt64, _ level: LogLevel) -> LogThrottle.Decision {
        let isKnown = kinds[given] != nil || kinds.count < LogThrottle.maximumKinds
        let kind = isKnown ? given : LogThrottle.furtherKind
        let decision = kinds[kind, default: .init()].decide(kind, source, level, limits)
        if decision != .write { leftOut &+= 1 }
        return decision
    }
}

extension LogThrottle.Kind {
    fileprivate mutating func decide(
        _ kind: LogKind,
        _ source: UInt64,
        _ level: LogLevel,
        _ limits: LogThrottle.Limits
    ) -> LogThrottle.Decision {
        self.level = max(self.level, level)
        let limit = limits.perKind * (kind.isRoutine ? 100 : 1)
        if var known = sources[source] {
            defer { sources[source] = known }
            if known.written < limits.perSource, written < limit {
                known.written += 1
                written += 1
                return .write
            }
            known.leftOut += 1
            return known.leftOut == 1 ? .keepSample(kind) : .leaveOut
        }
        guard written < limit else {
            othersLeftOut += 1
            return .leaveOut
        }
        sources[source] = .init(written: 1)
        written += 1
        return .write
    }
}
