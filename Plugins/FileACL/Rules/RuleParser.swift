// SPDX-License-Identifier: Apache-2.0
// From terms to rules: the whole grammar of acl.conf. Every mistake of meaning is reported, rule by rule; a mistake of
// syntax ends the reading. Topics are taken apart in TopicPattern.swift.

/// The rules of one ACL file, or all that is wrong with it.
public struct ACLErrors: Error, Sendable {
    public let errors: [ACLError]
}

/// An ACL file that was read without a complaint.
public struct ACLFile {
    public let name: String
    let rules: [Rule]

    public var count: Int { rules.count }

    public init(name: String, text: [UInt8]) throws(ACLErrors) {
        self.name = name
        var rules: [Rule] = []
        var errors: [ACLError] = []
        func complain(_ mistake: Mistake, _ excerpt: String) {
            errors.append(
                ACLError(file: name, position: mistake.position, sentence: mistake.sentence, excerpt: excerpt)
            )
        }
        do {
            try checkUTF8(text)
            var terms = try TermParser(text)
            while let term = try terms.next() {
                let source = excerpt(text, term.start.offset, term.end)
                do {
                    rules.append(try parseRule(term, source))
                } catch {
                    complain(error, source)
                }
            }
        } catch {
            complain(error, line(text, error.position.offset))
        }
        guard errors.isEmpty else { throw ACLErrors(errors: errors) }
        self.rules = rules
    }
}

private func checkUTF8(_ text: [UInt8]) throws(Mistake) {
    var position = Position()
    for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        guard String(validating: line, as: UTF8.self) != nil else {
            position.offset = line.startIndex
            throw Mistake(position, "This line is not UTF-8: save the file in that encoding.")
        }
        position.line += 1
    }
}

