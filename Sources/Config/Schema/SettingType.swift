// SPDX-License-Identifier: Apache-2.0
// The types a setting may have, and their text form: `duration|enum(infinity)`, `string[]`, `int?`. The text form is
// how plugins declare settings and how the documentation shows them.

public indirect enum SettingType: Sendable, Equatable, CustomStringConvertible {
    case string
    case bool
    case int
    case float
    /// In milliseconds once checked.
    case duration
    /// In bytes once checked.
    case bytesize
    /// A fraction once checked: `50%` is 0.5.
    case percent
    /// So many a second once checked: `500/10s` is 50.
    case rate
    /// One of these words.
    case choice([String])
    /// Whatever is there, with all below it.
    case any
    /// An object whose keys are declared as settings of their own.
    case object
    case array(SettingType)
    /// The first of these that fits.
    case union([SettingType])
    /// It may be absent, without a default.
    case optional(SettingType)

    public var description: String {
        switch self {
        case .string: "string"
        case .bool: "bool"
        case .int: "int"
        case .float: "float"
        case .duration: "duration"
        case .bytesize: "bytesize"
        case .percent: "percent"
        case .rate: "rate"
        case .choice(let words): "enum(\(words.joined(separator: ",")))"
        case .any: "any"
        case .object: "object"
        case .array(let element): "\(element)[]"
        case .union(let members): members.map(\.description).joined(separator: "|")
        case .optional(let type): "\(type)?"
        }
    }

    /// Reads the text form; nil if it is none.
    public init?(text: String) {
        var text = Substring(text)
        let optional = text.hasSuffix("?")
        if optional { text.removeLast() }
        var members: [SettingType] = []
        for part in Self.split(text, at: "|") {
            guard let member = Self.member(part) else { return nil }
            members.append(member)
        }
        guard let first = members.first else { return nil }
        let type = members.count == 1 ? first : .union(members)
        self = optional ? .optional(type) : type
    }

    private static func member(_ text: Substring) -> SettingType? {
        if text.hasSuffix("[]") { return member(text.dropLast(2)).map { .array($0) } }
        switch text {
        case "string": return .string
        case "bool": return .bool
        case "int": return .int
        case "float": return .float
        case "duration": return .duration
        case "bytesize": return .bytesize
        case "percent": return .percent
        case "rate": return .rate
        case "any": return .any
        case "object": return .object
        default:
            guard text.hasPrefix("enum("), text.hasSuffix(")") else { return nil }
            let words = split(text.dropFirst(5).dropLast(), at: ",").map { word in
                String(word.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            if words.contains(where: { $0.isEmpty || $0.contains { "()|[]?".contains($0) } }) { return nil }
            return .choice(words)
        }
    }

    /// Cuts at `separator` outside parentheses.
    private static func split(_ text: Substring, at separator: Character) -> [Substring] {
        var parts: [Substring] = []
        var start = text.startIndex
        var depth = 0
        for index in text.indices {
            switch text[index] {
            case "(": depth += 1
            case ")": depth -= 1
            case separator where depth == 0:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        parts.append(text[start...])
        return parts
    }

    var isOptional: Bool {
        if case .optional = self { return true }
        return false
    }

    /// The alternatives, without optionality.
    var members: [SettingType] {
        switch self {
        case .optional(let type): type.members
        case .union(let members): members.flatMap(\.members)
        default: [self]
        }
    }

    /// What an array's elements are, if it may be an array.
    var element: SettingType? {
        switch self {
        case .array(let element): element
        case .optional(let type): type.element
        case .union(let members): members.lazy.compactMap(\.element).first
        default: nil
        }
    }

    /// Whether an object with declared keys fits.
    var admitsObject: Bool {
        switch self {
        case .object: true
        case .optional(let type): type.admitsObject
        case .union(let members): members.contains(where: \.admitsObject)
        default: false
        }
    }

    /// How a message asks for it.
    var expectation: String {
        switch self {
        case .string: "a string"
        case .bool: "true or false"
        case .int: "a whole number"
        case .float: "a number"
        case .duration: "a duration such as 15s, 1h30m or a number of milliseconds"
        case .bytesize: "a size such as 64KB, 1MB or a number of bytes"
        case .percent: "a percentage such as 50%"
        case .rate: "a rate such as 1000/s or 50/10s"
        case .choice(let words): words.count == 1 ? words[0] : "one of \(words.joined(separator: ", "))"
        case .any: "any value"
        case .object: "an object { … }"
        case .array: "an array [ … ]"
        case .union(let members): members.map(\.expectation).joined(separator: " or ")
        case .optional(let type): type.expectation
        }
    }

    /// The value as this type holds it; nil if it is none. Arrays and objects are the schema check's business.
    func converted(_ kind: Value.Kind) -> Value.Kind? {
        switch (self, kind) {
        case (.any, _): kind
        case (.string, .string): kind
        case (.string, .number(let text)): .string(text)
        case (.string, .bool(let value)): .string(value ? "true" : "false")
        case (.bool, .bool): kind
        case (.bool, .string("true")): .bool(true)
        case (.bool, .string("false")): .bool(false)
        case (.int, .number(let text)), (.int, .string(let text)):
            NumberText.isNumber(text) ? NumberText.int(text).map { .number(String($0)) } : nil
        case (.float, .number(let text)), (.float, .string(let text)):
            NumberText.isNumber(text) && NumberText.double(text) != nil ? .number(text) : nil
        case (.duration, .number(let text)), (.duration, .string(let text)):
            Units.milliseconds(text).map { .number(String($0)) }
        case (.bytesize, .number(let text)), (.bytesize, .string(let text)):
            Units.bytes(text).map { .number(String($0)) }
        case (.percent, .number(let text)), (.percent, .string(let text)):
            Units.fraction(text).map { .number(String($0)) }
        case (.rate, .string(let text)):
            Units.perSecond(text).map { .number(String($0)) }
        case (.choice(let words), .string(let text)): words.contains(text) ? kind : nil
        case (.choice(let words), .bool(let value)): words.contains("\(value)") ? .string("\(value)") : nil
        case (.union(let members), _): members.lazy.compactMap { $0.converted(kind) }.first
        case (.optional(let type), _): type.converted(kind)
        default: nil
        }
    }
}
