// SPDX-License-Identifier: Apache-2.0
// The message record that a cluster forwards: a tuple of ten, written straight from the host's message. Only atoms that
// every peer knows are used: an unknown one would make an EMQX drop the message without a word.

import PluginAPI
import PluginKit

/// What makes a forwarded message distinguishable: 64 bits of microseconds, 48 of the node, 16 of a counter.
package struct MessageIdentifier {
    package let microseconds: UInt64
    package let node: UInt64
    package let sequence: UInt16

    package init(microseconds: UInt64, node: UInt64, sequence: UInt16) {
        self.microseconds = microseconds
        self.node = node
        self.sequence = sequence
    }
}

extension TermWriter {
    /// 10 elements: tag, id, qos, from, flags, headers, topic, payload, timestamp, extra.
    package mutating func forwardedMessage(_ message: borrowing isth_msg, id: MessageIdentifier) {
        let topic = message.topic.view
        let payload = message.payload.view
        begin()
        reserve(512 + topic.count + payload.count)
        tuple(10)
        atom("message")
        binaryHead(16)
        append(bigEndian: id.microseconds)
        append(bigEndian: id.node << 16 | UInt64(id.sequence))
        integer(Int64(message.qos))
        let from = message.publisher_id.view
        if from.isEmpty { atom("undefined") } else { binary(from) }
        map(2)
        atom("dup")
        atom("false")
        atom("retain")
        boolean(message.has(ISTH_MSG_RETAIN))
        headers(message)
        binary(topic)
        binary(payload)
        integer(Int64(clamping: message.received_ms))
        map(0)
    }

    /// The seven headers EMQX gives a client's message; only the properties for one that no client published.
    private mutating func headers(_ message: borrowing isth_msg) {
        guard message.publisher_protocol >= 3 else {
            let hasProperties = propertyCount(message) > 0
            map(hasProperties ? 1 : 0)
            if hasProperties { properties(message) }
            return
        }
        let address = PeerAddress(text: message.publisher_addr.view)
        map(address == nil ? 5 : 7)
        atom("client_attrs")
        map(0)
        if let address {
            atom("peerhost")
            addressTuple(address)
            atom("peername")
            tuple(2)
            addressTuple(address)
            integer(Int64(message.publisher_port))
        }
        properties(message)
        atom("proto_ver")
        integer(Int64(message.publisher_protocol))
        atom("protocol")
        atom("mqtt")
        atom("username")
        if message.has(ISTH_MSG_HAS_USERNAME) {
            binary(message.publisher_username.view)
        } else {
            atom("undefined")
        }
    }

    private mutating func addressTuple(_ address: PeerAddress) {
        tuple(UInt8(address.count))
        for index in 0..<address.count { integer(Int64(address[index])) }
    }

    private func propertyCount(_ message: borrowing isth_msg) -> Int {
        let flags =
            ISTH_MSG_HAS_CONTENT_TYPE | ISTH_MSG_HAS_CORRELATION | ISTH_MSG_HAS_EXPIRY | ISTH_MSG_HAS_PAYLOAD_FORMAT
            | ISTH_MSG_HAS_RESPONSE_TOPIC
        let single = (message.flags & UInt32(truncatingIfNeeded: flags)).nonzeroBitCount
        return single + (message.user_property_count > 0 ? 1 : 0)
    }

    private mutating func properties(_ message: borrowing isth_msg) {
        atom("properties")
        map(propertyCount(message))
        if message.has(ISTH_MSG_HAS_CONTENT_TYPE) {
            atom("Content-Type")
            binary(message.content_type.view)
        }
        if message.has(ISTH_MSG_HAS_CORRELATION) {
            atom("Correlation-Data")
            binary(message.correlation.view)
        }
        if message.has(ISTH_MSG_HAS_EXPIRY) {
            atom("Message-Expiry-Interval")
            integer(Int64(message.expiry_s))
        }
        if message.has(ISTH_MSG_HAS_PAYLOAD_FORMAT) {
            atom("Payload-Format-Indicator")
            integer(Int64(message.payload_format))
        }
        if message.has(ISTH_MSG_HAS_RESPONSE_TOPIC) {
            atom("Response-Topic")
            binary(message.response_topic.view)
        }
        let pairs = UnsafeBufferPointer(start: message.user_properties, count: message.user_property_count)
        if !pairs.isEmpty {
            atom("User-Property")
            list(pairs.count)
            for pair in pairs {
                tuple(2)
                binary(pair.name.view)
                binary(pair.value.view)
            }
            endList(pairs.count)
        }
    }
}
