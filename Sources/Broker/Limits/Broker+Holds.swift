// SPDX-License-Identifier: Apache-2.0
// A client that is ahead of what it may do is not read for a while: TCP slows it down, nothing is lost and nothing piles
// up here. Reasons are that it publishes faster than its rate, that it does not take what it is owed, and that a
// receiver of its messages is slow (`Broker+HoldBack.swift`).

import MQTT

extension Broker {
    /// Waiting clients are not woken for each single message.
    private static var shortestPause: UInt64 { 10 }

    func hold(_ connection: ConnectionPointer, _ reason: Connection.Holds) {
        connection.pointee.holds.insert(reason)
        connection.pointee.transport.pauseReading()
    }

    /// The reason is gone. If it was the last one, what came meanwhile is processed and the client is read again.
    func resume(_ connection: ConnectionPointer, after reason: Connection.Holds) {
        guard connection.pointee.holds.contains(reason) else { return }
        connection.pointee.holds.remove(reason)
        guard !connection.isHeld, connection.isOpen, connection.pointee.state != .suspended else { return }
        connection.pointee.lastReceived = now
        processInput(connection)
        if connection.isOpen, connection.pointee.state != .suspended, !connection.isHeld {
            connection.pointee.transport.resumeReading()
        }
    }

    // MARK: Rates

    /// As `process`, for a client with rates: packet by packet, up to a PUBLISH that is not allowed yet.
    @inline(never)
    func processWithinRates(
        _ connection: ConnectionPointer,
        _ limiter: UnsafeMutablePointer<ClientLimiter>,
        _ bytes: ByteView
    ) -> Int {
        var used = 0
        while used < bytes.count {
            let rest = bytes.dropFirst(used)
            var length = rest.count
            var isPublish = false
            // One by one before the client is connected, too: what comes with its CONNECT counts.
            if case .packet(let header) = frame(connection, rest) {
                length = header.packetLength
                isPublish = header.type == .publish && connection.pointee.state == .connected
            }
            if isPublish {
                let delay = limiter.pointee.delay(at: now)
                if delay > 0 {
                    pause(connection, limiter, delay)
                    return used
                }
            }
            let processed = processPackets(connection, rest.slice(0, length))
            if isPublish, processed == length { limiter.pointee.take(packetOf: length, at: now) }
            used += processed
            if processed < length || connection.pointee.state == .suspended || connection.isHeld || !connection.isOpen {
                return used
            }
        }
        return used
    }

    private func pause(
        _ connection: ConnectionPointer,
        _ limiter: UnsafeMutablePointer<ClientLimiter>,
        _ delay: UInt64
    ) {
        hold(connection, .rate)
        let identifier = connection.pointee.identifier
        let token = TimerToken(.rate, slot: identifier.slot, generation: identifier.generation)
        limiter.pointee.timer = timers.schedule(token.rawValue, after: max(delay, Self.shortestPause))
    }

    func rateTimerFired(_ connection: ConnectionPointer) {
        connection.pointee.limiter?.pointee.timer = 0
        resume(connection, after: .rate)
    }

    func cancelRateTimer(_ connection: ConnectionPointer) {
        guard let limiter = connection.pointee.limiter, limiter.pointee.timer != 0 else { return }
        timers.cancel(limiter.pointee.timer)
        limiter.pointee.timer = 0
    }

    // MARK: Output

    /// QoS 0 messages stop at the high watermark, and messages of the other levels wait in the queue: what still grows
    /// are answers to a client that asks and does not listen.
    @inline(never)
    func outputGrew(_ connection: ConnectionPointer) {
        countOutput(connection)
        if connection.pointee.output.copied > 2 * Int(connection.pointee.highWatermark), connection.isOpen {
            hold(connection, .output)
        }
    }

    /// The socket took some.
    @inline(never)
    func outputMoved(_ connection: ConnectionPointer) {
        // A client that listens is alive, though it is not heard.
        connection.pointee.lastReceived = now
        if connection.pointee.output.copied <= connection.pointee.highWatermark { resume(connection, after: .output) }
    }
}
