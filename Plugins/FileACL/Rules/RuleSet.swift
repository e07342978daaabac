// SPDX-License-Identifier: Apache-2.0
// The rules of all files in the order they are asked, laid out for the message path: flat tables of plain structs and
// one run of bytes, so that a request is decided without an allocation or a reference count. Immutable; a reload
// makes a new one.

import PluginKit
import Synchronization

public final class RuleSet: @unchecked Sendable {
    struct CompiledRule {
        let permission: Permission
        /// Bit 0: publish, bit 1: subscribe.
        let wants: UInt8
        let qos: UInt8
        let retain: Retain
        /// 0 topics: all of them.
        let topics: Range<UInt32>
    }

    enum Retain: UInt8 {
        case either
        case set
        case clear
    }

    struct CompiledTopic {
        let steps: Range<UInt32>
        let namesLink: Bool
    }

    struct CompiledStep {
        enum Kind: UInt8 {
            case bytes
            case level
            case below
            case anything
            case clientID
            case username
            case commonName
            case never
        }
        let kind: Kind
        let offset: UInt32
        let count: UInt32
    }

    public let noMatch: Permission
    /// Tells the profiles made for this set from those of an older one.
    let generation: UInt64
    let conditions: [Condition]
    /// The rules that are not for everybody.
    let clients: ClientIndex
    /// The rules that are.
    let forEverybody: TopicIndex
    let rules: UnsafeMutableBufferPointer<CompiledRule>
    let topics: UnsafeMutableBufferPointer<CompiledTopic>
    let steps: UnsafeMutableBufferPointer<CompiledStep>
    let bytes: UnsafeMutableBufferPointer<UInt8>
    /// For `explain`.
    private let places: [(file: String, position: Position, text: String)]

    public init(_ files: [ACLFile], noMatch: Permission) {
        var compiler = Compiler()
        for rule in files.flatMap(\.rules) { compiler.add(rule) }
        self.noMatch = noMatch
        generation = generations.wrappingAdd(1, ordering: .relaxed).newValue
        conditions = compiler.conditions
        clients = compiler.clients
        forEverybody = TopicIndex(compiler.forEverybody)
        rules = frozen(compiler.rules)
        topics = frozen(compiler.topics)
        steps = frozen(compiler.steps)
        bytes = frozen(compiler.bytes)
        places = files.flatMap { file in file.rules.map { (file.name, $0.position, $0.text) } }
    }

    deinit {
        forEverybody.deallocate()
        rules.deallocate()
        topics.deallocate()
        steps.deallocate()
        bytes.deallocate()
    }

    public var count: Int { rules.count }

    /// Where rule `index` stands, `file:line:column`, and its text.
    public func rule(_ index: Int) -> (place: String, text: String) {
        let rule = places[index]
        return ("\(rule.file):\(rule.position.line):\(rule.position.column)", rule.text)
    }
}

private let generations = Atomic<UInt64>(0)

func frozen<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
    let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
    _ = buffer.initialize(from: elements)
    return buffer
}

private struct Compiler {
    var conditions: [Condition] = []
    var clients = ClientIndex()
    var forEverybody: [(anchor: [UInt8], entry: TopicIndex.Entry)] = []
    var rules: [RuleSet.CompiledRule] = []
    var topics: [RuleSet.CompiledTopic] = []
    var steps: [RuleSet.CompiledStep] = []
    var bytes: [UInt8] = []

    mutating func add(_ rule: Rule) {
        let number = UInt32(rules.count)
        let first = UInt32(topics.count)
        if case .some(let patterns) = rule.topics {
            for pattern in patterns { add(pattern) }
        }
        switch rule.condition {
        case .everybody: forEverybody += entries(rule, number, first)
        case .nobody: break
        default: clients.add(rule.condition, rule: number)
        }
        conditions.append(rule.condition)
        rules.append(
            RuleSet.CompiledRule(
                permission: rule.permission,
                wants: (rule.action.publish ? 1 : 0) | (rule.action.subscribe ? 2 : 0),
                qos: rule.action.qos,
                retain: rule.action.retain.map { $0 ? .set : .clear } ?? .either,
                topics: first..<UInt32(topics.count)
            )
        )
    }

    private func entries(
        _ rule: Rule,
        _ number: UInt32,
        _ first: UInt32
    ) -> [(anchor: [UInt8], entry: TopicIndex.Entry)] {
        guard case .some(let patterns) = rule.topics, !patterns.isEmpty else {
            return [([], .init(rule: number, topic: TopicIndex.anyTopic))]
        }
        return patterns.enumerated().map { index, pattern in
            (pattern.anchor, .init(rule: number, topic: first + UInt32(index)))
        }
    }

    private mutating func add(_ pattern: TopicPattern) {
        let first = UInt32(steps.count)
        for step in pattern.steps {
            switch step {
            case .bytes(let run):
                steps.append(.init(kind: .bytes, offset: UInt32(bytes.count), count: UInt32(run.count)))
                bytes += run
            case .level: append(.level)
            case .below: append(.below)
            case .anything: append(.anything)
            case .value(.clientID): append(.clientID)
            case .value(.username): append(.username)
            case .value(.commonName): append(.commonName)
            case .never: append(.never)
            }
        }
        topics.append(RuleSet.CompiledTopic(steps: first..<UInt32(steps.count), namesLink: pattern.namesLink))
    }

    private mutating func append(_ kind: RuleSet.CompiledStep.Kind) {
        steps.append(.init(kind: kind, offset: 0, count: 0))
    }
}
