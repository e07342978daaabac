// SPDX-License-Identifier: Apache-2.0
// What the plugin sends: messages, subscriptions and their end, checked against the standard and the server's limits
// and appended to `output`.

import Broker
import MQTT
import PluginAPI

extension ClientProtocol {
    // MARK: - Publish

    mutating func publish(_ message: UnsafePointer<isth_msg>, cookie: UInt64) -> Submission {
        guard phase == .connected else { return .notConnected }
        let topic = ByteView(message.pointee.topic)
        let payload = ByteView(message.pointee.payload)
        guard let qos = QoS(rawValue: message.pointee.qos) else { return .invalid("the QoS of the message is above 2") }
        guard TopicName.validate(topic) else { return .invalid("the topic of the message is no topic name") }
        if output.waiting > options.highWater {
            owed.insert(.output)
            return .full
        }
        var raw = ByteView.empty
        if Self.hasProperties(message) {
            if let fault = writeProperties(message) { return .invalid(fault) }
            raw = properties.raw
        }
        let size = PublishEncoder.size(
            topicCount: topic.count,
            payloadCount: payload.count,
            qos: qos,
            propertiesCount: raw.count,
            version: .v5
        )
        // [MQTT-3.2.2-15]
        guard size <= limits.maximumPacketSize else { return .invalid("the message is larger than the server takes") }
        let retain = message.pointee.flags & UInt32(ISTH_MSG_RETAIN) != 0
        // [MQTT-3.2.2-14]
        if retain && !limits.retainAvailable { return .unsupported("the server does not retain messages") }
        var identifier: UInt16 = 0
        if qos != .atMostOnce {
            // [MQTT-3.2.2-11]
            if qos > limits.maximumQoS { return .unsupported("the QoS of the message is above the server's maximum") }
            // [MQTT-3.3.4-9]
            let awaits = qos == .atLeastOnce ? PacketSlots.Awaits.puback : .pubrec
            guard publishes.count < window, let free = publishes.take(awaits, cookie: cookie) else {
                owed.insert(.window)
                return .full
            }
            identifier = free
        }
        largestPublish = output.waiting == 0 ? size : max(largestPublish, size)
        PublishEncoder.encode(
            into: &output.buffer,
            topic: topic,
            payload: payload,
            qos: qos,
            retain: retain,
            packetIdentifier: identifier,
            propertiesRaw: raw,
            version: .v5
        )
        return .accepted
    }

    @inline(__always)
    private static func hasProperties(_ message: UnsafePointer<isth_msg>) -> Bool {
        let flags =
            ISTH_MSG_HAS_CONTENT_TYPE | ISTH_MSG_HAS_RESPONSE_TOPIC | ISTH_MSG_HAS_CORRELATION
            | ISTH_MSG_HAS_PAYLOAD_FORMAT | ISTH_MSG_HAS_EXPIRY
        return message.pointee.flags & UInt32(flags) != 0 || message.pointee.user_property_count > 0
    }

    /// Fills `properties`; the fault if a property is not valid.
    private mutating func writeProperties(_ message: UnsafePointer<isth_msg>) -> StaticString? {
        func has(_ flag: Int) -> Bool { message.pointee.flags & UInt32(flag) != 0 }
        properties.removeAll()
        if has(ISTH_MSG_HAS_PAYLOAD_FORMAT) {
            guard message.pointee.payload_format <= 1 else { return "the payload format of the message is above 1" }
            properties.append(.payloadFormatIndicator, UInt32(message.pointee.payload_format))
        }
        if has(ISTH_MSG_HAS_EXPIRY) { properties.append(.messageExpiryInterval, message.pointee.expiry_s) }
        if has(ISTH_MSG_HAS_CONTENT_TYPE) {
            let text = ByteView(message.pointee.content_type)
            guard Self.isText(text) else { return "the content type of the message is no MQTT string" }
            properties.append(.contentType, text)
        }
        if has(ISTH_MSG_HAS_RESPONSE_TOPIC) {
            let topic = ByteView(message.pointee.response_topic)
            // [MQTT-3.3.2-14]
            guard TopicName.validate(topic) else { return "the response topic of the message is no topic name" }
            properties.append(.responseTopic, topic)
        }
        if has(ISTH_MSG_HAS_CORRELATION) {
            let data = ByteView(message.pointee.correlation)
            guard data.count <= 65_535 else { return "the correlation data of the message has more than 65535 bytes" }
            properties.append(.correlationData, data)
        }
        let pairs = UnsafeBufferPointer(
            start: message.pointee.user_properties,
            count: message.pointee.user_properties == nil ? 0 : message.pointee.user_property_count
        )
        for pair in pairs {
            let (name, value) = (ByteView(pair.name), ByteView(pair.value))
            guard Self.isText(name), Self.isText(value) else {
                return "a user property of the message is no pair of MQTT strings"
            }
            properties.appendUserProperty(name: name, value: value)
        }
        return nil
    }

