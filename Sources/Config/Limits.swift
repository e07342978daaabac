// SPDX-License-Identifier: Apache-2.0
// How much a configuration may ask for. Real ones stay far below; the caps turn a hostile or mangled file into an
// error instead of a stack overflow or an out-of-memory kill.

enum Limits {
    /// Objects and arrays inside each other, dotted keys included.
    static let nesting = 200
    /// Bytes of one file, and of all files of one configuration together.
    static let fileBytes = 16 << 20
    static let totalBytes = 64 << 20
    /// Files including files, and include statements carried out in all.
    static let includeDepth = 16
    static let includes = 1_000
    /// Values of a configuration, before and after substitution.
    static let values = 1_000_000
    /// Steps taken to follow substitutions.
    static let resolverSteps = 4_000_000
    /// Text produced by joining strings.
    static let resolvedBytes = 64 << 20
    /// Values whose computing needs one another, nested objects included.
    static let resolverDepth = 300
}