private func line(_ text: [UInt8], _ offset: Int) -> String {
    let place = min(offset, text.count)
    let start = text[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return excerpt(text, start, text[place...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count)
}

private func parseRule(_ term: Term, _ text: String) throws(Mistake) -> Rule {
    guard let parts = term.tuple else {
        throw term.mistake("A rule is a tuple in braces, {allow, ...} or {deny, ...}, not \(term.description).")
    }
    guard let first = parts.first else {
        throw term.mistake("This rule is empty: write {allow, all} or {allow, CLIENTS, ACTION, TOPICS}.")
    }
    let permission = try parsePermission(first)
    switch parts.count {
    case 2:
        return Rule(
            permission: permission,
            condition: try shortCondition(parts[1]),
            action: Action(publish: true, subscribe: true),
            topics: .all,
            position: term.start,
            text: text
        )
    case 4:
        return Rule(
            permission: permission,
            condition: try parseCondition(parts[1]),
            action: try parseAction(parts[2]),
            topics: try parseTopics(parts[3]),
            position: term.start,
            text: text
        )
    default:
        throw term.mistake(
            "A rule has two parts, {allow, all}, or four, {allow, CLIENTS, ACTION, TOPICS}; this one has \(parts.count)."
        )
    }
}

private func parsePermission(_ term: Term) throws(Mistake) -> Permission {
    switch term.atom {
    case "allow"?: return .allow
    case "deny"?: return .deny
    case let word?:
        throw term.mistake("A rule begins with allow or deny, not \(word)\(suggestion(word, ["allow", "deny"]))")
    case nil:
        let hint = term.string == nil ? "" : ": write it without quotes"
        throw term.mistake("A rule begins with the word allow or deny, not \(term.description)\(hint).")
    }
}

/// The second part of `{allow, all}` and `{allow, {security_profile, legacy}}`.
private func shortCondition(_ term: Term) throws(Mistake) -> Condition {
    if term.atom == "all" { return .everybody }
    if let parts = term.tuple, parts.first?.atom == "security_profile" { return try parseCondition(term) }
    throw term.mistake(
        "A rule of two parts can only be {allow, all} or {deny, all}: name an action and topics too, "
            + "as in {allow, {username, \"u\"}, publish, [\"t/#\"]}."
    )
}

// MARK: Actions

private func parseAction(_ term: Term) throws(Mistake) -> Action {
    if let word = term.atom { return try action(word, term) }
    guard let parts = term.tuple, parts.count == 2, let word = parts[0].atom else {
        throw term.mistake(
            "An action is publish, subscribe, all or {publish, [{qos, 1}, {retain, false}]}, not \(term.description)."
        )
    }
    var result = try action(word, parts[0])
    guard let options = parts[1].list else {
        throw parts[1].mistake("The options of an action stand in square brackets: {\(word), [{qos, 1}]}.")
    }
    var qos: UInt8?
    for option in options {
        guard let pair = option.tuple, pair.count == 2, let name = pair[0].atom else {
            throw option.mistake("An option of an action is {qos, Q} or {retain, true}, not \(option.description).")
        }
        switch name {
        case "qos": qos = try (qos ?? 0) | parseQoS(pair[1])
        case "retain" where !result.publish:
            throw option.mistake(
                "Only a publish has a retain flag: remove this option, or write publish or all for subscribe."
            )
        case "retain": result.retain = try parseRetain(pair[1])
        default:
            throw pair[0].mistake("\(name) is no option of an action\(suggestion(name, ["qos", "retain"]))")
        }
    }
    result.qos = qos ?? result.qos
    return result
}

private func action(_ word: String, _ term: Term) throws(Mistake) -> Action {
    switch word {
    case "publish": return Action(publish: true)
    case "subscribe": return Action(subscribe: true)
    case "all": return Action(publish: true, subscribe: true)
    default:
        throw term.mistake("\(word) is no action\(suggestion(word, ["publish", "subscribe", "all"]))")
    }
}

private func parseQoS(_ term: Term) throws(Mistake) -> UInt8 {
    if let items = term.list, !items.isEmpty {
        var mask: UInt8 = 0
        for item in items { mask |= try parseQoS(item) }
        return mask
    }
    guard case .integer(let qos) = term.kind, (0...2).contains(qos) else {
        throw term.mistake("A QoS is 0, 1, 2 or a list of these, not \(term.description).")
    }
    return 1 << UInt8(qos)
}

private func parseRetain(_ term: Term) throws(Mistake) -> Bool? {
    switch term.atom {
    case "true"?: return true
    case "false"?: return false
    case "all"?: return nil
    default: throw term.mistake("The option retain is true, false or all, not \(term.description).")
    }
}

// MARK: Topics

private func parseTopics(_ term: Term) throws(Mistake) -> Rule.Topics {
    if let word = term.atom {
        if word == "all" { return .all }
        throw term.mistake("\(word) is no list of topics: write a list of strings, or all for every topic.")
    }
    if let text = term.string {
        let topic = String(decoding: text, as: UTF8.self)
        throw term.mistake("Topics are a list, also when there is only one: write [\"\(topic)\"].")
    }
    guard let items = term.list else {
        throw term.mistake("The topics of a rule are a list of strings or the word all, not \(term.description).")
    }
    guard !items.isEmpty else {
        throw term.mistake("An empty list of topics never matches: name topics, or write all.")
    }
    var patterns: [TopicPattern] = []
    for item in items { patterns.append(try parseTopic(item)) }
    return .some(patterns)
}

private func parseTopic(_ term: Term) throws(Mistake) -> TopicPattern {
    if let text = term.string {
        let prefix = Array("eq ".utf8)
        if text.starts(with: prefix) {
            return try TopicPattern(literal: Array(text.dropFirst(prefix.count)), at: term.start)
        }
        return try TopicPattern(text, at: term.start)
    }
    guard let parts = term.tuple, let word = parts.first?.atom else {
        throw term.mistake("A topic is a string or {eq, \"topic\"}, not \(term.description).")
    }
    guard word == "eq" else { throw term.mistake("{\(word), ...} is no topic\(suggestion(word, ["eq"]))") }
    guard parts.count == 2, let text = parts[1].string else {
        throw term.mistake("eq takes one string: {eq, \"topic\"}.")
    }
    return try TopicPattern(literal: text, at: parts[1].start)
}