    private static func isText(_ bytes: ByteView) -> Bool { bytes.count <= 65_535 && UTF8Bytes.isWellFormed(bytes) }

    // MARK: - Subscribe

    mutating func subscribe(_ subscription: isth_sub, cookie: UInt64) -> Submission {
        guard phase == .connected else { return .notConnected }
        let filter = ByteView(subscription.filter)
        let group = ByteView(subscription.share_group)
        guard TopicFilter.validate(filter) else { return .invalid("the topic filter is not valid") }
        guard let qos = QoS(rawValue: subscription.qos),
            let retainHandling = SubscriptionOptions.RetainHandling(rawValue: subscription.retain_handling)
        else { return .invalid("the QoS or the retain handling of the subscription is above 2") }
        if !limits.wildcardSubscriptionAvailable && TopicFilter.isWildcard(filter) {
            return .unsupported("the server does not take wildcard subscriptions")
        }
        // [MQTT-4.8.2-1] [MQTT-4.8.2-2]
        guard Self.isText(group), !TopicFilter.isWildcard(group), !group.buffer.contains(0x2F) else {
            return .invalid("the share group of the subscription has a '/', a wildcard or ill-formed text")
        }
        properties.removeAll()
        if subscription.subscription_id > 0 {
            guard subscription.subscription_id <= UInt32(VariableByteInteger.maximum) else {
                return .invalid("the subscription identifier is above 268435455")
            }
            if !limits.subscriptionIdentifierAvailable {
                return .unsupported("the server does not take subscription identifiers")
            }
            properties.append(.subscriptionIdentifier, subscription.subscription_id)
        }
        let options = SubscriptionOptions(
            qos: qos,
            noLocal: subscription.no_local != 0,
            retainAsPublished: subscription.retain_as_published != 0,
            retainHandling: retainHandling
        )
        let whole = group.isEmpty ? [] : Array("$share/".utf8) + group.buffer + [0x2F] + filter.buffer
        return whole.withUnsafeBytes { whole in
            send(Subscription(filter: group.isEmpty ? filter : ByteView(whole), options: options), cookie)
        }
    }

    private mutating func send(_ subscription: Subscription, _ cookie: UInt64) -> Submission {
        if SharedFilter.isShared(subscription.filter) {
            guard subscription.filter.count <= 65_535, SharedFilter.parse(subscription.filter) != nil else {
                return .invalid("the shared subscription's filter is not $share/GROUP/FILTER or too long")
            }
            // [MQTT-3.8.3-4]
            if subscription.options.noLocal { return .invalid("a shared subscription has the no-local option") }
            if !limits.sharedSubscriptionAvailable {
                return .unsupported("the server does not take shared subscriptions")
            }
        }
        return request(.suback, cookie, size: subscription.filter.count) { identifier, buffer, properties in
            SubscribePacket.encode(
                into: &buffer,
                packetIdentifier: identifier,
                properties: properties,
                subscriptions: [subscription],
                version: .v5
            )
        }
    }

    mutating func unsubscribe(_ filter: ByteView, cookie: UInt64) -> Submission {
        guard phase == .connected else { return .notConnected }
        guard TopicFilter.validate(filter), !SharedFilter.isShared(filter) || SharedFilter.parse(filter) != nil else {
            return .invalid("the topic filter is not valid")
        }
        properties.removeAll()
        return request(.unsuback, cookie, size: filter.count) { identifier, buffer, properties in
            UnsubscribePacket.encode(
                into: &buffer,
                packetIdentifier: identifier,
                properties: properties,
                filters: [filter],
                version: .v5
            )
        }
    }

    /// One filter, one packet: the answer then is the answer to the cookie.
    private mutating func request(
        _ awaits: PacketSlots.Awaits,
        _ cookie: UInt64,
        size: Int,
        _ encode: (UInt16, inout ByteBuffer, Properties) -> Void
    ) -> Submission {
        // The packet around the filter: fixed header, identifier, properties, lengths and options, at most 20 bytes.
        guard size + 20 <= limits.maximumPacketSize else {
            return .invalid("the topic filter is longer than the server takes")
        }
        if output.waiting > options.highWater {
            owed.insert(.output)
            return .full
        }
        guard let identifier = requests.take(awaits, cookie: cookie) else {
            owed.insert(.requests)
            return .full
        }
        encode(identifier, &output.buffer, properties.properties)
        return .accepted
    }
}
