// SPDX-License-Identifier: Apache-2.0
// Builds the properties of a packet to be sent in a buffer that is used again and again. The result goes to an encoder
// as `properties`, or as raw bytes to `PublishEncoder`. Like the buffer, it frees nothing by itself.

public struct PropertyWriter: Sendable {
    public private(set) var buffer = ByteBuffer()

    public init() {}

    /// What was written so far; valid until the next change.
    public var properties: Properties { Properties(encoded: buffer.view) }

    /// The same without its length, for ``PublishEncoder``.
    public var raw: ByteView { buffer.view }

    public mutating func removeAll() { buffer.removeAll() }

    public mutating func deallocate() { buffer.deallocate() }

    /// An integer in the width that the property has.
    public mutating func append(_ identifier: PropertyIdentifier, _ value: UInt32) {
        buffer.append(identifier.rawValue)
        switch identifier.type {
        case .byte: buffer.append(UInt8(truncatingIfNeeded: value))
        case .twoByteInteger: buffer.append(bigEndian: UInt16(truncatingIfNeeded: value))
        case .fourByteInteger: buffer.append(bigEndian: value)
        case .variableByteInteger: buffer.append(variable: Int(value))
        case .utf8String, .binaryData, .utf8StringPair:
            assertionFailure("the property is no integer")
            buffer.truncate(to: buffer.count - 1)
        }
    }

    public mutating func append(_ identifier: PropertyIdentifier, _ flag: Bool) { append(identifier, flag ? 1 : 0) }

    /// A text or binary data of at most 65,535 bytes.
    public mutating func append(_ identifier: PropertyIdentifier, _ bytes: ByteView) {
        assert(identifier.type == .utf8String || identifier.type == .binaryData)
        buffer.append(identifier.rawValue)
        buffer.append(prefixed: bytes)
    }

    public mutating func appendUserProperty(name: ByteView, value: ByteView) {
        buffer.append(PropertyIdentifier.userProperty.rawValue)
        buffer.append(prefixed: name)
        buffer.append(prefixed: value)
    }

    /// Properties that are encoded already.
    public mutating func append(encoded raw: ByteView) { buffer.append(raw) }

    /// The properties of a received PUBLISH or will that go with the message to its receivers, unaltered and in their
    /// order. The topic alias and the subscription identifiers concern one connection only; a will's delay ends with
    /// the will. [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-20]
    ///
    /// `messageExpiryInterval`, what is left of it [MQTT-3.3.2-6], comes first: with ``expiryOffset`` it can be
    /// rewritten in a copy without another look at the properties.
    public mutating func appendForwarded(_ properties: Properties, messageExpiryInterval: UInt32?) {
        if let messageExpiryInterval { append(.messageExpiryInterval, messageExpiryInterval) }
        var fields = PropertyFields(properties.raw)
        var keptFrom = 0
        while let field = fields.next() {
            switch field.identifier {
            case .topicAlias, .subscriptionIdentifier, .messageExpiryInterval, .willDelayInterval:
                buffer.append(properties.raw.slice(keptFrom, field.start))
                keptFrom = field.end
            default: break
            }
        }
        buffer.append(properties.raw.slice(keptFrom, fields.position))
    }

    /// Where the four bytes of the message expiry interval stand in what ``appendForwarded(_:messageExpiryInterval:)``
    /// wrote into an empty writer.
    public static var expiryOffset: Int { 1 }
}
