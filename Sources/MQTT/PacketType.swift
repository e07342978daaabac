// SPDX-License-Identifier: Apache-2.0
// The control packet types: the upper four bits of a packet's first byte. Type 0 is forbidden in every version and
// type 15 (AUTH) before MQTT 5; the latter is checked by the AUTH decoder, which knows the version.

public enum PacketType: UInt8, Sendable {
    case connect = 1
    case connack = 2
    case publish = 3
    case puback = 4
    case pubrec = 5
    case pubrel = 6
    case pubcomp = 7
    case subscribe = 8
    case suback = 9
    case unsubscribe = 10
    case unsuback = 11
    case pingreq = 12
    case pingresp = 13
    case disconnect = 14
    case auth = 15

    /// The flag bits that a packet of this type must carry; those of a PUBLISH mean something. [MQTT-2.1.3-1]
    @inlinable
    public var requiredFlags: UInt8 {
        switch self {
        case .pubrel, .subscribe, .unsubscribe: 0b0010
        default: 0
        }
    }
}
