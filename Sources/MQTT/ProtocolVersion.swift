// SPDX-License-Identifier: Apache-2.0
// The protocol levels a CONNECT may ask for. The level byte's bridge bit (0x80) is not part of the version; it is
// `ConnectPacket.isBridge`.

public enum ProtocolVersion: UInt8, Sendable {
    /// MQTT 3.1, protocol name "MQIsdp".
    case v31 = 3
    case v311 = 4
    case v5 = 5

    @inlinable
    public var hasProperties: Bool { self == .v5 }

    /// The protocol name that goes with the level in a CONNECT packet. [MQTT-3.1.2-1]
    public var protocolName: ByteView { self == .v31 ? "MQIsdp" : "MQTT" }
}
