// SPDX-License-Identifier: Apache-2.0
// Tells one peer what our subscribers want: the state machine behind a link's route connection. Pure: events and the
// time go in, actions come out; RouteConnection carries them out. The incarnation stays the same across reconnects and
// unconfirmed operations are kept, so the peer never forgets our routes for a moment.

package struct RouteAnnouncer {
    package enum State: String, Equatable {
        case connecting
        case handshaking
        case bootstrapping
        case online
        case rejected
    }

    package enum Cookie: Equatable {
        case subscribe
        case actorInit
        case batch(UInt64)

        package init(_ number: UInt64) {
            switch number {
            case 1: self = .subscribe
            case 2: self = .actorInit
            default: self = .batch(number)
            }
        }

        package var number: UInt64 {
            switch self {
            case .subscribe: 1
            case .actorInit: 2
            case .batch(let number): number
            }
        }
    }

    package enum Action: Equatable {
        case subscribeToResponses
        /// Publish `actor_init` with this correlation data.
        case actorInit(correlation: [UInt8])
        /// Call `snapshot(_:)` with every route there is now.
        case takeSnapshot
        case send([OperationLog.Operation], cookie: UInt64)
        /// So many routes are too large for the peer, this one among them.
        case leftOut(RouteKey, count: Int)
        case heartbeat
        /// Drop the connection and come back after so many milliseconds.
        case reconnect(delay: UInt32, because: String)
        /// The peer said no: drop the connection and come back after `rejectedDelay`.
        case refused(reason: [UInt8])
    }

    private enum Phase: Equatable {
        case down
        case subscribing
        case awaitingAck
        case up
    }

    static let answerTimeout: UInt64 = 5_000
    static let publishTimeout: UInt64 = 30_000
    static let heartbeatInterval: UInt64 = 10_000
    static let gatherTime: UInt64 = 10
    static let retryDelay: UInt64 = 500
    static let rejectedDelay: UInt32 = 5_000
    static let failureDelay: UInt32 = 1_000
    /// While the peer is away, more changes than this are replaced by a new incarnation and a fresh snapshot.
    package static let maximumBacklog = 200_000

    package private(set) var state = State.connecting
    package private(set) var incarnation: UInt64
    package private(set) var log = OperationLog()

    private var phase = Phase.down
    private var correlation: [UInt8] = []
    private var handshakes: UInt64 = 0
    private var answerDeadline: UInt64?
    private var sendAt: UInt64?
    private var heartbeatAt: UInt64?
    private var inFlight: [OperationLog.Operation] = []
    private var batchNumber: UInt64 = 2
    /// Since when the batch in flight waits for its PUBACK.
    private var batchSent: UInt64?
    /// The peer may hold routes of this incarnation, so deletes must reach it.
    private var hasAnnounced = false
    private var hasBootstrapped = false
    private var snapshotLeft = 0
    /// What a batch may take, bytes: less than the peer takes in a packet.
    private var batchBytes = OperationLog.maximumBatchBytes
    /// Routes that are too large for the peer. It does not know them.
    package private(set) var leftOut: Set<RouteKey> = []
    private let nextIncarnation: (UInt64) -> UInt64

    /// `nextIncarnation` gives a number above the one it is given.
    package init(incarnation: UInt64, nextIncarnation: @escaping (UInt64) -> UInt64) {
        self.incarnation = incarnation
        self.nextIncarnation = nextIncarnation
    }

    /// When `advance(now:)` wants to be called.
    package var nextDeadline: UInt64? {
        let ackDeadline = batchSent.map { $0 + Self.publishTimeout }
        return [answerDeadline, sendAt, heartbeatAt, ackDeadline].compactMap { $0 }.min()
    }

    // MARK: Local subscriptions

    /// The first or last local subscriber of a narrowed filter. Before anything was announced nothing has to be kept:
    /// the snapshot will say it.
    package mutating func routeChanged(_ key: RouteKey, isDelete: Bool, now: UInt64) {
        guard hasAnnounced else { return }
        if isDelete ? leftOut.remove(key) != nil : leftOut.contains(key) { return }
        log.record(key, isDelete: isDelete)
        if phase == .up {
            if sendAt == nil, batchSent == nil { sendAt = now + Self.gatherTime }
        } else if log.count > Self.maximumBacklog {
            startOver()
        }
    }

    /// The peer drops all routes of the old incarnation when it sees the new one.
    private mutating func startOver() {
        incarnation = nextIncarnation(incarnation)
        log.removeAll()
        leftOut = []
        hasAnnounced = false
        hasBootstrapped = false
    }

    // MARK: Connection

    /// `batchBytes`: what a batch may take, so that the peer takes the packet.
    package mutating func connected(now: UInt64, batchBytes: Int = OperationLog.maximumBatchBytes) -> [Action] {
        if batchBytes > self.batchBytes {
            for key in leftOut { log.record(key, isDelete: false) }
            leftOut = []
        }
        self.batchBytes = min(batchBytes, OperationLog.maximumBatchBytes)
        // A link that was refused shows that until the peer says yes.
        if state != .rejected { state = .handshaking }
        phase = .subscribing
        answerDeadline = now + Self.answerTimeout
        return [.subscribeToResponses]
    }

    package mutating func lost() {
        if !inFlight.isEmpty { log.putBack(inFlight) }
        inFlight = []
        batchSent = nil
        answerDeadline = nil
        sendAt = nil
        heartbeatAt = nil
        phase = .down
        if state != .rejected { state = .connecting }
    }

    package mutating func acknowledged(_ cookie: Cookie, reasonCode: UInt8, now: UInt64) -> [Action] {
        switch cookie {
        case .subscribe:
            guard phase == .subscribing else { return [] }
            guard reasonCode < 0x80 else {
                return reject("does not let us subscribe to its answers", reasonCode)
            }
            return beginHandshake(now: now)
        case .actorInit:
            guard phase == .awaitingAck, reasonCode >= 0x80 else { return [] }
            return reject("does not let us publish our routes", reasonCode)
        case .batch(let number):
            guard phase == .up, batchSent != nil, number == batchNumber else { return [] }
            return batchAnswered(reasonCode, now: now)
        }
    }

    private mutating func beginHandshake(now: UInt64) -> [Action] {
        phase = .awaitingAck
        answerDeadline = now + Self.answerTimeout
        handshakes += 1
        let digits = String(handshakes, radix: 16)
        correlation = Array((String(repeating: "0", count: max(0, 16 - digits.count)) + digits).utf8)
        return [.actorInit(correlation: correlation)]
    }

    private mutating func reject(_ what: String, _ reasonCode: UInt8) -> [Action] {
        state = .rejected
        let mend = reasonCode == 0x87 ? ", not authorised: allow it in the ACL there" : ""
        let sentence = "the peer \(what) (reason code \(reasonCode.reasonCode)\(mend))"
        return [.reconnect(delay: Self.rejectedDelay, because: sentence)]
    }

    /// The peer's answer to `actor_init`. Answers to others and to earlier attempts carry other correlation data.
    package mutating func answered(
        correlation: Bytes,
        result: ControlMap.Result,
        needBootstrap: Bool,
        now: UInt64
    ) -> [Action] {
        guard phase == .awaitingAck, self.correlation.withView({ $0 == correlation }) else { return [] }
        answerDeadline = nil
        if case .error(let reason) = result {
            state = .rejected
            return [.refused(reason: reason.array)]
        }
        phase = .up
        heartbeatAt = now + Self.heartbeatInterval
        if needBootstrap || !hasBootstrapped {
            state = .bootstrapping
            return [.takeSnapshot]
        }
        state = .online
        return sendNext(now: now)
    }

    /// Every route there is now. Deletes that wait are kept: the peer may hold what they delete.
    package mutating func snapshot(_ keys: [RouteKey], now: UInt64) -> [Action] {
        guard phase == .up, state == .bootstrapping else { return [] }
        hasAnnounced = true
        leftOut = []
        for key in keys { log.record(key, isDelete: false) }
        snapshotLeft = log.count
        return sendNext(now: now)
    }

    // MARK: Batches

    private mutating func sendNext(now: UInt64) -> [Action] {
        sendAt = nil
        guard phase == .up, batchSent == nil else { return [] }
        var actions = cutBatch()
        if state == .bootstrapping, snapshotLeft <= 0 {
            state = .online
            hasBootstrapped = true
        }
        guard !inFlight.isEmpty else { return actions }
        batchNumber += 1
        batchSent = now
        actions.append(.send(inFlight, cookie: batchNumber))
        return actions
    }

    /// Fills `inFlight`, and leaves out what no packet that the peer takes can hold.
    private mutating func cutBatch() -> [Action] {
        var tooLarge: [RouteKey] = []
        while inFlight.isEmpty, !log.isEmpty {
            inFlight = log.cutBatch(within: batchBytes) { operation in
                if !operation.isDelete { tooLarge.append(operation.key) }
                snapshotLeft -= 1
            }
        }
        leftOut.formUnion(tooLarge)
        return tooLarge.first.map { [.leftOut($0, count: tooLarge.count)] } ?? []
    }

    private mutating func batchAnswered(_ reasonCode: UInt8, now: UInt64) -> [Action] {
        batchSent = nil
        if reasonCode < 0x80 {
            snapshotLeft -= inFlight.count
            inFlight = []
            return sendNext(now: now)
        }
        log.putBack(inFlight)
        inFlight = []
        guard state == .online else {
            let sentence = "the peer did not take our routes (reason code \(reasonCode.reasonCode))"
            return [.reconnect(delay: Self.failureDelay, because: sentence)]
        }
        sendAt = now + Self.retryDelay
        return []
    }

    // MARK: Time

    package mutating func advance(now: UInt64) -> [Action] {
        if let deadline = answerDeadline, deadline <= now {
            answerDeadline = nil
            let missing = phase == .subscribing ? "our subscription" : "our introduction"
            return [.reconnect(delay: Self.failureDelay, because: "the peer did not answer \(missing) within 5 s")]
        }
        if let sent = batchSent, sent + Self.publishTimeout <= now {
            return [.reconnect(delay: Self.failureDelay, because: "the peer did not confirm our routes within 30 s")]
        }
        var actions: [Action] = []
        if let due = heartbeatAt, due <= now {
            heartbeatAt = now + Self.heartbeatInterval
            actions.append(.heartbeat)
        }
        if let due = sendAt, due <= now { actions += sendNext(now: now) }
        return actions
    }
}

extension UInt8 {
    /// As the MQTT specification writes it: 0x87.
    var reasonCode: String {
        let digits = String(self, radix: 16, uppercase: true)
        return digits.count == 1 ? "0x0\(digits)" : "0x\(digits)"
    }
}
