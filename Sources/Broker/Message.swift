// SPDX-License-Identifier: Apache-2.0
// An application message that outlives the read it came in: one block of memory, shared by every queue, in-flight
// window and the retained store of one loop, counted by hand without atomics. It never changes loops: a loop that
// wants a message gets a copy of its own (measured as cheap as an atomic count; docs/decisions/001).

import Glibc
import MQTT

/// What is known of the publisher of a message, for plugins and links.
struct PublisherView {
    var clientIdentifier = ByteView.empty
    var userName = ByteView.empty
    var hasUserName = false
    var address = ByteView.empty
    var port: UInt16 = 0
    var version: UInt8 = 0
}

/// Where a message came from; raw values are those of the plugin ABI (`ISTH_ORIGIN_*`).
enum MessageOrigin: UInt8 {
    case client = 1
    case will = 2
    case plugin = 3
    case link = 4
    case system = 5
}

struct Message {
    struct Header {
        var references: Int32
        var qos: UInt8
        var retain: Bool
        var origin: MessageOrigin
        var publisherVersion: UInt8
        var publisherHasUserName: Bool
        /// Not for destinations.
        var isLocalOnly = false
        var publisherPort: UInt16
        var topicCount: UInt16
        var clientIdentifierCount: UInt16
        var userNameCount: UInt16
        var addressCount: UInt16
        var propertiesCount: Int32
        var payloadCount: Int32
        /// Memory of all of it, bytes.
        var size: UInt32
        /// In how many sessions' queues it waits.
        var queued: UInt32 = 0
        /// Of a will: N of the `$delayed/N/` in front of its topic, 0 = it goes at once.
        var delay: UInt32 = 0
        /// The destination this message must not go back to, 0 = none.
        var originIdentifier: UInt64
        /// Wall clock, ms since 1970, when the first broker took it.
        var receivedAt: UInt64
        /// Monotonic clock, ms; 0 = never. [MQTT-3.3.2-5]
        var expiresAt: UInt64
    }

    let header: UnsafeMutablePointer<Header>

    /// The message that was made at `block`.
    init(at block: UnsafeMutableRawPointer) { header = block.assumingMemoryBound(to: Header.self) }

    /// A message with one reference, copied from the borrowed parts: into `place`, which has room for its size, or else
    /// into memory of its own.
    init(
        topic: ByteView,
        properties: ByteView,
        payload: ByteView,
        publisher: PublisherView,
        qos: UInt8,
        retain: Bool,
        origin: MessageOrigin,
        originIdentifier: UInt64,
        receivedAt: UInt64,
        expiresAt: UInt64,
        place: UnsafeMutableRawPointer? = nil
    ) {
        let size = Self.size(topic, properties, payload, publisher)
        let block = place ?? Self.allocate(size)
        header = block.initializeMemory(
            as: Header.self,
            to: Header(
                references: 1,
                qos: qos,
                retain: retain,
                origin: origin,
                publisherVersion: publisher.version,
                publisherHasUserName: publisher.hasUserName,
                publisherPort: publisher.port,
                topicCount: UInt16(topic.count),
                clientIdentifierCount: UInt16(publisher.clientIdentifier.count),
                userNameCount: UInt16(publisher.userName.count),
                addressCount: UInt16(publisher.address.count),
                propertiesCount: Int32(properties.count),
                payloadCount: Int32(payload.count),
                size: UInt32(truncatingIfNeeded: size),
                originIdentifier: originIdentifier,
                receivedAt: receivedAt,
                expiresAt: expiresAt
            )
        )
        var at = block + MemoryLayout<Header>.size
        func add(_ bytes: ByteView) {
            if bytes.isEmpty { return }
            at.copyMemory(from: bytes.base, byteCount: bytes.count)
            at += bytes.count
        }
        add(topic)
        add(properties)
        add(payload)
        add(publisher.clientIdentifier)
        add(publisher.userName)
        add(publisher.address)
    }

    /// Straight from malloc: the standard library asks for the alignment that malloc gives anyway, at twice the price.
    @inline(__always)
    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        malloc(size) ?? .allocate(byteCount: size, alignment: MemoryLayout<Header>.alignment)
    }

    /// Memory that a message of these parts takes, bytes.
    @inline(__always)
    static func size(_ topic: ByteView, _ properties: ByteView, _ payload: ByteView, _ publisher: PublisherView) -> Int
    {
        MemoryLayout<Header>.size + topic.count + properties.count + payload.count
            + publisher.clientIdentifier.count + publisher.userName.count + publisher.address.count
    }

    private func part(_ offset: Int, _ count: Int) -> ByteView {
        let start = UnsafeRawPointer(header) + MemoryLayout<Header>.size + offset
        return ByteView(start.assumingMemoryBound(to: UInt8.self), count: count)
    }

    var isSystem: Bool { header.pointee.origin == .system }
    var qos: UInt8 { header.pointee.qos }
    var retain: Bool { header.pointee.retain }
    var expiresAt: UInt64 { header.pointee.expiresAt }
    var topic: ByteView { part(0, Int(header.pointee.topicCount)) }
    /// MQTT 5 properties that travel on, as encoded, without Message Expiry Interval.
    var properties: ByteView { part(Int(header.pointee.topicCount), Int(header.pointee.propertiesCount)) }
    var payload: ByteView {
        part(Int(header.pointee.topicCount) + Int(header.pointee.propertiesCount), Int(header.pointee.payloadCount))
    }

    var publisher: PublisherView {
        let h = header.pointee
        var offset = Int(h.topicCount) + Int(h.propertiesCount) + Int(h.payloadCount)
        func next(_ count: UInt16) -> ByteView {
            defer { offset += Int(count) }
            return part(offset, Int(count))
        }
        let clientIdentifier = next(h.clientIdentifierCount)
        let userName = next(h.userNameCount)
        return PublisherView(
            clientIdentifier: clientIdentifier,
            userName: userName,
            hasUserName: h.publisherHasUserName,
            address: next(h.addressCount),
            port: h.publisherPort,
            version: h.publisherVersion
        )
    }

    /// Memory the message holds, bytes.
    var size: Int { Int(header.pointee.size) }

    @inline(__always)
    func retained() -> Message {
        header.pointee.references &+= 1
        return self
    }

    @inline(__always)
    func release() {
        header.pointee.references &-= 1
        if header.pointee.references == 0 { free(header) }
    }

    /// A message of its own with the same content, for another loop or thread.
    func copied() -> Message {
        let h = header.pointee
        let copy = Message(
            topic: topic,
            properties: properties,
            payload: payload,
            publisher: publisher,
            qos: h.qos,
            retain: h.retain,
            origin: h.origin,
            originIdentifier: h.originIdentifier,
            receivedAt: h.receivedAt,
            expiresAt: h.expiresAt
        )
        copy.header.pointee.isLocalOnly = h.isLocalOnly
        return copy
    }

    /// The message itself if nobody else holds it, else a copy in exchange for the reference: its count is plain and
    /// must not be touched by two loops.
    func unshared() -> Message {
        if header.pointee.references == 1 { return self }
        defer { release() }
        return copied()
    }

    func isExpired(at now: UInt64) -> Bool { expiresAt != 0 && expiresAt <= now }
}
