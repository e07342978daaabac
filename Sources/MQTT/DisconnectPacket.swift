// SPDX-License-Identifier: Apache-2.0
// DISCONNECT. Only MQTT 5 knows a reason, and only there a server sends one.

public struct DisconnectPacket: Sendable {
    public var reason: ReasonCode
    public var properties: Properties

    public init(reason: ReasonCode = .normalDisconnection, properties: Properties = .empty) {
        self.reason = reason
        self.properties = properties
    }

    public static func decode(_ body: ByteView, version: ProtocolVersion) throws(MalformedPacket) -> DisconnectPacket {
        var packet = DisconnectPacket()
        guard !body.isEmpty else { return packet }
        guard version == .v5 else { throw .malformed("the DISCONNECT has bytes behind its fixed header") }
        var reader = ByteReader(body)
        packet.reason = ReasonCode(rawValue: try reader.byte(or: "the DISCONNECT ends before its reason code"))
        guard packet.reason.isDefined(in: .disconnect) else {
            throw .protocolError("the DISCONNECT reason code is not one of its packet type")  // [MQTT-3.14.2-1]
        }
        // A length of 1 leaves the properties out, too.
        if !reader.isAtEnd { packet.properties = try reader.properties(for: .disconnect, version: version) }
        guard reader.isAtEnd else { throw .malformed("bytes follow the properties of the DISCONNECT") }
        return packet
    }

    public func encode(into buffer: inout ByteBuffer, version: ProtocolVersion) {
        let start = buffer.beginPacket(.disconnect)
        if version == .v5 && !(reason == .normalDisconnection && properties.isEmpty) {
            buffer.append(reason.rawValue)
            if !properties.isEmpty { buffer.append(section: properties) }
        }
        buffer.endPacket(bodyAt: start)
    }
}
