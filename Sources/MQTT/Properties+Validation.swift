// SPDX-License-Identifier: Apache-2.0
// What a received property section must satisfy. Rules that tie properties to other fields of a packet (a topic alias
// to an empty topic name, authentication data to a method) are with the packet's decoder.

extension Properties {
    /// Whether this property section, which somebody here has written, is one that a receiver accepts.
    public static func isValid(_ raw: ByteView, for context: PropertyContext) -> Bool {
        (try? validate(raw, for: context)) != nil
    }

    /// Checks every property and returns the bits of those that are there.
    static func validate(_ raw: ByteView, for context: PropertyContext) throws(MalformedPacket) -> UInt64 {
        var present: UInt64 = 0
        var offset = 0
        while offset < raw.count {
            // Identifiers are variable byte integers, but all of them fit one byte.
            guard let identifier = PropertyIdentifier(rawValue: raw[offset]) else {
                throw .malformed("a property has an unknown identifier")
            }
            // An identifier that is not valid for the packet makes the packet malformed.
            guard !identifier.contexts.isDisjoint(with: context) else {
                throw .malformed("a property stands in a packet that must not carry it")
            }
            if present & identifier.bit != 0 && !identifier.mayRepeat(in: context) {
                throw .protocolError("a property that may stand in a packet once is repeated")
            }
            guard let end = identifier.type.end(in: raw, from: offset + 1) else {
                throw .malformed("the value of a property is ill-formed or ends behind the property section")
            }
            try validate(raw.slice(offset + 1, end), of: identifier)
            present |= identifier.bit
            offset = end
        }
        return present
    }

    private static func validate(_ value: ByteView, of identifier: PropertyIdentifier) throws(MalformedPacket) {
        switch identifier.type {
        case .byte:
            // All properties of one byte are flags, the Maximum QoS included.
            if value[0] > 1 { throw .protocolError("a property that is 0 or 1 has another value") }
        case .utf8String: try validate(text: value.dropFirst(2))
        case .utf8StringPair:  // [MQTT-1.5.7-1]
            let valueStart = 2 + Int(value.uint16(at: 0))
            try validate(text: value.slice(2, valueStart))
            try validate(text: value.dropFirst(valueStart + 2))
        case .binaryData, .twoByteInteger, .fourByteInteger, .variableByteInteger: break
        }
        switch identifier {
        case .receiveMaximum where value.uint16(at: 0) == 0: throw .protocolError("the Receive Maximum is 0")
        case .topicAlias where value.uint16(at: 0) == 0:  // [MQTT-3.3.2-8]
            throw MalformedPacket(.topicAliasInvalid, "the Topic Alias is 0")
        case .maximumPacketSize where value.uint32(at: 0) == 0: throw .protocolError("the Maximum Packet Size is 0")
        case .subscriptionIdentifier where value[0] == 0: throw .protocolError("the Subscription Identifier is 0")
        case .responseTopic where value.count == 2:  // [MQTT-4.7.3-1]
            throw .protocolError("the Response Topic is empty")
        case .responseTopic where TopicFilter.isWildcard(value.dropFirst(2)):  // [MQTT-3.3.2-14]
            throw .protocolError("the Response Topic contains a wildcard")
        default: break
        }
    }

    private static func validate(text: ByteView) throws(MalformedPacket) {  // [MQTT-3.3.2-13] [MQTT-3.3.2-19]
        guard UTF8Bytes.isWellFormed(text) else { throw .malformed("a property's text is not well-formed UTF-8") }
    }
}
