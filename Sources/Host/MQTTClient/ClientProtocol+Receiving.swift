// SPDX-License-Identifier: Apache-2.0
// What the server sends: each packet is decoded in place, answered as its rules say, and turned into at most one event.

import MQTT

extension ClientProtocol {
    /// What acknowledgements and the like may take in `output` above the high-water mark before the server, which does
    /// not read them, is given up: twice what 65,535 unacknowledged QoS 2 messages cause.
    private static let answersLimit = 1 << 20

    /// Handles the packet at `offset`, which then stands behind it.
    mutating func receive(_ bytes: ByteView, at offset: inout Int, now: UInt64) -> Event {
        let rest = bytes.dropFirst(offset)
        if rest.isEmpty { return .incomplete(2) }
        switch FixedHeader.parse(rest, version: .v5) {
        case .incomplete(let needed): return .incomplete(needed)
        case .malformed(let fault): return fail(fault)
        case .packet(let header):
            offset &+= header.packetLength
            do {
                return try receive(header, header.body(in: rest), now)
            } catch {
                return fail(error)
            }
        }
    }

    private mutating func fail(_ fault: MalformedPacket) -> Event {
        fail(fault.reason, "the server sent what is not MQTT 5: \(fault.text)")
    }

    private mutating func receive(
        _ header: FixedHeader,
        _ body: ByteView,
        _ now: UInt64
    ) throws(MalformedPacket) -> Event {
        switch header.type {
        case .publish where phase == .connected:
            return try received(PublishPacket.decode(body, flags: header.flags, version: .v5))
        case .puback, .pubrec, .pubrel, .pubcomp:
            guard phase == .connected else { break }
            return received(try AckPacket.decode(body, type: header.type, version: .v5))
        case .suback where phase == .connected:
            let packet = try SubackPacket.decode(body, version: .v5)
            return finishRequest(packet.packetIdentifier, packet.reasonCodes, .suback)
        case .unsuback where phase == .connected:
            let packet = try UnsubackPacket.decode(body, version: .v5)
            return finishRequest(packet.packetIdentifier, packet.reasonCodes, .unsuback)
        case .pingresp where phase == .connected:
            try PingPacket.decode(body)
            keepAlive.answered()
            return .nothing
        case .connack where phase == .connecting: return try receivedConnack(body, now)
        case .disconnect: return received(try DisconnectPacket.decode(body, version: .v5))
        default: break
        }
        let text =
            phase == .connected ? "a packet of a type that only clients send" : "a packet in front of the CONNACK"
        return fail(.protocolError, "the server sent \(text)")
    }

    // MARK: - Connection

    private mutating func receivedConnack(_ body: ByteView, _ now: UInt64) throws(MalformedPacket) -> Event {
        // A server that does not know MQTT 5 answers in the form of MQTT 3.1.1.
        if body.count == 2, let reason = ReasonCode(connackReturnCode: body[1]), reason.isError {
            return refused(reason, .empty)
        }
        let packet = try ConnackPacket.decode(body, version: .v5)
        if packet.reason.isError { return refused(packet.reason, packet.properties) }
        return accepted(packet, now: now)
    }

    private mutating func refused(_ reason: ReasonCode, _ properties: Properties) -> Event {
        // No DISCONNECT: the server has closed its side. [MQTT-3.2.2-7]
        disconnected()
        let text = "the server refused the connection: \(reason.words)\(Self.details(properties))"
        return .down(ClientFault(reason: reason, text: text))
    }

    private mutating func received(_ packet: DisconnectPacket) -> Event {
        disconnected()
        let text = "the server closed the connection: \(packet.reason.words)\(Self.details(packet.properties))"
        return .down(ClientFault(reason: packet.reason, text: text))
    }

    private static func details(_ properties: Properties) -> String {
        var text = ""
        if let reason = properties.reasonString, !reason.isEmpty { text += ", '\(reason.string)'" }
        if let server = properties.serverReference, !server.isEmpty { text += ", use \(server.string)" }
        return text
    }

    // MARK: - Messages

