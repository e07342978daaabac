// SPDX-License-Identifier: Apache-2.0
// A turn has a budget of work. A client whose packets exceed it goes on in a later turn: it is not read meanwhile, and
// others come first. So a client can make the broker work as much as it likes, and its neighbours wait for a turn of it
// and not for all of it.
//
// Work is measured in bytes copied, of which a core does some thousand millions a second; what else there is to do
// counts as the bytes that could be copied in its time.

import MQTT

enum Work {
    /// A node of the trie of wildcard filters that is looked at.
    static let node = 256
    /// A subscriber among those behind several matching filters.
    static let merge = 256
    /// What a message costs beside its payload.
    static let message = 32
    /// A shared group that has to choose a member.
    static let group = 512
    /// A filter that is subscribed to or unsubscribed from.
    static let filter = 4096
    /// Fan-outs up to this one are not counted: what a client sends itself bounds them.
    static let smallFanOut = 8
}

struct TurnBudget {
    /// What clients' packets have made in this turn, and how much they may.
    var spent = 0
    var limit = Int.max
    /// The client whose packets are being processed.
    var reader: ConnectionPointer?
    /// Clients that found the turn's budget spent, and clients that spent it.
    fileprivate(set) var early = Fifo<ConnectionIdentifier>()
    fileprivate(set) var late = Fifo<ConnectionIdentifier>()
    fileprivate var isScheduled = false
    /// They are served at this turn's end, when what others have made in it is on its way.
    var isDue = false
    /// Turns in a row in which there was nothing left for `late`.
    fileprivate var turnsWithoutLate = 0
}

extension Broker {
    /// However busy the others are, who spent a turn's budget gets on in one of so many turns.
    private static var longestWait: Int { 4 }

    /// The packet that is being processed has made so much work.
    @inline(__always)
    func charge(_ work: Int) {
        // What other loops and timers have done here is nobody's of this turn.
        guard let reader = turn.reader else { return }
        turn.spent &+= work
        if turn.spent > turn.limit { turnIsSpent(by: reader) }
    }

    @inline(never)
    private func turnIsSpent(by reader: ConnectionPointer) {
        guard reader.isOpen, !reader.pointee.holds.contains(.turn) else { return }
        turn.late.append(reader.pointee.identifier)
        putOff(reader)
        tell(
            .notice,
            .turn,
            reader,
            """
            its packets make more work than a turn may have (mqtt.turn_budget) and are taken a part at a time, others first
            """
        )
    }

    /// The client sent something when the turn's budget was spent already.
    func putOffEarly(_ connection: ConnectionPointer) {
        turn.early.append(connection.pointee.identifier)
        putOff(connection)
    }

    private func putOff(_ connection: ConnectionPointer) {
        counters.turnsExceeded &+= 1
        hold(connection, .turn)
        scheduleTurn()
    }

    private func scheduleTurn() {
        guard !turn.isScheduled else { return }
        turn.isScheduled = true
        // After the sockets of the next turn.
        _ = timers.schedule(TimerToken(.turn, slot: 0, generation: 1).rawValue, after: 1)
    }

    func beginTurnBudget() {
        turn.spent = 0
        turn.limit = settings.turnBudget
        retainedRequests.lookedAtOnce = 0
    }

    /// Lets those go on who were put off: half a budget is theirs, whatever the turn has spent before.
    func serveThosePutOff() {
        turn.isDue = false
        turn.isScheduled = false
        turn.limit = max(settings.turnBudget, turn.spent + settings.turnBudget / 2)
        serve(\.early)
        turn.turnsWithoutLate += 1
        if turn.spent <= turn.limit || turn.turnsWithoutLate >= Self.longestWait {
            turn.turnsWithoutLate = 0
            serve(\.late)
        }
        if !turn.early.isEmpty || !turn.late.isEmpty { scheduleTurn() }
    }

    /// One at least; nobody twice.
    private func serve(_ queue: WritableKeyPath<TurnBudget, Fifo<ConnectionIdentifier>>) {
        for _ in 0..<turn[keyPath: queue].count {
            guard let identifier = turn[keyPath: queue].popFirst() else { return }
            if let connection = self.connection(identifier) { resume(connection, after: .turn) }
            if turn.spent > turn.limit { return }
        }
    }
}
