// SPDX-License-Identifier: Apache-2.0
// UNSUBSCRIBE, which may take several turns of a client that has very many filters in one packet.

import MQTT
import PluginAPI

/// How far an UNSUBSCRIBE has come.
final class UnsubscribeProgress {
    let count: Int
    var position = 0
    var codes: [UInt8] = []

    init(count: Int) { self.count = count }
}

extension Broker {
    /// Returns the code of the UNSUBACK.
    private func unsubscribe(_ connection: ConnectionPointer, _ name: ByteView, _ group: ByteView) -> UInt8 {
        guard removeSubscription(connection.pointee.session, name, group) else {  // [MQTT-3.10.4-1]
            return ReasonCode.noSubscriptionExisted.rawValue  // [MQTT-3.11.3-1] [MQTT-3.11.3-2]
        }
        if group.isEmpty { release(name, connection.pointee.session) }
        notifyUnsubscribed(connection, name, group)
        if !settings.clientEvents.isEmpty { announceUnsubscribed(connection, name, group) }
        return ReasonCode.success.rawValue
    }

    /// Returns false if the client's next turn is awaited.
    func unsubscribe(_ connection: ConnectionPointer, _ body: ByteView) throws(MalformedPacket) -> Bool {
        let known = connection.pointee.pending?.unsubscribing
        let packet = try UnsubscribePacket.decode(body, version: connection.pointee.version, known: known?.count)
        if known == nil, settings.refusesDiscouragedText { try packet.refuseDiscouragedText() }
        guard acceptsAnswer(connection, codes: packet.filters.count) else {
            close(connection, .packetTooLarge, "the answer is larger than the client's Maximum Packet Size")
            return true
        }
        let progress = known ?? UnsubscribeProgress(count: packet.filters.count)
        var rest = packet.filters.makeIterator(from: progress.position)
        while !waitsForTurn(connection), let filter = rest.next() {  // [MQTT-3.10.4-6]
            progress.codes.append(unsubscribe(connection, RequestedFilter(filter)))
            progress.position = rest.position
            charge(Work.filter)
        }
        guard progress.codes.count == progress.count else {
            pending(connection).unsubscribing = progress
            return false
        }
        connection.pointee.pending = nil
        touch(connection)
        progress.codes.withUnsafeBytes {
            // [MQTT-3.10.4-4] [MQTT-3.10.4-5]
            UnsubackPacket(packetIdentifier: packet.packetIdentifier, reasonCodes: ByteView($0))
                .encode(into: &connection.pointee.output.bytes, version: connection.pointee.version)
        }
        return true
    }

    private func unsubscribe(_ connection: ConnectionPointer, _ requested: RequestedFilter) -> UInt8 {
        guard let mountpoint = connection.pointee.mountpoint else {
            return unsubscribe(connection, requested.filter, requested.group)
        }
        let whole = mountpoint.pointee.mounted(filter: Array(requested.filter.buffer)) ?? []
        return whole.withUnsafeBytes { unsubscribe(connection, ByteView($0), requested.group) }
    }
}
