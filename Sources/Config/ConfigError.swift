// SPDX-License-Identifier: Apache-2.0
// Where a value was written, and the one error of this module: a place and a sentence. Whoever prints it needs nothing
// else; whoever wants to show many (a schema check) collects an array of them.

/// A place in a file, 1-based; columns count Unicode scalars. Line 0 means the source as a whole.
public struct Origin: Sendable, Hashable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int = 0, column: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// Of values nobody wrote: they come from a setting's fallback.
    public static let fallback = Origin(file: "default")

    public var isFallback: Bool { self == .fallback }

    public var description: String { line == 0 ? file : "\(file):\(line):\(column)" }
}

public struct ConfigError: Error, Sendable, Equatable, CustomStringConvertible {
    public let origin: Origin
    /// A sentence that says what is wrong and what to write instead; it never holds the value of a secret setting.
    public let message: String

    public init(_ origin: Origin, _ message: String) {
        self.origin = origin
        self.message = message
    }

    public var description: String { "\(origin): \(message)" }
}
