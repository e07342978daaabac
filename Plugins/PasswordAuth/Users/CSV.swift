// SPDX-License-Identifier: Apache-2.0
// Comma-separated values (RFC 4180): quoted cells with doubled quotes, CR LF or LF, an empty cell is no value. It
// yields rows with their line numbers and knows nothing of users.

struct CSV {
    struct Row {
        let line: Int
        /// Nil where the cell is empty.
        let cells: [[UInt8]?]
    }

    struct Mistake: Error {
        let line: Int
        let sentence: String
    }

    private let text: [UInt8]
    private var offset: Int
    private var line = 1

    init(_ text: [UInt8]) {
        self.text = text
        offset = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// The next row that is not blank, nil at the end.
    mutating func next() throws(Mistake) -> Row? {
        while offset < text.count {
            let start = line
            var cells = [try cell()]
            while take(UInt8(ascii: ",")) { cells.append(try cell()) }
            try endLine()
            if cells.count > 1 || cells[0] != nil { return Row(line: start, cells: cells) }
        }
        return nil
    }

    private mutating func cell() throws(Mistake) -> [UInt8]? {
        if take(UInt8(ascii: "\"")) { return try quoted() }
        let start = offset
        while offset < text.count, text[offset] != UInt8(ascii: ","), !atLineEnd { offset += 1 }
        return start == offset ? nil : Array(text[start..<offset])
    }

    private mutating func quoted() throws(Mistake) -> [UInt8]? {
        let start = line
        var bytes: [UInt8] = []
        while offset < text.count {
            let byte = text[offset]
            offset += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            if byte == UInt8(ascii: "\""), !take(byte) { return bytes.isEmpty ? nil : bytes }
            bytes.append(byte)
        }
        throw Mistake(line: start, sentence: "A quoted cell that begins on this line is not closed: add a \".")
    }

    private mutating func endLine() throws(Mistake) {
        guard offset < text.count else { return }
        guard atLineEnd else {
            throw Mistake(
                line: line,
                sentence: "Text follows the closing quote of a cell: write a quote inside as \"\"."
            )
        }
        offset += text[offset] == UInt8(ascii: "\r") ? 2 : 1
        line += 1
    }

    private var atLineEnd: Bool {
        text[offset] == UInt8(ascii: "\n")
            || text[offset] == UInt8(ascii: "\r") && offset + 1 < text.count && text[offset + 1] == UInt8(ascii: "\n")
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard offset < text.count, text[offset] == byte else { return false }
        offset += 1
        return true
    }
}
