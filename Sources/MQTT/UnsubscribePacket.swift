// SPDX-License-Identifier: Apache-2.0
// UNSUBSCRIBE. All its topic filters are checked when it is decoded and read from its bytes when they are asked for.

public struct UnsubscribePacket: Sendable {
    public let packetIdentifier: UInt16
    public let properties: Properties
    public let filters: TopicFilterList

    /// `known`: how many topic filters this body has, if it was decoded before; they are not checked a second time.
    public static func decode(
        _ body: ByteView,
        version: ProtocolVersion,
        known: Int? = nil
    ) throws(MalformedPacket) -> UnsubscribePacket {
        var reader = ByteReader(body)
        let packetIdentifier = try reader.packetIdentifier(or: "the UNSUBSCRIBE ends before its packet identifier")
        let properties = try reader.properties(for: PropertyContext(.unsubscribe), version: version)
        // [MQTT-3.10.3-2]
        guard !reader.isAtEnd else { throw .protocolError("the UNSUBSCRIBE has no topic filter") }
        let raw = reader.rest
        var count = known ?? 0
        while known == nil, !reader.isAtEnd {
            let filter = try reader.prefixed(or: "the UNSUBSCRIBE ends inside a topic filter")
            try TopicFilter.validateReceived(filter, version: version)
            count += 1
        }
        return UnsubscribePacket(
            packetIdentifier: packetIdentifier,
            properties: properties,
            filters: TopicFilterList(raw: raw, count: count)
        )
    }

    public static func encode(
        into buffer: inout ByteBuffer,
        packetIdentifier: UInt16,
        properties: Properties = .empty,
        filters: [ByteView],
        version: ProtocolVersion
    ) {
        let start = buffer.beginPacket(.unsubscribe)
        buffer.append(bigEndian: packetIdentifier)
        if version.hasProperties { buffer.append(section: properties) }
        for filter in filters { buffer.append(prefixed: filter) }
        buffer.endPacket(bodyAt: start)
    }
}

/// The topic filters of a decoded UNSUBSCRIBE, in their order.
public struct TopicFilterList: Sequence, Sendable {
    let raw: ByteView
    public let count: Int

    public func makeIterator() -> Iterator { makeIterator(from: 0) }

    /// The rest of them: `position` is where another iterator stood.
    public func makeIterator(from position: Int) -> Iterator {
        var reader = ByteReader(raw)
        reader.position = position
        return Iterator(reader: reader)
    }

    public struct Iterator: IteratorProtocol {
        var reader: ByteReader

        /// Where the next one begins, bytes.
        public var position: Int { reader.position }

        public mutating func next() -> ByteView? { try? reader.prefixed(or: "") }
    }
}
