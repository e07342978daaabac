// SPDX-License-Identifier: Apache-2.0
// Getters of the single properties, `nil` where one is absent: the default that absence stands for belongs to whoever
// applies it.

extension Properties {
    public var payloadFormatIndicator: UInt8? { integer(.payloadFormatIndicator) }
    public var messageExpiryInterval: UInt32? { integer(.messageExpiryInterval) }
    public var sessionExpiryInterval: UInt32? { integer(.sessionExpiryInterval) }
    public var serverKeepAlive: UInt16? { integer(.serverKeepAlive) }
    public var willDelayInterval: UInt32? { integer(.willDelayInterval) }
    public var receiveMaximum: UInt16? { integer(.receiveMaximum) }
    public var topicAliasMaximum: UInt16? { integer(.topicAliasMaximum) }
    public var topicAlias: UInt16? { integer(.topicAlias) }
    public var maximumPacketSize: UInt32? { integer(.maximumPacketSize) }
    public var maximumQoS: QoS? { integer(.maximumQoS).flatMap(QoS.init(rawValue:)) }

    public var requestProblemInformation: Bool? { flag(.requestProblemInformation) }
    public var requestResponseInformation: Bool? { flag(.requestResponseInformation) }
    public var retainAvailable: Bool? { flag(.retainAvailable) }
    public var wildcardSubscriptionAvailable: Bool? { flag(.wildcardSubscriptionAvailable) }
    public var subscriptionIdentifierAvailable: Bool? { flag(.subscriptionIdentifierAvailable) }
    public var sharedSubscriptionAvailable: Bool? { flag(.sharedSubscriptionAvailable) }

    public var contentType: ByteView? { bytes(.contentType) }
    public var responseTopic: ByteView? { bytes(.responseTopic) }
    public var correlationData: ByteView? { bytes(.correlationData) }
    public var assignedClientIdentifier: ByteView? { bytes(.assignedClientIdentifier) }
    public var authenticationMethod: ByteView? { bytes(.authenticationMethod) }
    public var authenticationData: ByteView? { bytes(.authenticationData) }
    public var responseInformation: ByteView? { bytes(.responseInformation) }
    public var serverReference: ByteView? { bytes(.serverReference) }
    public var reasonString: ByteView? { bytes(.reasonString) }

    /// The first subscription identifier: a SUBSCRIBE has at most one.
    public var subscriptionIdentifier: UInt32? {
        var iterator = subscriptionIdentifiers.makeIterator()
        return iterator.next()
    }

    /// All subscription identifiers in their order: a PUBLISH to a client may have several.
    public var subscriptionIdentifiers: SubscriptionIdentifiers { SubscriptionIdentifiers(properties: self) }

    /// The user properties in their order, which is kept. [MQTT-3.3.2-18]
    public var userProperties: UserProperties { UserProperties(properties: self) }

    private func integer<Integer: FixedWidthInteger>(_ identifier: PropertyIdentifier) -> Integer? {
        guard let value = value(of: identifier) else { return nil }
        var result: Integer = 0
        for byte in value.buffer { result = result << 8 | Integer(truncatingIfNeeded: byte) }
        return result
    }

    private func flag(_ identifier: PropertyIdentifier) -> Bool? { value(of: identifier).map { $0[0] != 0 } }

    private func bytes(_ identifier: PropertyIdentifier) -> ByteView? { value(of: identifier)?.dropFirst(2) }

    private func value(of identifier: PropertyIdentifier) -> ByteView? {
        guard contains(identifier) else { return nil }
        var fields = PropertyFields(raw)
        while let field = fields.next() {
            if field.identifier == identifier { return field.value }
        }
        return nil
    }
}

public struct UserProperty: Sendable, Equatable {
    public let name: ByteView
    public let value: ByteView

    public init(name: ByteView, value: ByteView) {
        self.name = name
        self.value = value
    }
}

public struct UserProperties: Sequence, Sendable {
    let properties: Properties

    public func makeIterator() -> Iterator {
        Iterator(fields: PropertyFields(properties.contains(.userProperty) ? properties.raw : .empty))
    }

    public struct Iterator: IteratorProtocol {
        var fields: PropertyFields

        public mutating func next() -> UserProperty? {
            while let field = fields.next() {
                guard field.identifier == .userProperty else { continue }
                let nameEnd = 2 + Int(field.value.uint16(at: 0))
                return UserProperty(name: field.value.slice(2, nameEnd), value: field.value.dropFirst(nameEnd + 2))
            }
            return nil
        }
    }
}

public struct SubscriptionIdentifiers: Sequence, Sendable {
    let properties: Properties

    public func makeIterator() -> Iterator {
        Iterator(fields: PropertyFields(properties.contains(.subscriptionIdentifier) ? properties.raw : .empty))
    }

    public struct Iterator: IteratorProtocol {
        var fields: PropertyFields

        public mutating func next() -> UInt32? {
            while let field = fields.next() {
                guard field.identifier == .subscriptionIdentifier else { continue }
                var offset = 0
                return VariableByteInteger.decode(field.value, at: &offset).map { UInt32(truncatingIfNeeded: $0) }
            }
            return nil
        }
    }
}
