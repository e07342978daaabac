// SPDX-License-Identifier: Apache-2.0
// A message on its way through the broker, still in the bytes it arrived in. It is copied into a `Message` only when
// somebody has to keep it, and then once for all who do.

import MQTT

struct Publication {
    var topic: ByteView
    var payload: ByteView
    /// MQTT 5 properties that travel on, as encoded, without Message Expiry Interval.
    var properties = ByteView.empty
    var qos: UInt8
    var retain: Bool
    var origin: MessageOrigin
    var originIdentifier: UInt64 = 0
    /// Wall clock, ms; 0 = in this turn.
    var receivedAt: UInt64 = 0
    /// Monotonic clock, ms; 0 = never.
    var expiresAt: UInt64 = 0
    /// The publishing connection, if it is one of this loop's.
    var connection: ConnectionPointer?
    /// The plain packet of QoS 1 or 2 that it came in, if it did.
    var packet = ByteView.empty
    /// The kept form. The publication holds one reference of it.
    var message: Message?
    /// What the publication was made from, if that may not be kept.
    private var borrowed: Message?
    /// Not to destinations.
    var isLocalOnly = false
    /// The loop that sent it, -1 = none: it was published on this one.
    var sourceLoop: Int8 = -1

    init(topic: ByteView, payload: ByteView, qos: UInt8, retain: Bool, origin: MessageOrigin) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.origin = origin
    }

    /// Routes a kept message; the caller keeps its own reference.
    init(_ message: Message) {
        self.init(borrowing: message)
        borrowed = nil
        self.message = message.retained()
    }

    /// Routes a message that stays as long as the publication, and no longer.
    init(borrowing message: Message) {
        self.init(
            topic: message.topic,
            payload: message.payload,
            qos: message.qos,
            retain: message.retain,
            origin: message.header.pointee.origin
        )
        properties = message.properties
        originIdentifier = message.header.pointee.originIdentifier
        receivedAt = message.header.pointee.receivedAt
        expiresAt = message.expiresAt
        isLocalOnly = message.header.pointee.isLocalOnly
        borrowed = message
    }

    @inline(__always)
    var isFromLoop: Bool { sourceLoop >= 0 }

    var publisher: PublisherView {
        if let connection {
            return PublisherView(
                clientIdentifier: connection.pointee.clientIdentifier.view,
                userName: connection.pointee.userName.view,
                hasUserName: connection.pointee.hasUserName,
                address: connection.pointee.address.view,
                port: connection.pointee.port,
                version: connection.pointee.version.rawValue
            )
        }
        return (message ?? borrowed)?.publisher ?? PublisherView()
    }

    /// Memory of a copy, bytes.
    var size: Int { Message.size(topic, properties, payload, publisher) }

    /// A copy, for another loop: in `place` if there is one, else with memory of its own.
    func copied(at wallTime: UInt64, to place: UnsafeMutableRawPointer? = nil) -> Message {
        let message = Message(
            topic: topic,
            properties: properties,
            payload: payload,
            publisher: publisher,
            qos: qos,
            retain: retain,
            origin: origin,
            originIdentifier: originIdentifier,
            receivedAt: receivedAt == 0 ? wallTime : receivedAt,
            expiresAt: expiresAt,
            place: place
        )
        message.header.pointee.isLocalOnly = isLocalOnly
        return message
    }

    /// The kept form, made when first asked for. The publication keeps its reference until `release`.
    mutating func kept(at wallTime: UInt64) -> Message {
        if let message { return message }
        let fresh = copied(at: wallTime)
        message = fresh
        return fresh
    }

    mutating func release() {
        message?.release()
        message = nil
    }
}
