// SPDX-License-Identifier: Apache-2.0
// CONNACK. The reason is an MQTT 5 reason code in every version; on the wire of 3.1 and 3.1.1 it is a return code.

public struct ConnackPacket: Sendable {
    public var sessionPresent: Bool
    public var reason: ReasonCode
    public var properties: Properties

    public init(sessionPresent: Bool = false, reason: ReasonCode = .success, properties: Properties = .empty) {
        self.sessionPresent = sessionPresent
        self.reason = reason
        self.properties = properties
    }

    public static func decode(_ body: ByteView, version: ProtocolVersion) throws(MalformedPacket) -> ConnackPacket {
        var reader = ByteReader(body)
        let flags = try reader.byte(or: "the CONNACK ends before its acknowledge flags")
        let code = try reader.byte(or: "the CONNACK ends before its reason code")
        var packet = ConnackPacket()
        if version == .v5 {
            packet.reason = ReasonCode(rawValue: code)
            guard packet.reason.isDefined(in: .connack) else {
                throw .protocolError("the CONNACK reason code is not one of its packet type")  // [MQTT-3.2.2-8]
            }
        } else {
            guard let reason = ReasonCode(connackReturnCode: code) else {
                throw .protocolError("the CONNACK return code is above 5, which is reserved")
            }
            packet.reason = reason
        }
        // The byte is not used in MQTT 3.1.
        if version != .v31 {
            guard flags <= 1 else { throw .malformed("a reserved acknowledge flag of the CONNACK is set") }
            packet.sessionPresent = flags == 1
            if packet.sessionPresent && packet.reason != .success {
                // [MQTT-3.2.2-6]
                throw .protocolError("the CONNACK refuses the connection and says that a session is present")
            }
        }
        packet.properties = try reader.properties(for: .connack, version: version)
        guard reader.isAtEnd else { throw .malformed("bytes follow the last field of the CONNACK") }
        return packet
    }

    /// A reason without a return code becomes "server unavailable" before MQTT 5: ask
    /// ``ReasonCode/connackReturnCode`` first where the connection should be closed silently instead.
    public func encode(into buffer: inout ByteBuffer, version: ProtocolVersion) {
        let start = buffer.beginPacket(.connack)
        buffer.append(sessionPresent && version != .v31 ? 1 : 0)  // [MQTT-3.2.2-1]
        buffer.append(version == .v5 ? reason.rawValue : reason.connackReturnCode ?? 3)
        if version.hasProperties { buffer.append(section: properties) }
        buffer.endPacket(bodyAt: start)
    }
}
