// SPDX-License-Identifier: Apache-2.0
// A complaint about an ACL file: where, what, and the text it is about, so that the log line alone is enough to
// mend the file.

/// A place in a file; lines and columns count from 1, columns in characters.
public struct Position: Equatable, Sendable {
    public var line = 1
    public var column = 1
    var offset = 0
}

public struct ACLError: Error, Equatable, Sendable, CustomStringConvertible {
    public let file: String
    public let position: Position
    public let sentence: String
    /// The rule, or for a mistake in the term syntax the line.
    public let excerpt: String

    public var description: String {
        let place = "\(file):\(position.line):\(position.column): \(sentence)"
        return excerpt.isEmpty ? place : "\(place) In: \(excerpt)"
    }
}

/// A mistake before it is known in which file and rule it stands.
struct Mistake: Error {
    let position: Position
    let sentence: String

    init(_ position: Position, _ sentence: String) {
        self.position = position
        self.sentence = sentence
    }
}

/// The text between two offsets on one line, cut after 120 characters.
func excerpt(_ text: [UInt8], _ start: Int, _ end: Int) -> String {
    let words = text[start..<end].split { $0 <= UInt8(ascii: " ") }.map { String(decoding: $0, as: UTF8.self) }
    let line = words.joined(separator: " ")
    return line.count > 120 ? line.prefix(117) + "..." : line
}
