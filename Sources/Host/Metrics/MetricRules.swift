// SPDX-License-Identifier: Apache-2.0
// What a metric may be called: names that every exposition format takes, and topics that may be published to.

import MQTT

/// Why a metric cannot be registered; the text is a sentence.
struct MetricError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

enum MetricRules {
    private static let labelLimit = 16

    static func check(name: String, labels: [MetricLabel], sysTopic: String) throws(MetricError) {
        guard isIdentifier(name) else {
            throw MetricError("'\(name)' is no metric name; use letters, digits and underscores, no digit in front")
        }
        guard labels.count <= labelLimit else {
            throw MetricError("the metric \(name) has \(labels.count) labels; use at most \(labelLimit)")
        }
        for label in labels where !isIdentifier(label.name) {
            throw MetricError(
                "'\(label.name)' of the metric \(name) is no label name; use letters, digits and underscores"
            )
        }
        guard Set(labels.map(\.name)).count == labels.count else {
            throw MetricError("the metric \(name) has two labels of one name; rename one")
        }
        guard sysTopic.isEmpty || isTopic(sysTopic) else {
            throw MetricError("'\(sysTopic)' of the metric \(name) cannot be published to; leave wildcards out")
        }
    }

    private static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first), text.utf8.count <= 256 else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            default: false
            }
        }
    }

    /// Short enough to leave room for `$SYS/brokers/NODE/` in front.
    private static func isTopic(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count <= 1024 && bytes.withUnsafeBytes { TopicName.validate(ByteView($0)) }
    }
}
