// SPDX-License-Identifier: Apache-2.0
// Decodes a CONNECT and enforces the rules that its bytes alone can break.

extension ConnectPacket {
    /// Of the level byte.
    static let bridgeBit: UInt8 = 0x80

    /// The version a CONNECT body asks for, or, if it is none of ours, the one whose CONNACK its sender may understand:
    /// MQTT 5 from level 5 on, 3.1.1 below. `nil` if the body ends before its level. Readable where ``decode(_:)``
    /// throws, too.
    public static func answerVersion(of body: ByteView) -> ProtocolVersion? {
        var reader = ByteReader(body)
        if let version = (try? protocolLevel(&reader))?.version { return version }
        reader = ByteReader(body)
        guard (try? reader.prefixed(or: "")) != nil, let level = try? reader.byte(or: "") else { return nil }
        // [MQTT-3.1.2-2] [MQTT3-3.1.2-2]
        return level & ~bridgeBit >= ProtocolVersion.v5.rawValue ? .v5 : .v311
    }

    public static func decode(_ body: ByteView) throws(MalformedPacket) -> ConnectPacket {
        var reader = ByteReader(body)
        let (version, isBridge) = try protocolLevel(&reader)
        let flags = try reader.byte(or: "the CONNECT ends before its connect flags")
        try validate(flags: flags, version: version)

        var packet = ConnectPacket(version: version, clientIdentifier: .empty, isBridge: isBridge)
        packet.cleanStart = flags & ConnectFlags.cleanStart != 0
        packet.keepAlive = try reader.uint16(or: "the CONNECT ends before its keep alive")
        packet.properties = try reader.properties(for: .connect, version: version)
        if packet.properties.contains(.authenticationData) && !packet.properties.contains(.authenticationMethod) {
            throw .protocolError("the CONNECT has authentication data without an authentication method")
        }

        // [MQTT-3.1.3-1] [MQTT-3.1.3-3]
        packet.clientIdentifier = try reader.prefixed(or: "the CONNECT ends before or inside its client identifier")
        guard UTF8Bytes.isWellFormed(packet.clientIdentifier) else {
            throw .malformed("the CONNECT client identifier is not well-formed UTF-8")  // [MQTT-3.1.3-4]
        }
        try packet.validateClientIdentifier()
        // [MQTT-3.1.2-9] [MQTT3-3.1.2-11]
        if flags & ConnectFlags.will != 0 { packet.will = try will(&reader, flags: flags, version: version) }
        try packet.readCredentials(&reader, flags: flags)
        // [MQTT-3.1.2-16] [MQTT-3.1.2-18]
        guard reader.isAtEnd else { throw .malformed("bytes follow the last field of the CONNECT") }
        return packet
    }

    private static func protocolLevel(
        _ reader: inout ByteReader
    ) throws(MalformedPacket) -> (version: ProtocolVersion, isBridge: Bool) {
        let name = try reader.prefixed(or: "the CONNECT ends before or inside its protocol name")
        guard name == "MQTT" || name == "MQIsdp" else {  // [MQTT-3.1.2-1]
            throw MalformedPacket(.unsupportedProtocolVersion, "the CONNECT protocol name is not MQTT or MQIsdp")
        }
        let level = try reader.byte(or: "the CONNECT ends before its protocol level")
        // [MQTT-3.1.2-2]
        guard let version = ProtocolVersion(rawValue: level & ~bridgeBit), version.protocolName == name else {
            throw MalformedPacket(.unsupportedProtocolVersion, "the CONNECT protocol level is not 3, 4 or 5")
        }
        return (version, level & bridgeBit != 0)
    }

    private static func validate(flags: UInt8, version: ProtocolVersion) throws(MalformedPacket) {
        if flags & ConnectFlags.reserved != 0 && version != .v31 {
            throw .malformed("the reserved connect flag is set")  // [MQTT-3.1.2-3]
        }
        if flags & ConnectFlags.will == 0 {
            if flags & (ConnectFlags.willQoS | ConnectFlags.willRetain) != 0 {
                // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
                throw .malformed("the CONNECT has a will QoS or will retain flag without a will")
            }
        } else if flags & ConnectFlags.willQoS == ConnectFlags.willQoS {
            throw .malformed("the will QoS is 3")  // [MQTT-3.1.2-12]
        }
        if version != .v5 && flags & ConnectFlags.password != 0 && flags & ConnectFlags.userName == 0 {
            // [MQTT3-3.1.2-22]; MQTT 5 allows a password alone.
            throw .malformed("the CONNECT has a password without a user name")
        }
    }

    /// MQTT 3.1 limits the identifier to 23 characters; longer ones are common and do no harm, so they are let in.
    private func validateClientIdentifier() throws(MalformedPacket) {
        guard clientIdentifier.isEmpty else { return }
        switch version {
        case .v31:
            throw MalformedPacket(.clientIdentifierNotValid, "the client identifier is empty, which MQTT 3.1 forbids")
        case .v311 where !cleanStart:  // [MQTT3-3.1.3-7] [MQTT3-3.1.3-8]
            throw MalformedPacket(
                .clientIdentifierNotValid,
                "the client identifier is empty, but the client asks for its stored session"
            )
        case .v311, .v5: break
        }
    }

    private static func will(
        _ reader: inout ByteReader,
        flags: UInt8,
        version: ProtocolVersion
    ) throws(MalformedPacket) -> Will {
        let properties = try reader.properties(for: .will, version: version)
        let topic = try reader.prefixed(or: "the CONNECT ends before or inside its will topic")
        // [MQTT-3.1.3-11]
        guard UTF8Bytes.isWellFormed(topic) else { throw .malformed("the will topic is not well-formed UTF-8") }
        guard TopicName.validate(topic) else {  // [MQTT-4.7.0-1]
            throw MalformedPacket(.topicNameInvalid, "the will topic is empty or contains a wildcard")
        }
        let payload = try reader.prefixed(or: "the CONNECT ends before or inside its will payload")
        return Will(
            topic: topic,
            payload: payload,
            qos: QoS(rawValue: (flags & ConnectFlags.willQoS) >> 3) ?? .atMostOnce,
            retain: flags & ConnectFlags.willRetain != 0,
            properties: properties
        )
    }

    /// An MQTT 3.1 client may announce a user name or password and then not send it: the remaining length decides.
    private mutating func readCredentials(_ reader: inout ByteReader, flags: UInt8) throws(MalformedPacket) {
        if flags & ConnectFlags.userName != 0 && !(version == .v31 && reader.isAtEnd) {
            hasUserName = true
            userName = try reader.prefixed(or: "the CONNECT ends before or inside its user name")  // [MQTT-3.1.2-17]
            guard UTF8Bytes.isWellFormed(userName) else {
                throw .malformed("the user name is not well-formed UTF-8")  // [MQTT-3.1.3-12]
            }
        }
        if flags & ConnectFlags.password != 0 && !(version == .v31 && reader.isAtEnd) {
            hasPassword = true
            password = try reader.prefixed(or: "the CONNECT ends before or inside its password")  // [MQTT-3.1.2-19]
        }
    }
}
