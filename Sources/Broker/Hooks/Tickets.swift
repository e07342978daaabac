// SPDX-License-Identifier: Apache-2.0
// Questions that a plugin promised to answer later. A ticket is loop (8 bits), slot (24) and generation (32): a stale
// one is recognised, never followed, and nothing here is shared between loops.

import MQTT
import PluginAPI

/// A copy of what `answer()` was given.
public struct HookAnswer: Sendable {
    public var result: Int32
    public var reasonCode: UInt8 = 0
    public var isSuperuser = false
    /// The exchange of an enhanced authentication goes on.
    public var continues = false
    public var validSeconds: UInt32 = 0
    /// Texts and data: rare, and every connection has room for an answer.
    public var details: AnswerDetails?

    public init(result: Int32) { self.result = result }

    public init(_ decision: isth_decision) {
        result = decision.result
        reasonCode = decision.reason_code
        isSuperuser = decision.superuser != 0
        continues = decision.auth_continue != 0
        validSeconds = decision.valid_s
        let isPlain =
            decision.username.len == 0 && decision.reason.len == 0 && decision.auth_data.len == 0
            && decision.server_reference.len == 0
        if isPlain { return }
        func copy(_ bytes: ByteView) -> [UInt8] { Array(bytes.buffer) }
        details = AnswerDetails(
            userName: copy(ByteView(decision.username)),
            reason: copy(ByteView(decision.reason)),
            authenticationData: copy(ByteView(decision.auth_data)),
            serverReference: copy(ByteView(decision.server_reference))
        )
    }
}

public final class AnswerDetails: Sendable {
    let userName: [UInt8]
    let reason: [UInt8]
    let authenticationData: [UInt8]
    let serverReference: [UInt8]

    public init(
        userName: [UInt8] = [],
        reason: [UInt8] = [],
        authenticationData: [UInt8] = [],
        serverReference: [UInt8] = []
    ) {
        self.userName = userName
        self.reason = reason
        self.authenticationData = authenticationData
        self.serverReference = serverReference
    }
}

struct Tickets {
    enum Outcome {
        /// The hook has not returned yet: the answer is kept for it.
        case early
        /// The connection waits for it.
        case resume(ConnectionIdentifier, HookAnswer)
        case unknown
    }

    private struct Slot {
        var generation: UInt32 = 1
        var connection = ConnectionIdentifier(0)
        var isOpen = false
        var isWaiting = false
        var answer: HookAnswer?
    }

    private let loop: Int
    private var slots: [Slot] = []
    private var free: [Int] = []

    init(loop: Int) { self.loop = loop }

    static func loop(of ticket: UInt64) -> Int { Int(ticket >> 56) }

    /// A ticket for the hook about to be called.
    mutating func open(_ connection: ConnectionIdentifier) -> UInt64 {
        let index: Int
        if let reused = free.popLast() {
            index = reused
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].connection = connection
        slots[index].isOpen = true
        return UInt64(loop) << 56 | UInt64(index) << 32 | UInt64(slots[index].generation)
    }

    /// The hook returned an answer of its own, or the connection is gone: nobody waits for this ticket.
    mutating func close(_ ticket: UInt64) {
        guard let index = index(of: ticket) else { return }
        slots[index].generation &+= 1
        slots[index].isOpen = false
        slots[index].isWaiting = false
        slots[index].answer = nil
        free.append(index)
    }

    /// The hook returned "later": its answer, if it was given during the call.
    mutating func wait(_ ticket: UInt64) -> HookAnswer? {
        guard let index = index(of: ticket) else { return HookAnswer(result: Int32(ISTH_ERROR)) }
        if let answer = slots[index].answer {
            close(ticket)
            return answer
        }
        slots[index].isWaiting = true
        return nil
    }

    mutating func answer(_ ticket: UInt64, _ answer: HookAnswer) -> Outcome {
        guard let index = index(of: ticket), slots[index].answer == nil else { return .unknown }
        guard slots[index].isWaiting else {
            slots[index].answer = answer
            return .early
        }
        let connection = slots[index].connection
        close(ticket)
        return .resume(connection, answer)
    }

    private func index(of ticket: UInt64) -> Int? {
        let index = Int(ticket >> 32 & 0xFF_FFFF)
        guard index < slots.count, slots[index].isOpen,
            slots[index].generation == UInt32(truncatingIfNeeded: ticket)
        else { return nil }
        return index
    }
}
