// SPDX-License-Identifier: Apache-2.0
// The log: one line an event, with time, level and text, to standard error. Lines come from any thread and are written
// whole.

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
        // A client identifier may hold anything: what would forge a line or move the cursor is shown as a code.
        var line = "\(Self.timeStamp()) [\(level.name)] "
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
                line += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        write(line + "\n")
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
