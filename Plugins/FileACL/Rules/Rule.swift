// SPDX-License-Identifier: Apache-2.0
// A rule as the file says it, checked and understood. `RuleSet` makes the form that requests are compared with.

public enum Permission: Sendable {
    case allow
    case deny
}

struct Rule {
    let permission: Permission
    let condition: Condition
    let action: Action
    let topics: Topics
    let position: Position
    let text: String

    enum Topics {
        /// Also topics that begin with `$`, but never `$LINK/...`.
        case all
        case some([TopicPattern])
    }
}

/// What the client must be.
indirect enum Condition {
    case everybody
    /// A security profile other than this broker's, or an attribute, which clients do not have here.
    case nobody
    case field(Field, TextTest)
    case address([AddressRange])
    case every([Condition])
    case any([Condition])

    enum Field {
        case username
        case clientID
        case listener
        case zone
    }
}

enum TextTest {
    case equals([UInt8])
    case matches(Regex)
}

/// What the client must want.
struct Action {
    var publish = false
    var subscribe = false
    /// Bit n: QoS n.
    var qos: UInt8 = 0b111
    /// The retain flag of a publish, nil = either.
    var retain: Bool?
}
