// SPDX-License-Identifier: Apache-2.0
// AUTH, the step of an extended authentication. It exists in MQTT 5 only.

public struct AuthPacket: Sendable {
    public var reason: ReasonCode
    public var properties: Properties

    public init(reason: ReasonCode = .success, properties: Properties = .empty) {
        self.reason = reason
        self.properties = properties
    }

    public static func decode(_ body: ByteView, version: ProtocolVersion) throws(MalformedPacket) -> AuthPacket {
        guard version == .v5 else { throw .malformed("the packet type is AUTH, which exists only in MQTT 5") }
        var packet = AuthPacket()
        // Success without properties may be left out whole.
        guard !body.isEmpty else { return packet }
        var reader = ByteReader(body)
        packet.reason = ReasonCode(rawValue: try reader.byte(or: "the AUTH ends before its reason code"))
        guard packet.reason.isDefined(in: .auth) else {
            throw .protocolError("the AUTH reason code is not one of its packet type")  // [MQTT-3.15.2-1]
        }
        packet.properties = try reader.properties(for: .auth, version: version)
        guard packet.properties.contains(.authenticationMethod) else {
            throw .protocolError("the AUTH has no authentication method")
        }
        guard reader.isAtEnd else { throw .malformed("bytes follow the properties of the AUTH") }
        return packet
    }

    public func encode(into buffer: inout ByteBuffer) {
        let start = buffer.beginPacket(.auth)
        if !(reason == .success && properties.isEmpty) {
            buffer.append(reason.rawValue)
            buffer.append(section: properties)
        }
        buffer.endPacket(bodyAt: start)
    }
}
