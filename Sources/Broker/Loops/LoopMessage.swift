// SPDX-License-Identifier: Apache-2.0
// What loops say to each other. Another loop is a destination like any other: it tells which filters it wants, gets
// each matching message once, and matches it again for its own sessions. Messages of one loop to another keep their
// order; a turn's worth travels as one batch.

import MQTT

/// Everything inside is owned by the receiver: no memory is shared between the loops.
public struct LoopBatch: @unchecked Sendable {
    private var messages: [LoopMessage] = []
    /// What comes behind them.
    private var run: MessageRun?

    public var isEmpty: Bool { messages.isEmpty && run == nil }

    mutating func append(_ message: LoopMessage) {
        closeRun()
        messages.append(message)
    }

    /// A copy of the publication.
    mutating func append(_ publication: borrowing Publication, at wallTime: UInt64) {
        let size = publication.size
        if size > MessageRun.largest { return append(.publish(publication.copied(at: wallTime))) }
        if run?.append(publication, size: size, at: wallTime) == true { return }
        closeRun()
        var fresh = MessageRun(for: size, isFirst: messages.isEmpty)
        _ = fresh.append(publication, size: size, at: wallTime)
        run = fresh
    }

    private mutating func closeRun() {
        if let run { messages.append(.publishRun(run)) }
        run = nil
    }

    /// In the order in which they were appended.
    func each(_ body: (LoopMessage) -> Void) {
        for message in messages { body(message) }
        if let run { body(.publishRun(run)) }
    }
}

enum Interest {
    /// A session of the sender wants the filter, or does not any more.
    case sessions(Bool)
    /// A plugin's destination on the sender does.
    case destinations(Bool)
    /// Which members of the shared group the sender has.
    case members(group: [UInt8], SharedGroup.Remote)
}

enum LoopMessage {
    /// Route this to sessions and destinations of the receiver. The receiver releases it.
    case publish(Message)
    /// The same with many. The receiver frees the run.
    case publishRun(MessageRun)
    /// The same with packets that are sent on as they are. The receiver frees the run.
    case publishPackets(PacketRun)
    /// Hand this to one member of each of the groups.
    case publishShared(Message, [SharedPath])
    case interest(filter: [UInt8], Interest)
    /// Asks for `confirm`, which says that everything before it was applied.
    case confirmRequest(token: UInt32)
    case confirm(token: UInt32)
    /// A session of the sender cannot take more of what this client publishes, or can again; without a name, of what links
    /// and plugins do.
    case holdBack(clientIdentifier: [UInt8], Bool)
    /// For the owner of the retained store.
    case retain(Message)
    case retainedQuery(RetainedQuery)
    case retainedAnswer(RetainedQuery, [Message], isLast: Bool)
    /// The sender will not ask for the rest.
    case retainedStop(read: UInt32)
    /// The same for a plugin's own subscription, by the identifier of its destination: all at once.
    case retainedQueryOfPlugin(filter: [UInt8], UInt64)
    case retainedAnswerToPlugin(UInt64, [Message])
    /// End the connection of this client and send its session over, the one that `claim` was made for, since the client
    /// arrived at the sender.
    case takeOver(clientIdentifier: [UInt8], claim: UInt64, cleanStart: Bool)
    /// The session of `claim` will come; its subscriptions go ahead of it.
    case moving(clientIdentifier: [UInt8], claim: UInt64, [NamedSubscription])
    /// The session of `claim` has its subscriptions on the sender, too: from now on its messages go there rather than to
    /// the loop it comes from.
    case moved(clientIdentifier: [UInt8], claim: UInt64, from: Int)
    /// The answer, to both loops, behind everything that was sent to them before.
    case switched(clientIdentifier: [UInt8], claim: UInt64)
    case session(clientIdentifier: [UInt8], claim: UInt64, SessionState?)
    /// A plugin wants this client gone, which went to the receiver.
    case kick(clientIdentifier: [UInt8], ReasonCode, dropsSession: Bool, plugin: String)
}

/// How a message of a shared group goes from loop to loop.
struct SharedPath {
    /// The group, as the receiver and as the sender call it.
    var destination = GroupReference.none
    var sender = GroupReference.none
    /// The loops all of whose members were full: bit n = loop n.
    var tried: UInt64 = 0
    /// It had a member before, whose session ended.
    var isAgain = false
}

/// A subscription by its names, which mean the same on every loop.
struct NamedSubscription {
    var filter: [UInt8]
    var group: [UInt8]
    var options: DeliveryOptions
}

/// A session on its way to another loop.
struct SessionState {
    var expiryInterval: UInt32
    var rules: UInt32
    var inflight: InflightWindow
    var queue: MessageQueue
    var received: PacketIdentifierSet
    /// The shared subscriptions by which messages of the queue and in flight came.
    var formerGroups: [GroupName]
}
