// SPDX-License-Identifier: Apache-2.0
// The second part of a rule: whom it is for.

private let words = [
    "all", "username", "user", "clientid", "client", "ipaddr", "ipaddrs", "client_attr", "zone", "listener",
    "security_profile", "and", "or",
]

func parseCondition(_ term: Term) throws(Mistake) -> Condition {
    if term.atom == "all" { return .everybody }
    if let word = term.atom {
        let hint = words.contains(word) ? ": it needs a value, as in {\(word), ...}." : suggestion(word, words)
        throw term.mistake("\(word) alone does not say whom the rule is for\(hint)")
    }
    guard let parts = term.tuple, let first = parts.first else {
        throw term.mistake("Whom a rule is for is all or a tuple such as {username, \"u\"}, not \(term.description).")
    }
    guard let word = first.atom else {
        let hint = first.string == nil ? "" : ": write it without quotes"
        throw first.mistake("A condition begins with a word such as username, not \(first.description)\(hint).")
    }
    return try condition(word, Array(parts.dropFirst()), term)
}

private func condition(_ word: String, _ values: [Term], _ term: Term) throws(Mistake) -> Condition {
    switch word {
    case "username", "user": return .field(.username, try text(word, values, term))
    case "clientid", "client": return .field(.clientID, try text(word, values, term))
    case "zone": return .field(.zone, try text(word, values, term, orAtom: true))
    case "listener": return .field(.listener, try text(word, values, term, orAtom: true))
    case "ipaddr": return .address([try address(try only(values, word, "\"10.0.0.0/8\"", term))])
    case "ipaddrs": return .address(try addresses(values, term))
    case "client_attr": return try attribute(values, term)
    case "security_profile": return try profile(values, term)
    case "and": return .every(try conditions(word, values, term))
    case "or": return .any(try conditions(word, values, term))
    default: throw term.mistake("\(word) is no condition\(suggestion(word, words))")
    }
}

private func only(_ values: [Term], _ word: String, _ example: String, _ term: Term) throws(Mistake) -> Term {
    guard values.count == 1, let value = values.first else {
        throw term.mistake("\(word) takes one value, {\(word), \(example)}; here are \(values.count).")
    }
    return value
}

private func text(_ word: String, _ values: [Term], _ term: Term, orAtom: Bool = false) throws(Mistake) -> TextTest {
    let value = try only(values, word, "\"value\"", term)
    if let bytes = value.string { return .equals(bytes) }
    if orAtom, let atom = value.atom { return .equals(Array(atom.utf8)) }
    if let atom = value.atom {
        throw value.mistake("The value of \(word) is a string: write \"\(atom)\" in double quotes.")
    }
    guard let parts = value.tuple, let kind = parts.first?.atom else {
        throw value.mistake("The value of \(word) is a string or {re, \"pattern\"}, not \(value.description).")
    }
    guard kind == "re" else { throw value.mistake("{\(kind), ...} is no test of \(word)\(suggestion(kind, ["re"]))") }
    guard parts.count == 2, let pattern = parts[1].string else {
        throw value.mistake("re takes one string: {re, \"pattern\"}.")
    }
    do {
        return .matches(try Regex(pattern))
    } catch {
        throw parts[1].mistake(
            "The regular expression \"\(String(decoding: pattern, as: UTF8.self))\" is wrong at its offset "
                + "\(error.offset): \(error.message)."
        )
    }
}

private func addresses(_ values: [Term], _ term: Term) throws(Mistake) -> [AddressRange] {
    let value = try only(values, "ipaddrs", "[\"10.0.0.0/8\"]", term)
    guard let items = value.list, !items.isEmpty else {
        throw value.mistake("ipaddrs takes a list of addresses, [\"10.0.0.0/8\", \"::1\"], not \(value.description).")
    }
    var ranges: [AddressRange] = []
    for item in items { ranges.append(try address(item)) }
    return ranges
}

private func address(_ term: Term) throws(Mistake) -> AddressRange {
    guard let text = term.string else {
        throw term.mistake("An address is a string such as \"10.0.0.0/8\", not \(term.description).")
    }
    let words = String(decoding: text, as: UTF8.self)
    guard let range = AddressRange(words) else {
        throw term.mistake("\"\(words)\" is no IP address and no range such as \"10.0.0.0/8\" or \"2001:db8::/32\".")
    }
    return range
}

/// Checked like the others, so that a file can be shared with brokers whose clients have attributes.
private func attribute(_ values: [Term], _ term: Term) throws(Mistake) -> Condition {
    guard values.count == 2 else {
        throw term.mistake("client_attr takes a name and a value: {client_attr, \"name\", \"value\"}.")
    }
    guard values[0].string != nil || values[0].atom != nil else {
        throw values[0].mistake("The name of a client_attr is a string, not \(values[0].description).")
    }
    _ = try text("client_attr", [values[1]], term)
    return .nobody
}

private func profile(_ values: [Term], _ term: Term) throws(Mistake) -> Condition {
    let value = try only(values, "security_profile", "legacy", term)
    switch value.atom {
    case "legacy"?: return .everybody
    case "hardened"?: return .nobody
    case let word?:
        throw value.mistake("\(word) is no security profile\(suggestion(word, ["legacy", "hardened"]))")
    case nil: throw value.mistake("A security profile is legacy or hardened, not \(value.description).")
    }
}

private func conditions(_ word: String, _ values: [Term], _ term: Term) throws(Mistake) -> [Condition] {
    let value = try only(values, "'\(word)'", "[{username, \"u\"}, {ipaddr, \"10.0.0.0/8\"}]", term)
    guard let items = value.list, !items.isEmpty else {
        throw value.mistake("'\(word)' takes a list of conditions, not \(value.description).")
    }
    var result: [Condition] = []
    for item in items { result.append(try parseCondition(item)) }
    return result
}
