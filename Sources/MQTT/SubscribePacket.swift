// SPDX-License-Identifier: Apache-2.0
// SUBSCRIBE. All its subscriptions are checked when it is decoded and read from its bytes when they are asked for.

public struct SubscriptionOptions: Sendable, Equatable {
    public enum RetainHandling: UInt8, Sendable {
        case sendAtSubscribe = 0
        case sendIfNew = 1
        case doNotSend = 2
    }

    public var qos: QoS
    public var noLocal: Bool
    public var retainAsPublished: Bool
    public var retainHandling: RetainHandling

    @inlinable
    public init(
        qos: QoS,
        noLocal: Bool = false,
        retainAsPublished: Bool = false,
        retainHandling: RetainHandling = .sendAtSubscribe
    ) {
        self.qos = qos
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retainHandling = retainHandling
    }

    /// The options byte; before MQTT 5 it is the requested QoS alone.
    public func byte(version: ProtocolVersion) -> UInt8 {
        guard version == .v5 else { return qos.rawValue }
        return qos.rawValue | (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0) | retainHandling.rawValue << 4
    }

    init(byte: UInt8, version: ProtocolVersion) throws(MalformedPacket) {
        guard byte & (version == .v5 ? 0xC0 : 0xFC) == 0 else {
            throw .malformed("a reserved bit of the subscription options is set")  // [MQTT-3.8.3-5]
        }
        guard let qos = QoS(rawValue: byte & 0b11) else {
            throw MalformedPacket(
                version == .v5 ? .protocolError : .malformedPacket,
                "the QoS of a subscription is 3"  // [MQTT3-3.8.3-4]
            )
        }
        guard let retainHandling = RetainHandling(rawValue: byte >> 4) else {
            throw .protocolError("the Retain Handling of a subscription is 3")
        }
        self.init(
            qos: qos,
            noLocal: byte & 0x04 != 0,
            retainAsPublished: byte & 0x08 != 0,
            retainHandling: retainHandling
        )
    }
}

public struct Subscription: Sendable {
    public var filter: ByteView
    public var options: SubscriptionOptions

    public init(filter: ByteView, options: SubscriptionOptions) {
        self.filter = filter
        self.options = options
    }
}

public struct SubscribePacket: Sendable {
    public let packetIdentifier: UInt16
    public let properties: Properties
    public let subscriptions: SubscriptionList

    /// `known`: how many subscriptions this body has, if it was decoded before; they are not checked a second time.
    public static func decode(
        _ body: ByteView,
        version: ProtocolVersion,
        known: Int? = nil
    ) throws(MalformedPacket) -> SubscribePacket {
        var reader = ByteReader(body)
        let packetIdentifier = try reader.packetIdentifier(or: "the SUBSCRIBE ends before its packet identifier")
        let properties = try reader.properties(for: .subscribe, version: version)
        // [MQTT-3.8.3-2]
        guard !reader.isAtEnd else { throw .protocolError("the SUBSCRIBE has no topic filter") }
        let raw = reader.rest
        var count = known ?? 0
        while known == nil, !reader.isAtEnd {
            let filter = try reader.prefixed(or: "the SUBSCRIBE ends inside a topic filter")
            try TopicFilter.validateReceived(filter, version: version)
            let byte = try reader.byte(or: "the SUBSCRIBE ends before the options of its last topic filter")
            let options = try SubscriptionOptions(byte: byte, version: version)
            if options.noLocal && SharedFilter.isShared(filter) {
                throw .protocolError("a shared subscription has the No Local option")  // [MQTT-3.8.3-4]
            }
            count += 1
        }
        return SubscribePacket(
            packetIdentifier: packetIdentifier,
            properties: properties,
            subscriptions: SubscriptionList(raw: raw, count: count, version: version)
        )
    }

    public static func encode(
        into buffer: inout ByteBuffer,
        packetIdentifier: UInt16,
        properties: Properties = .empty,
        subscriptions: [Subscription],
        version: ProtocolVersion
    ) {
        let start = buffer.beginPacket(.subscribe)
        buffer.append(bigEndian: packetIdentifier)
        if version.hasProperties { buffer.append(section: properties) }
        for subscription in subscriptions {
            buffer.append(prefixed: subscription.filter)
            buffer.append(subscription.options.byte(version: version))
        }
        buffer.endPacket(bodyAt: start)
    }
}

/// The subscriptions of a decoded SUBSCRIBE, in their order.
public struct SubscriptionList: Sequence, Sendable {
    let raw: ByteView
    public let count: Int
    let version: ProtocolVersion

    public func makeIterator() -> Iterator { makeIterator(from: 0) }

    /// The rest of them: `position` is where another iterator stood.
    public func makeIterator(from position: Int) -> Iterator {
        var reader = ByteReader(raw)
        reader.position = position
        return Iterator(reader: reader, version: version)
    }

    public struct Iterator: IteratorProtocol {
        var reader: ByteReader
        let version: ProtocolVersion

        /// Where the next one begins, bytes.
        public var position: Int { reader.position }

        public mutating func next() -> Subscription? {
            guard let filter = try? reader.prefixed(or: ""), let byte = try? reader.byte(or: ""),
                let options = try? SubscriptionOptions(byte: byte, version: version)
            else { return nil }
            return Subscription(filter: filter, options: options)
        }
    }
}

extension TopicFilter {
    /// The rules for a filter in a SUBSCRIBE or UNSUBSCRIBE. Before MQTT 5, `$share` is a level like any other.
    static func validateReceived(_ filter: ByteView, version: ProtocolVersion) throws(MalformedPacket) {
        guard UTF8Bytes.isWellFormed(filter) else {
            throw .malformed("a topic filter is not well-formed UTF-8")  // [MQTT-3.8.3-1] [MQTT-3.10.3-1]
        }
        guard validate(filter) else {
            throw MalformedPacket(.topicFilterInvalid, "a topic filter is empty or has a misplaced wildcard")
        }
        if version == .v5 && SharedFilter.isShared(filter) && SharedFilter.parse(filter) == nil {
            throw MalformedPacket(
                .topicFilterInvalid,
                "a shared subscription's filter is not $share/GROUP/FILTER"  // [MQTT-4.8.2-1] [MQTT-4.8.2-2]
            )
        }
    }
}
