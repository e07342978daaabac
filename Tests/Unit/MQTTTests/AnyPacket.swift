// SPDX-License-Identifier: Apache-2.0
// Decodes a packet of any type as a connection would, reads all there is to read, and encodes it again.

import MQTT

enum Outcome: Equatable {
    /// The packet, encoded again.
    case packet([UInt8])
    case incomplete
    case malformed(ReasonCode)
}

/// What becomes of the packet at the start of `bytes`. A CONNECT says its version itself.
func decodeAndEncode(_ bytes: ByteView, version: ProtocolVersion, fromClient: Bool) -> Outcome {
    switch FixedHeader.parse(bytes, version: version) {
    case .incomplete(let needed):
        // A framing that asks for what is already there would never get on.
        return needed > bytes.count ? .incomplete : .malformed(.unspecifiedError)
    case .malformed(let fault): return .malformed(fault.reason)
    case .packet(let header):
        var buffer = ByteBuffer()
        defer { buffer.deallocate() }
        do throws(MalformedPacket) {
            try encode(header, header.body(in: bytes), version: version, fromClient: fromClient, into: &buffer)
            return .packet(buffer.view.array)
        } catch {
            return .malformed(error.reason)
        }
    }
}

private func encode(
    _ header: FixedHeader,
    _ body: ByteView,
    version: ProtocolVersion,
    fromClient: Bool,
    into buffer: inout ByteBuffer
) throws(MalformedPacket) {
    switch header.type {
    case .connect: try ConnectPacket.decode(body).encode(into: &buffer)
    case .connack: try ConnackPacket.decode(body, version: version).encode(into: &buffer, version: version)
    case .publish:
        let packet = try PublishPacket.decode(body, flags: header.flags, version: version)
        if fromClient { try packet.validateSentByClient() }
        readAll(packet.properties)
        packet.encode(into: &buffer, version: version)
    case .puback, .pubrec, .pubrel, .pubcomp:
        try AckPacket.decode(body, type: header.type, version: version).encode(into: &buffer, version: version)
    case .subscribe:
        let packet = try SubscribePacket.decode(body, version: version)
        SubscribePacket.encode(
            into: &buffer,
            packetIdentifier: packet.packetIdentifier,
            properties: packet.properties,
            subscriptions: Array(packet.subscriptions),
            version: version
        )
    case .suback: try SubackPacket.decode(body, version: version).encode(into: &buffer, version: version)
    case .unsubscribe:
        let packet = try UnsubscribePacket.decode(body, version: version)
        UnsubscribePacket.encode(
            into: &buffer,
            packetIdentifier: packet.packetIdentifier,
            properties: packet.properties,
            filters: Array(packet.filters),
            version: version
        )
    case .unsuback: try UnsubackPacket.decode(body, version: version).encode(into: &buffer, version: version)
    case .pingreq:
        try PingPacket.decode(body)
        PingPacket.encodeRequest(into: &buffer)
    case .pingresp:
        try PingPacket.decode(body)
        PingPacket.encodeResponse(into: &buffer)
    case .disconnect: try DisconnectPacket.decode(body, version: version).encode(into: &buffer, version: version)
    case .auth: try AuthPacket.decode(body, version: version).encode(into: &buffer)
    }
}

/// Asks for every property and forwards them, so that whatever validation let through is walked.
private func readAll(_ properties: Properties) {
    for identifier in PropertyIdentifier.allCases { _ = properties.contains(identifier) }
    _ = (properties.topicAlias, properties.messageExpiryInterval, properties.payloadFormatIndicator)
    _ = (properties.responseTopic?.string, properties.correlationData, properties.contentType?.string)
    for property in properties.userProperties { _ = (property.name.string, property.value.string) }
    for identifier in properties.subscriptionIdentifiers { _ = identifier }
    var writer = PropertyWriter()
    writer.appendForwarded(properties, messageExpiryInterval: properties.messageExpiryInterval)
    writer.deallocate()
}
