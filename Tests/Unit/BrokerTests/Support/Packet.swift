// SPDX-License-Identifier: Apache-2.0
// A packet that the broker sent, decoded with the MQTT module into values of its own.

import MQTT

struct Packet: Equatable {
    var type: PacketType
    var identifier: UInt16 = 0
    var reason: UInt8 = 0
    var codes: [UInt8] = []
    var sessionPresent = false
    var topic = ""
    var payload: [UInt8] = []
    var qos: UInt8 = 0
    var retain = false
    var dup = false
    var rawProperties: [UInt8] = []

    var text: String { String(decoding: payload, as: UTF8.self) }

    func property<Value>(_ get: (Properties) -> Value) -> Value {
        rawProperties.withUnsafeBytes { get(Properties(encoded: ByteView($0))) }
    }

    var subscriptionIdentifiers: [UInt32] { property { Array($0.subscriptionIdentifiers) } }
    var userProperties: [String] { property { $0.userProperties.map { "\($0.name.string)=\($0.value.string)" } } }

    var reasonString: String? { property { $0.reasonString?.string } }
    var serverReference: String? { property { $0.serverReference?.string } }
    var authenticationMethod: String? { property { $0.authenticationMethod?.string } }
    var authenticationData: String? { property { $0.authenticationData?.string } }

    init(_ type: PacketType) { self.type = type }

    /// All packets in `bytes`, which must be whole ones.
    static func decodeAll(_ bytes: [UInt8], _ version: ProtocolVersion) throws -> [Packet] {
        var packets: [Packet] = []
        try bytes.withUnsafeBytes { raw in
            var rest = ByteView(raw)
            while !rest.isEmpty {
                guard case .packet(let header) = FixedHeader.parse(rest, version: version) else {
                    throw CutPacket(left: rest.count)
                }
                packets.append(try decode(header, header.body(in: rest), version))
                rest = rest.dropFirst(header.packetLength)
            }
        }
        return packets
    }

    struct CutPacket: Error {
        let left: Int
    }

    private static func decode(_ header: FixedHeader, _ body: ByteView, _ version: ProtocolVersion) throws -> Packet {
        var packet = Packet(header.type)
        switch header.type {
        case .connack:
            let decoded = try ConnackPacket.decode(body, version: version)
            packet.reason = decoded.reason.rawValue
            packet.sessionPresent = decoded.sessionPresent
            packet.rawProperties = Array(decoded.properties.raw.buffer)
        case .publish:
            let decoded = try PublishPacket.decode(body, flags: header.flags, version: version)
            packet.topic = decoded.topic.string
            packet.payload = Array(decoded.payload.buffer)
            packet.qos = decoded.qos.rawValue
            packet.retain = decoded.retain
            packet.dup = decoded.dup
            packet.identifier = decoded.packetIdentifier
            packet.rawProperties = Array(decoded.properties.raw.buffer)
        case .puback, .pubrec, .pubrel, .pubcomp:
            let decoded = try AckPacket.decode(body, type: header.type, version: version)
            packet.identifier = decoded.packetIdentifier
            packet.reason = decoded.reason.rawValue
            packet.rawProperties = Array(decoded.properties.raw.buffer)
        case .suback:
            let decoded = try SubackPacket.decode(body, version: version)
            packet.identifier = decoded.packetIdentifier
            packet.codes = Array(decoded.reasonCodes.buffer)
            packet.rawProperties = Array(decoded.properties.raw.buffer)
        case .unsuback:
            let decoded = try UnsubackPacket.decode(body, version: version)
            packet.identifier = decoded.packetIdentifier
            packet.codes = Array(decoded.reasonCodes.buffer)
        case .disconnect:
            let decoded = try DisconnectPacket.decode(body, version: version)
            packet.reason = decoded.reason.rawValue
            packet.rawProperties = Array(decoded.properties.raw.buffer)
        case .auth:
            let decoded = try AuthPacket.decode(body, version: version)
            packet.reason = decoded.reason.rawValue
            packet.rawProperties = Array(decoded.properties.raw.buffer)
        default: break
        }
        return packet
    }
}
