// SPDX-License-Identifier: Apache-2.0
// The log: one line an event, with time, level and text, to standard error. Lines come from any thread and are written
// whole. What clients, links and plugins can repeat at will goes through the throttle.

import Broker
import Glibc

extension LogLevel: CaseIterable {
    public static var allCases: [LogLevel] { [.debug, .info, .notice, .warning, .error] }

    var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        }
    }

    init?(name: String) {
        guard let level = LogLevel.allCases.first(where: { $0.name == name }) else { return nil }
        self = level
    }
}

final class Log: Sendable {
    let level: LogLevel
    let throttle = LogThrottle()
    private let write: @Sendable (String) -> Void

    /// `write` takes one line with its end.
    init(level: LogLevel, write: @escaping @Sendable (String) -> Void) {
        self.level = level
        self.write = write
    }

    /// To standard error.
    convenience init(level: LogLevel) {
        let output = LogOutput(descriptor: 2)
        self.init(level: level) { output.write($0) }
    }

    func callAsFunction(_ level: LogLevel, _ text: String) {
        guard level >= self.level else { return }
        write("\(Self.timeStamp()) [\(level.name)] \(text.clipped(to: Self.longestText).withMarksShown)\n")
    }

    /// More than any sentence of ours has; who puts a text from outside into one clips that much shorter.
    private static let longestText = 4096

    /// A line that may come again and again; `source` is whom it is about.
    func repeated(_ level: LogLevel, _ kind: LogKind, _ source: String, _ text: () -> String) {
        guard level >= self.level else { return }
        let source = UInt64(truncatingIfNeeded: source.hashValue)
        if let line = throttle.line(kind, source, level, text) { self(level, line) }
    }

    /// Says how many such lines were left out, and begins to count anew.
    func tellLeftOut() {
        for line in throttle.takeSummary() { self(line.level, line.text) }
    }

    private static func timeStamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        localtime_r(&now.tv_sec, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let text = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(text).\(milliseconds)"
    }
}

extension String {
    /// A client identifier may hold anything: what would forge a line, move the cursor, turn the direction of writing or
    /// not be seen at all is shown as a code.
    var withMarksShown: String {
        var shown = ""
        shown.reserveCapacity(utf8.count)
        for scalar in unicodeScalars {
            if scalar.isMark {
                shown += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}

extension Unicode.Scalar {
    /// Control characters, separators of lines, and what has no width or none of its own.
    fileprivate var isMark: Bool {
        if value < 0x7F { return value < 0x20 }
        if properties.isDefaultIgnorableCodePoint { return true }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: return true
        default: return false
        }
    }
}
