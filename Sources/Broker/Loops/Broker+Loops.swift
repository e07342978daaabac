// SPDX-License-Identifier: Apache-2.0
// What other loops say, applied in the order they said it.

import MQTT

extension Broker {
    /// A batch of another loop arrived.
    public func receive(from other: Int, _ batch: LoopBatch) {
        batch.each { receive(from: other, $0) }
    }

    private func receive(from other: Int, _ message: LoopMessage) {
        switch message {
        case .publish(let message):
            var publication = Publication(message)
            publication.sourceLoop = Int8(other)
            message.release()
            _ = route(&publication)
            publication.release()
        case .publishRun(let run):
            run.each { message in
                var publication = Publication(borrowing: message)
                publication.sourceLoop = Int8(other)
                _ = route(&publication)
                publication.release()
            }
            run.deallocate()
        case .publishPackets(let run):
            receive(run, from: other)
            run.deallocate()
        case .publishShared(let message, let paths): receiveShared(message, paths, from: other)
        case .interest(let filter, let interest):
            filter.withUnsafeBytes { applyInterest(of: other, ByteView($0), interest) }
        case .confirmRequest(let token): outboxes[other].append(.confirm(token: token))
        case .confirm(let token): confirmed(token)
        case .holdBack(let clientIdentifier, let holds): applyHoldBack(by: other, clientIdentifier, holds)
        case .retain(let message): store(message)
        case .retainedQuery(let query): answerRetained(query, to: other)
        case .retainedAnswer(let query, let messages, let isLast): retainedAnswered(query, messages, isLast: isLast)
        case .retainedStop(let read): stopReading(read, of: other)
        case .retainedQueryOfPlugin(let filter, let destination):
            answerRetained(destination: destination, filter, to: other)
        case .retainedAnswerToPlugin(let destination, let messages):
            retainedAnswered(destination: destination, messages)
        case .takeOver(let clientIdentifier, let claim, let cleanStart):
            giveAway(clientIdentifier, claim, to: other, cleanStart: cleanStart)
        case .moving(let clientIdentifier, let claim, let subscriptions):
            expectSession(clientIdentifier, claim, subscriptions, from: other)
        case .moved(let clientIdentifier, let claim, let source):
            switchOver(clientIdentifier, claim, from: source, to: other)
        case .switched(let clientIdentifier, let claim): hasSwitched(other, clientIdentifier, claim)
        case .session(let clientIdentifier, let claim, let state): receiveSession(clientIdentifier, claim, state)
        case .kick(let clientIdentifier, let reason, let dropsSession, let plugin):
            requests.append(
                .kick(clientIdentifier: clientIdentifier, reason, dropsSession: dropsSession, plugin: plugin)
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
