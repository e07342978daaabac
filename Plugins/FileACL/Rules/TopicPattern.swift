// SPDX-License-Identifier: Apache-2.0
// One topic of a rule, cut into the steps that a request's topic is compared by: runs of bytes, `+`, `#`, and the
// values that `${...}` stands for. Comparing is in RuleSet+Match.swift.

struct TopicPattern {
    enum Step: Equatable {
        case bytes([UInt8])
        /// `+`
        case level
        /// `/#` at the end: nothing more, or a slash and anything.
        case below
        /// `#` alone
        case anything
        case value(Value)
        /// A value no client has: the topic never matches.
        case never
    }

    enum Value: UInt8 {
        case clientID
        case username
        case commonName
    }

    let steps: [Step]
    /// Whether the first level is `$LINK` as written, not by a wildcard or a value.
    let namesLink: Bool

    /// `{eq, topic}`: this text and no other.
    init(literal text: [UInt8], at position: Position) throws(Mistake) {
        try check(text, position)
        steps = [.bytes(text)]
        namesLink = isLinkTopic(text)
    }

    /// A filter with templates.
    init(_ text: [UInt8], at position: Position) throws(Mistake) {
        try check(text, position)
        var builder = Builder(text: String(decoding: text, as: UTF8.self), position: position)
        let levels = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, level) in levels.enumerated() {
            try builder.add(level, isFirst: index == 0, isLast: index == levels.count - 1)
        }
        steps = builder.steps
        namesLink = isLinkTopic(text)
    }
}

private func isLinkTopic(_ text: [UInt8]) -> Bool {
    text.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false).first?
        .elementsEqual("$LINK".utf8) ?? false
}

private func check(_ text: [UInt8], _ position: Position) throws(Mistake) {
    guard !text.isEmpty else { throw Mistake(position, "A topic has at least one character.") }
    guard !text.contains(0) else { throw Mistake(position, "A topic cannot hold the character U+0000.") }
    guard text.count <= 65_535 else { throw Mistake(position, "A topic has at most 65535 bytes.") }
}

private struct Builder {
    let text: String
    let position: Position
    var steps: [TopicPattern.Step] = []

    mutating func add(_ level: ArraySlice<UInt8>, isFirst: Bool, isLast: Bool) throws(Mistake) {
        if level.elementsEqual("#".utf8) {
            guard isLast else { throw mistake("# can only stand at the end of a topic") }
            steps.append(isFirst ? .anything : .below)
            return
        }
        if !isFirst { append([UInt8(ascii: "/")]) }
        if level.elementsEqual("+".utf8) {
            steps.append(.level)
        } else {
            try addTemplate(level)
        }
    }

    private mutating func addTemplate(_ level: ArraySlice<UInt8>) throws(Mistake) {
        var rest = level
        while let byte = rest.first {
            if byte == UInt8(ascii: "#") || byte == UInt8(ascii: "+") {
                throw mistake("\(Character(Unicode.Scalar(byte))) must be a level of its own")
            }
            guard rest.starts(with: "${".utf8) else {
                append([byte])
                rest = rest.dropFirst()
                continue
            }
            guard let close = rest.firstIndex(of: UInt8(ascii: "}")) else {
                throw mistake("the ${ is not closed on its level by a }")
            }
            try addValue(String(decoding: rest[(rest.startIndex + 2)..<close], as: UTF8.self))
            rest = rest[(close + 1)...]
        }
    }

    private mutating func addValue(_ name: String) throws(Mistake) {
        switch name {
        case "$": append([UInt8(ascii: "$")])
        case "clientid": steps.append(.value(.clientID))
        case "username": steps.append(.value(.username))
        case "cert_common_name": steps.append(.value(.commonName))
        case "zone": append(Array("default".utf8))
        case _ where name.hasPrefix("client_attrs.") && name.utf8.count > 13: steps.append(.never)
        default:
            let names = ["clientid", "username", "cert_common_name", "client_attrs.NAME", "zone", "$"]
            throw Mistake(position, "In the topic \"\(text)\", ${\(name)} stands for nothing\(suggestion(name, names))")
        }
    }

    private mutating func append(_ bytes: [UInt8]) {
        if case .bytes(let before)? = steps.last {
            steps[steps.count - 1] = .bytes(before + bytes)
        } else {
            steps.append(.bytes(bytes))
        }
    }

    private func mistake(_ reason: String) -> Mistake {
        Mistake(position, "\"\(text)\" is no topic filter: \(reason).")
    }
}
