// SPDX-License-Identifier: Apache-2.0
// Messages that no client of this loop published: wills, plugins, links, the broker itself.

import MQTT
import PluginAPI

/// A message on its way from a plugin, or from another thread, into a broker.
public struct InjectedMessage: @unchecked Sendable {
    let message: Message
    let skipsHooks: Bool
    let skipsRetained: Bool

    /// Copies the view. `nil` if a client's PUBLISH could not be like this: the topic is no topic name, a text is not
    /// well-formed UTF-8, the response topic has a wildcard, the payload format is above 1, or it does not fit into a packet.
    public init?(_ view: isth_msg, flags: UInt32, now: UInt64) {
        let topic = ByteView(view.topic)
        let payload = ByteView(view.payload)
        guard TopicName.validate(topic), view.qos <= 2, payload.count < VariableByteInteger.maximum - 300_000 else {
            return nil
        }
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        guard Self.encodeProperties(view, &writer), writer.raw.count < 200_000,
            Properties.isValid(writer.raw, for: .publish)
        else { return nil }
        for text in [view.publisher_id, view.publisher_username, view.publisher_addr] {
            guard UTF8Bytes.isWellFormed(ByteView(text)) else { return nil }
        }
        let hasExpiry = view.flags & UInt32(ISTH_MSG_HAS_EXPIRY) != 0
        message = Message(
            topic: topic,
            properties: writer.raw,
            payload: payload,
            publisher: PublisherView(
                clientIdentifier: ByteView(view.publisher_id),
                userName: ByteView(view.publisher_username),
                hasUserName: view.flags & UInt32(ISTH_MSG_HAS_USERNAME) != 0,
                address: ByteView(view.publisher_addr),
                port: view.publisher_port,
                version: view.publisher_protocol
            ),
            qos: view.qos,
            retain: view.flags & UInt32(ISTH_MSG_RETAIN) != 0,
            origin: MessageOrigin(rawValue: view.origin) ?? .plugin,
            originIdentifier: view.origin_id,
            receivedAt: view.received_ms == 0 ? Clock.wallMilliseconds : view.received_ms,
            expiresAt: hasExpiry ? now + UInt64(view.expiry_s) * 1000 : 0
        )
        message.header.pointee.isLocalOnly = flags & UInt32(ISTH_PUB_LOCAL_ONLY) != 0
        skipsHooks = flags & UInt32(ISTH_PUB_SKIP_HOOKS) != 0
        skipsRetained = flags & UInt32(ISTH_PUB_NO_RETAIN) != 0
    }

    private static func encodeProperties(_ view: isth_msg, _ writer: inout PropertyWriter) -> Bool {
        func has(_ flag: Int) -> Bool { view.flags & UInt32(flag) != 0 }
        let texts = [
            view.content_type.len, view.response_topic.len, view.correlation.len, view.publisher_id.len,
            view.publisher_username.len, view.publisher_addr.len,
        ]
        guard texts.allSatisfy({ $0 <= 65_535 }) else { return false }
        if has(ISTH_MSG_HAS_PAYLOAD_FORMAT) { writer.append(.payloadFormatIndicator, UInt32(view.payload_format)) }
        if has(ISTH_MSG_HAS_CONTENT_TYPE) { writer.append(.contentType, ByteView(view.content_type)) }
        if has(ISTH_MSG_HAS_RESPONSE_TOPIC) { writer.append(.responseTopic, ByteView(view.response_topic)) }
        if has(ISTH_MSG_HAS_CORRELATION) { writer.append(.correlationData, ByteView(view.correlation)) }
        guard let pairs = view.user_properties else { return true }
        for i in 0..<view.user_property_count {
            guard pairs[i].name.len <= 65_535, pairs[i].value.len <= 65_535 else { return false }
            writer.appendUserProperty(name: ByteView(pairs[i].name), value: ByteView(pairs[i].value))
        }
        return true
    }
}

extension Broker {
    /// Routes an injected message and takes it over. Returns whether anybody wanted it.
    @discardableResult
    public func inject(_ injected: InjectedMessage) -> Bool {
        var publication = Publication(injected.message)
        defer {
            publication.release()
            injected.message.release()
        }
        if injected.skipsHooks { return routeKept(&publication, skipsRetained: injected.skipsRetained) }
        let delay = publication.topic[0] == UInt8(ascii: "$") ? takeDelay(&publication) : .none
        return publishKept(&publication, delay, skipsRetained: injected.skipsRetained)
    }

    /// Through the publish hooks, and then on or into the waiting room. Returns whether anybody wanted it.
    @discardableResult
    func publishKept(_ publication: inout Publication, _ delay: Delay, skipsRetained: Bool = false) -> Bool {
        if delay == .malformed { return false }
        if !hooks.publish.isEmpty {
            guard case .route = runPublishHooks(&publication, nil) else { return false }
        }
        if case .until(let due) = delay { return keepDelayed(&publication, until: due, skipsRetained: skipsRetained) }
        return routeKept(&publication, skipsRetained: skipsRetained)
    }

    /// On the very topic that the publication has: that is the one its publisher was authorised for.
    @discardableResult
    func routeKept(_ publication: inout Publication, skipsRetained: Bool) -> Bool {
        if publication.retain, !skipsRetained, !retain(&publication) { return true }
        return route(&publication)
    }

    /// A retained message of the broker itself, such as `$SYS/…`.
    public func publishSystem(topic: String, payload: String) {
        var topic = topic
        var payload = payload
        topic.withUTF8 { topic in
            payload.withUTF8 { payload in
                var publication = Publication(
                    topic: ByteView(UnsafeRawBufferPointer(topic)),
                    payload: ByteView(UnsafeRawBufferPointer(payload)),
                    qos: 0,
                    retain: true,
                    origin: .system
                )
                _ = retain(&publication)
                _ = route(&publication)
                publication.release()
            }
        }
    }
}
