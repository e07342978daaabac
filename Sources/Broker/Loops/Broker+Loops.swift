// SPDX-License-Identifier: Apache-2.0
// What other loops say, applied in the order they said it.

import MQTT

extension Broker {
    /// A batch of another loop arrived.
    public func receive(from other: Int, _ batch: LoopBatch) {
        for message in batch.messages { receive(from: other, message) }
    }

    private func receive(from other: Int, _ message: LoopMessage) {
        switch message {
        case .publish(let message):
            var publication = Publication(message)
            publication.sourceLoop = Int8(other)
            message.release()
            _ = route(&publication)
            publication.release()
        case .publishShared(let message, let filter, let group):
            publishShared(from: other, message, filter, group)
        case .interest(let filter, let interest):
            filter.withUnsafeBytes { applyInterest(of: other, ByteView($0), interest) }
        case .confirmRequest(let token): outboxes[other].messages.append(.confirm(token: token))
        case .confirm(let token): confirmed(token)
        case .holdBack(let holds): applyHoldBack(by: other, holds)
        case .retain(let message): store(message)
        case .retainedQuery(let query): answerRetained(query, to: other)
        case .retainedAnswer(let query, let messages): retainedAnswered(query, messages)
        case .takeOver(let clientIdentifier, let claim, let cleanStart):
            giveAway(clientIdentifier, claim, to: other, cleanStart: cleanStart)
        case .moving(let clientIdentifier, let claim, let subscriptions):
            expectSession(clientIdentifier, claim, subscriptions, from: other)
        case .moved(let clientIdentifier, let claim, let source):
            switchOver(clientIdentifier, claim, from: source, to: other)
        case .switched(let clientIdentifier, let claim): hasSwitched(other, clientIdentifier, claim)
        case .session(let clientIdentifier, let claim, let state): receiveSession(clientIdentifier, claim, state)
        }
    }

    /// The member that the sender knew of may have left since: then another loop's member gets the message.
    private func publishShared(from other: Int, _ message: Message, _ filter: [UInt8], _ name: [UInt8]) {
        var publication = Publication(message)
        publication.sourceLoop = Int8(other)
        message.release()
        defer { publication.release() }
        let entry = filter.withUnsafeBytes { index.find(ByteView($0)) }
        guard entry >= 0 else { return }
        let group = name.withUnsafeBytes { findGroup(ByteView($0), entry) }
        guard group >= 0, !deliverToMember(of: group, &publication) else { return }
        if case .loop(let other) = groups[group].pointee.pickLoop() {
            outboxes[other].messages.append(
                .publishShared(publication.copied(at: wallNow), filter: filter, group: name)
            )
        }
    }

    private func confirmed(_ token: UInt32) {
        guard var pending = pendingConfirmations[token] else { return }
        pending.missing -= 1
        guard pending.missing == 0 else {
            pendingConfirmations[token] = pending
            return
        }
        pendingConfirmations[token] = nil
        finish(pending)
    }
}
