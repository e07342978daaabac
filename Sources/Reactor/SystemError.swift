// SPDX-License-Identifier: Apache-2.0
// What the operating system said, as text for people. Holds no policy: callers build the sentence around it.

import CLinux
import Glibc

/// A failure as one full sentence, ready for a log or a terminal.
public struct ReactorError: Error, Equatable, CustomStringConvertible {
    public let sentence: String

    public init(_ sentence: String) { self.sentence = sentence }

    public var description: String { sentence }
}

/// The system's words for `number`, in lower case: they stand in the middle of a sentence.
public func describeError(_ number: Int32) -> String {
    guard let text = linux_error_text(number) else { return "error \(number)" }
    let words = String(cString: text)
    return words.prefix(1).lowercased() + words.dropFirst()
}
