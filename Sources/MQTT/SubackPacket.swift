// SPDX-License-Identifier: Apache-2.0
// SUBACK: one reason code for each topic filter of the SUBSCRIBE, in its order.

public struct SubackPacket: Sendable {
    public var packetIdentifier: UInt16
    public var properties: Properties
    /// One byte a filter: a granted QoS or an error.
    public var reasonCodes: ByteView

    public init(packetIdentifier: UInt16, properties: Properties = .empty, reasonCodes: ByteView) {
        self.packetIdentifier = packetIdentifier
        self.properties = properties
        self.reasonCodes = reasonCodes
    }

    public static func decode(_ body: ByteView, version: ProtocolVersion) throws(MalformedPacket) -> SubackPacket {
        var reader = ByteReader(body)
        let packetIdentifier = try reader.packetIdentifier(or: "the SUBACK ends before its packet identifier")
        let properties = try reader.properties(for: PropertyContext(.suback), version: version)
        let codes = reader.rest
        guard !codes.isEmpty else { throw .protocolError("the SUBACK has no reason code") }
        for code in codes.buffer {
            let isDefined =
                version == .v5 ? ReasonCode(rawValue: code).isDefined(in: .suback) : code <= 2 || code == 0x80
            // [MQTT-3.9.3-2]
            guard isDefined else { throw .protocolError("a SUBACK reason code is not one of its packet type") }
        }
        return SubackPacket(packetIdentifier: packetIdentifier, properties: properties, reasonCodes: codes)
    }

    /// Before MQTT 5 every error is the return code 0x80. [MQTT3-3.9.3-2]
    public func encode(into buffer: inout ByteBuffer, version: ProtocolVersion) {
        let start = buffer.beginPacket(.suback)
        buffer.append(bigEndian: packetIdentifier)
        if version.hasProperties { buffer.append(section: properties) }
        for code in reasonCodes.buffer { buffer.append(version == .v5 ? code : Swift.min(code, 0x80)) }
        buffer.endPacket(bodyAt: start)
    }
}
