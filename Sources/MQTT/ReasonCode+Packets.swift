// SPDX-License-Identifier: Apache-2.0
// Which reason codes MQTT 5 allows in which packet (its table 2.6). The decoders reject every other code.

extension ReasonCode {
    /// Whether the code stands in the table of packet type `type`. [MQTT-3.2.2-8] [MQTT-3.4.2-1] [MQTT-3.5.2-1]
    /// [MQTT-3.6.2-1] [MQTT-3.7.2-1] [MQTT-3.9.3-2] [MQTT-3.11.3-2] [MQTT-3.14.2-1] [MQTT-3.15.2-1]
    public func isDefined(in type: PacketType) -> Bool {
        switch type {
        case .connack: isDefinedInConnack
        case .puback, .pubrec:
            switch rawValue {
            case 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99: true
            default: false
            }
        case .pubrel, .pubcomp: self == .success || self == .packetIdentifierNotFound
        case .suback:
            switch rawValue {
            case 0x00...0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2: true
            default: false
            }
        case .unsuback:
            switch rawValue {
            case 0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91: true
            default: false
            }
        case .disconnect: isDefinedInDisconnect
        case .auth: self == .success || self == .continueAuthentication || self == .reauthenticate
        case .connect, .publish, .subscribe, .unsubscribe, .pingreq, .pingresp: false
        }
    }

    /// The code, or where packet type `type` has no such code the one that says nothing in particular. Plugins may
    /// give any.
    public func fitting(_ type: PacketType) -> ReasonCode { isDefined(in: type) ? self : .implementationSpecificError }

    private var isDefinedInConnack: Bool {
        switch rawValue {
        case 0x00, 0x80...0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99...0x9D, 0x9F: true
        default: false
        }
    }

    private var isDefinedInDisconnect: Bool {
        switch rawValue {
        case 0x00, 0x04, 0x80...0x83, 0x87, 0x89, 0x8B...0x90, 0x93...0xA2: true
        default: false
        }
    }
}
