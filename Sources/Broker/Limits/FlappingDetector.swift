// SPDX-License-Identifier: Apache-2.0
// `flapping_detect`: a client identifier whose connections end too often in a short time is kept out for a while. One
// for all loops, since such a client comes to any of them; asked only when connections begin and end.

import MQTT
import Synchronization

public final class FlappingDetector: Sendable {
    private struct Record {
        var ends: Int
        var since: UInt64
        var bannedUntil: UInt64
    }

    private let maximumCount: Int
    private let windowTime: UInt64
    private let banTime: UInt64
    private let capacity: Int
    private let records = Mutex<[[UInt8]: Record]>([:])

    /// As many as `maximumCount` ends in `windowTime` ms keep a client out for `banTime` ms. `capacity` clients are
    /// remembered at a time: who makes up names does not push out those that flap.
    public init(maximumCount: Int, windowTime: UInt64, banTime: UInt64, capacity: Int = 1 << 16) {
        self.maximumCount = maximumCount
        self.windowTime = windowTime
        self.banTime = banTime
        self.capacity = capacity
    }

    func isBanned(_ client: ByteView, at now: UInt64) -> Bool {
        records.withLock { ($0[Array(client.buffer)]?.bannedUntil ?? 0) > now }
    }

    /// A connection of the client has ended. Returns whether it is kept out from now on.
    func ended(_ client: ByteView, at now: UInt64) -> Bool {
        let name = Array(client.buffer)
        return records.withLock { records in
            if let record = records[name], record.bannedUntil > now { return false }
            if records[name] == nil, records.count >= capacity {
                records = records.filter { isAlive($0.value, at: now) }
                if records.count >= capacity { return false }
            }
            var record = records[name] ?? Record(ends: 0, since: now, bannedUntil: 0)
            if !isAlive(record, at: now) { record = Record(ends: 0, since: now, bannedUntil: 0) }
            record.ends += 1
            let flaps = record.ends >= maximumCount
            if flaps { record.bannedUntil = now + banTime }
            records[name] = record
            return flaps
        }
    }

    private func isAlive(_ record: Record, at now: UInt64) -> Bool {
        record.bannedUntil == 0 ? now - min(now, record.since) < windowTime : record.bannedUntil > now
    }

    var count: Int { records.withLock { $0.count } }
}

extension Broker {
    /// Whether the client of a CONNECT is kept out. [MQTT-3.2.2-7]
    func refuseFlapping(_ connection: ConnectionPointer) -> Bool {
        guard let flapping, flapping.isBanned(connection.pointee.clientIdentifier.view, at: now) else { return false }
        tell(.warning, .admission, connection, "not admitted: it is kept out for flapping (flapping_detect)")
        refuse(connection, .banned, said: "")
        return true
    }

    func countEnd(_ connection: ConnectionPointer) {
        guard let flapping, flapping.ended(connection.pointee.clientIdentifier.view, at: now) else { return }
        tell(.warning, .flapping, connection, "its connections end too often; it is kept out (flapping_detect)")
    }
}
