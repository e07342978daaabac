// SPDX-License-Identifier: Apache-2.0
// `$delayed/N/topic`: a message that is published on `topic` N seconds after it came. It is authorised for that topic
// when it comes, and goes through the publish hooks when it is due. It waits in memory, on the loop it came to, and does
// not outlive the broker.

import MQTT
import Synchronization

/// Messages that wait for their time, each with a timer.
struct DelayedMessages {
    private struct Entry {
        let message: Message
        let generation: UInt32
    }

    private var entries = Arena<Entry>()
    private var lastGeneration: UInt32 = 0

    var count: Int { entries.count }

    /// Takes over the reference; the answer names the message.
    mutating func insert(_ message: Message) -> TimerToken {
        lastGeneration = TimerToken.next(lastGeneration)
        let slot = entries.insert(Entry(message: message, generation: lastGeneration))
        return TimerToken(.delayed, slot: slot, generation: lastGeneration)
    }

    /// Hands the message and its reference over.
    mutating func remove(_ token: TimerToken) -> Message? {
        guard token.slot < entries.limit, entries[token.slot].pointee.generation == token.generation else { return nil }
        let message = entries[token.slot].pointee.message
        entries.remove(token.slot)
        return message
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

    /// Cuts `$delayed/N/` off the topic.
    @inline(never)
    func takeDelay(_ publication: inout Publication) -> Delay {
        let prefix: ByteView = "$delayed/"
        guard settings.delaysMessages, publication.topic.hasPrefix(prefix) else { return .none }
        let rest = publication.topic.dropFirst(prefix.count)
        let end = rest.levelEnd(from: 0)
        guard end > 0, end <= 19, end + 1 < rest.count, let number = Self.number(rest.slice(0, end)),
            let delay = delay(of: number)
        else { return .malformed }
        publication.topic = rest.dropFirst(end + 1)
        return .until(now + delay)
    }

    private static func number(_ digits: ByteView) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits.buffer {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return number
    }

    /// Milliseconds from now.
    private func delay(of number: UInt64) -> UInt64? {
        if number <= Self.longestDelay { return number * 1000 }
        let second = wallNow / 1000
        guard number <= second + Self.longestDelay else { return nil }
        return (number - min(number, second)) * 1000
    }

    /// The topic that a message on `topic` will be published on.
    func topicBehindDelay(_ topic: ByteView) -> ByteView {
        var publication = Publication(topic: topic, payload: .empty, qos: 0, retain: false, origin: .will)
        _ = takeDelay(&publication)
        return publication.topic
    }

    /// Returns what the publisher is told.
    @inline(never)
    func keep(_ publication: inout Publication, _ delay: Delay) -> ReasonCode {
        guard case .until(let due) = delay else { return .topicNameInvalid }
        return keepDelayed(&publication, until: due) ? .success : .quotaExceeded
    }

    /// Returns whether there was room.
    func keepDelayed(_ publication: inout Publication, until due: UInt64) -> Bool {
        guard registry.delayed.wrappingAdd(1, ordering: .relaxed).newValue <= settings.maximumDelayedMessages else {
            registry.delayed.wrappingSubtract(1, ordering: .relaxed)
            counters.publishDropped &+= 1
            if !hooks.dropped.isEmpty { publicationDropped(&publication, publication.connection, .quotaExceeded) }
            return false
        }
        let token = delayed.insert(publication.copied(at: wallNow))
        _ = timers.schedule(token.rawValue, after: due - now)
        return true
    }

    func delayedMessageDue(_ token: TimerToken) {
        guard let message = delayed.remove(token) else { return }
        registry.delayed.wrappingSubtract(1, ordering: .relaxed)
        if !message.isExpired(at: now) { publishKept(message, skipHooks: false) }  // [MQTT-3.3.2-5]
        message.release()
    }
}
