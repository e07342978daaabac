// SPDX-License-Identifier: Apache-2.0
// UNSUBACK: in MQTT 5 one reason code for each topic filter of the UNSUBSCRIBE, before that the identifier alone.

public struct UnsubackPacket: Sendable {
    public var packetIdentifier: UInt16
    public var properties: Properties
    /// One byte a filter; empty before MQTT 5.
    public var reasonCodes: ByteView

    public init(packetIdentifier: UInt16, properties: Properties = .empty, reasonCodes: ByteView = .empty) {
        self.packetIdentifier = packetIdentifier
        self.properties = properties
        self.reasonCodes = reasonCodes
    }

    public static func decode(_ body: ByteView, version: ProtocolVersion) throws(MalformedPacket) -> UnsubackPacket {
        var reader = ByteReader(body)
        let packetIdentifier = try reader.packetIdentifier(or: "the UNSUBACK ends before its packet identifier")
        let properties = try reader.properties(for: PropertyContext(.unsuback), version: version)
        guard version == .v5 else {
            guard reader.isAtEnd else { throw .malformed("bytes follow the packet identifier of the UNSUBACK") }
            return UnsubackPacket(packetIdentifier: packetIdentifier)
        }
        let codes = reader.rest
        guard !codes.isEmpty else { throw .protocolError("the UNSUBACK has no reason code") }
        for code in codes.buffer where !ReasonCode(rawValue: code).isDefined(in: .unsuback) {
            throw .protocolError("an UNSUBACK reason code is not one of its packet type")  // [MQTT-3.11.3-2]
        }
        return UnsubackPacket(packetIdentifier: packetIdentifier, properties: properties, reasonCodes: codes)
    }

    public func encode(into buffer: inout ByteBuffer, version: ProtocolVersion) {
        let start = buffer.beginPacket(.unsuback)
        buffer.append(bigEndian: packetIdentifier)
        if version.hasProperties {
            buffer.append(section: properties)
            buffer.append(reasonCodes)
        }
        buffer.endPacket(bodyAt: start)
    }
}