    private mutating func received(_ packet: PublishPacket) -> Event {
        // None was allowed. [MQTT-3.1.2-26] [MQTT-3.1.2-27]
        if packet.properties.contains(.topicAlias) {
            return fail(.topicAliasInvalid, "the server sent a topic alias although the CONNECT allowed none")
        }
        switch packet.qos {
        case .atMostOnce: return .message(packet)
        case .atLeastOnce:
            // [MQTT-4.3.2-4]
            AckPacket.appendSuccess(.puback, packetIdentifier: packet.packetIdentifier, to: &output.buffer)
        case .exactlyOnce:
            // [MQTT-4.3.3-8] [MQTT-4.3.3-10]
            AckPacket.appendSuccess(.pubrec, packetIdentifier: packet.packetIdentifier, to: &output.buffer)
            if !received.insert(packet.packetIdentifier) { return overflow() ?? .nothing }
        }
        return overflow() ?? .message(packet)
    }

    /// Answers that the server does not read must not fill the memory.
    private mutating func overflow() -> Event? {
        guard output.waiting > options.highWater + largestPublish + Self.answersLimit else { return nil }
        return fail(.receiveMaximumExceeded, "the server sends messages and does not read their acknowledgements")
    }

    // MARK: - Acknowledgements

    @inline(__always)
    private mutating func received(_ packet: AckPacket) -> Event {
        let identifier = packet.packetIdentifier
        switch (packet.type, publishes.awaits(identifier)) {
        case (.puback, .puback):
            return .acknowledged(cookie: publishes.finish(identifier).cookie, packet.reason)
        case (.pubrec, .pubrec):
            // [MQTT-4.3.3-4]
            if packet.reason.isError {
                return .acknowledged(cookie: publishes.finish(identifier).cookie, packet.reason)
            }
            publishes.received(identifier, reason: packet.reason.rawValue)
            AckPacket.appendSuccess(.pubrel, packetIdentifier: identifier, to: &output.buffer)
            return .nothing
        case (.pubcomp, .pubcomp):
            let (cookie, reason) = publishes.finish(identifier)
            // The PUBREC may have told more: that nobody subscribes, say.
            let isPlain = packet.reason == .success
            return .acknowledged(cookie: cookie, isPlain ? ReasonCode(rawValue: reason) : packet.reason)
        case (.pubcomp, .release):
            _ = publishes.finish(identifier)
            return .nothing
        case (.pubrec, _):
            // Also a second PUBREC of a message that is half done.
            let isKnown = publishes.awaits(identifier) == .pubcomp || publishes.awaits(identifier) == .release
            answer(.pubrel, identifier, isKnown: isKnown)
            return overflow() ?? .nothing
        case (.pubrel, _):
            // [MQTT-4.3.3-11]
            answer(.pubcomp, identifier, isKnown: received.remove(identifier))
            return overflow() ?? .nothing
        default:
            return fail(
                .protocolError,
                "the server acknowledged packet identifier \(identifier), which is not in use so"
            )
        }
    }

    private mutating func answer(_ type: PacketType, _ identifier: UInt16, isKnown: Bool) {
        AckPacket(
            type,
            packetIdentifier: identifier,
            reason: isKnown ? .success : .packetIdentifierNotFound
        ).encode(into: &output.buffer, version: .v5)
    }

    private mutating func finishRequest(
        _ identifier: UInt16,
        _ reasonCodes: ByteView,
        _ answer: PacketSlots.Awaits
    ) -> Event {
        guard requests.awaits(identifier) == answer else {
            return fail(.protocolError, "the server answered packet identifier \(identifier), which is not in use so")
        }
        // Each of our requests has one filter. [MQTT-3.8.4-6] [MQTT-3.11.3-1]
        guard reasonCodes.count == 1 else {
            return fail(.protocolError, "the server gave \(reasonCodes.count) reason codes for one topic filter")
        }
        return .acknowledged(cookie: requests.finish(identifier).cookie, ReasonCode(rawValue: reasonCodes[0]))
    }
}
