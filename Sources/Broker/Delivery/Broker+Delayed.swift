// SPDX-License-Identifier: Apache-2.0
// `$delayed/N/topic`: a message that is published on `topic` N seconds after it came. The prefix is cut off once, before
// the client is authorised: from then on the message has the one topic that it was authorised for. It goes through the
// publish hooks when it comes, while there is a publisher who can be authorised for what they make of it. It waits in
// memory, on the loop it came to, and does not outlive the broker.

import MQTT
import Synchronization

/// Messages that wait for their time, each with a timer.
struct DelayedMessages {
    private struct Entry {
        let message: Message
        let skipsRetained: Bool
        /// 0 once the entry is free: what is left in its memory names no message any more.
        var generation: UInt32
    }

    private var entries = Arena<Entry>()
    private var lastGeneration: UInt32 = 0

    var count: Int { entries.count }

    /// Takes over the reference; the answer names the message.
    mutating func insert(_ message: Message, skipsRetained: Bool) -> TimerToken {
        lastGeneration = TimerToken.next(lastGeneration)
        let entry = Entry(message: message, skipsRetained: skipsRetained, generation: lastGeneration)
        let slot = entries.insert(entry)
        return TimerToken(.delayed, slot: slot, generation: lastGeneration)
    }

    /// Hands the message and its reference over.
    mutating func remove(_ token: TimerToken) -> (message: Message, skipsRetained: Bool)? {
        guard token.slot < entries.limit, entries[token.slot].pointee.generation == token.generation else { return nil }
        let entry = entries[token.slot].pointee
        entries[token.slot].pointee.generation = 0
        entries.remove(token.slot)
        return (entry.message, entry.skipsRetained)
    }

    func deallocate() {
        for slot in entries.indices { entries[slot].pointee.message.release() }
        entries.deallocate()
    }
}

extension Broker {
    enum Delay: Equatable {
        case none
        /// What stands before the topic is no number of seconds, or the topic is missing.
        case malformed
        /// Monotonic clock, ms.
        case until(UInt64)
    }

    /// EMQX's: larger numbers are seconds since 1970.
    private static var longestDelay: UInt64 { 4_294_967 }

    /// A topic as it was published, and what it asks for.
    enum RequestedTopic {
        case plain
        /// What stands before the topic is no number of seconds, or the topic is missing, or has a delay of its own.
        case malformed
        /// N, and the topic behind it.
        case delayed(UInt32, ByteView)
    }

    /// Reads `$delayed/N/` in front of a topic.
    func requestedTopic(_ topic: ByteView) -> RequestedTopic {
        let prefix: ByteView = "$delayed/"
        guard settings.delaysMessages, topic.hasPrefix(prefix) else { return .plain }
        let rest = topic.dropFirst(prefix.count)
        let end = rest.levelEnd(from: 0)
        guard end > 0, end + 1 < rest.count, let number = Self.number(rest.slice(0, end)), delay(of: number) != nil
        else { return .malformed }
        let target = rest.dropFirst(end + 1)
        return target.hasPrefix(prefix) ? .malformed : .delayed(number, target)
    }

    /// Cuts `$delayed/N/` off the topic.
    @inline(never)
    func takeDelay(_ publication: inout Publication) -> Delay {
        switch requestedTopic(publication.topic) {
        case .plain: return .none
        case .malformed: return .malformed
        case .delayed(let number, let target):
            publication.topic = target
            return .until(now + (delay(of: number) ?? 0))
        }
    }

    private static func number(_ digits: ByteView) -> UInt32? {
        guard digits.count <= 19 else { return nil }
        var number: UInt64 = 0
        for digit in digits.buffer {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return UInt32(exactly: number)
    }

    /// Milliseconds from now.
    private func delay(of number: UInt32) -> UInt64? {
        let number = UInt64(number)
        if number <= Self.longestDelay { return number * 1000 }
        let second = wallNow / 1000
        guard number <= second + Self.longestDelay else { return nil }
        return (number - min(number, second)) * 1000
    }

    /// Of a client: `reason` is what it is answered. Returns false if a plugin had it closed.
    @inline(never)
    func keep(
        _ publication: inout Publication,
        _ delay: Delay,
        _ connection: ConnectionPointer,
        _ reason: inout ReasonCode
    ) -> Bool {
        guard case .until(let due) = delay else {
            reason = .topicNameInvalid
            return true
        }
        if !hooks.publish.isEmpty {
            switch passHooks(&publication, connection, &reason) {
            case .goOn: break
            case .answered: return true
            case .closed: return false
            }
        }
        if !keepDelayed(&publication, until: due) { reason = .quotaExceeded }
        return true
    }

    /// Returns whether there was room.
    func keepDelayed(_ publication: inout Publication, until due: UInt64, skipsRetained: Bool = false) -> Bool {
        let cost = Self.delayedCost(publication.size)
        let count = registry.delayed.wrappingAdd(1, ordering: .relaxed).newValue
        let bytes = registry.delayedBytes.wrappingAdd(cost, ordering: .relaxed).newValue
        guard count <= settings.maximumDelayedMessages, bytes <= settings.maximumDelayedBytes, memoryPressure == .none
        else {
            forgetDelayed(cost)
            counters.publishDropped &+= 1
            counters.delayedDropped &+= 1
            complain(
                of: .delayed,
                """
                a delayed message is refused: there are \(count - 1) of \(bytes - cost) bytes already \
                (delayed.max_delayed_messages, delayed.max_delayed_bytes, node.max_memory)
                """
            )
            if !hooks.dropped.isEmpty { publicationDropped(&publication, publication.connection, .quotaExceeded) }
            return false
        }
        let token = delayed.insert(publication.copied(at: wallNow), skipsRetained: skipsRetained)
        _ = timers.schedule(token.rawValue, after: due - now)
        return true
    }

    /// With what stands beside the message, its timer included.
    private static func delayedCost(_ size: Int) -> Int { size + 128 }

    private func forgetDelayed(_ cost: Int) {
        registry.delayed.wrappingSubtract(1, ordering: .relaxed)
        registry.delayedBytes.wrappingSubtract(cost, ordering: .relaxed)
    }

    func delayedMessageDue(_ token: TimerToken) {
        guard let (message, skipsRetained) = delayed.remove(token) else { return }
        forgetDelayed(Self.delayedCost(message.size))
        if !message.isExpired(at: now) {  // [MQTT-3.3.2-5]
            var publication = Publication(message)
            routeKept(&publication, skipsRetained: skipsRetained)
            publication.release()
        }
        message.release()
    }

    /// When a will is due whose topic had `$delayed/N/` in front of it.
    func dueTime(ofDelayedWill will: Message) -> Delay {
        let number = will.header.pointee.delay
        return number == 0 ? .none : .until(now + (delay(of: number) ?? 0))
    }
}
