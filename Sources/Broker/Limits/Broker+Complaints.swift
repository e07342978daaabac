// SPDX-License-Identifier: Apache-2.0
// Limits of what all clients together may take, when they are reached.

extension LogKind {
    static let sessionQueue = LogKind("queues with too many bytes")
    static let allQueues = LogKind("too many bytes in all queues")
    static let output = LogKind("clients that do not read")
    static let delayed = LogKind("delayed messages that are refused")
    static let sessions = LogKind("too many sessions")
    static let memory = LogKind("what is refused for want of memory")
    static let memoryShed = LogKind("what is given up for want of memory")
}

extension Broker {
    /// `source` stands for whom it is about, if the limit is that of one.
    @inline(never)
    func complain(of kind: LogKind, source: UInt64 = 0, _ text: @autoclosure () -> String) {
        guard logLevel <= .warning, let line = throttle.line(kind, source, .warning, { text() }) else { return }
        log(.warning, line)
    }
}
