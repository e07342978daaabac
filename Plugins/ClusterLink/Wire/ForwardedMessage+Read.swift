// SPDX-License-Identifier: Apache-2.0
// Reads a forwarded message into the host's form of a message, without copying what it does not have to. Unknown flags,
// headers and properties are passed over. One object for each loop: what it returns is valid until its next call.

import PluginAPI
import PluginKit

package final class ForwardedMessageReader {
    private let inflater: Inflater
    private var pairs: [isth_pair] = []
    private var flattened: [UInt8] = []
    private var payloadIsFlattened = false
    private let address = UnsafeMutablePointer<UInt8>.allocate(capacity: PeerAddress.textCapacity)

    package init(_ inflater: Inflater) { self.inflater = inflater }

    deinit { address.deallocate() }

    /// Calls `body` with the message of `payload`, whose origin is already set to "link".
    package func read<Result>(
        _ payload: Bytes,
        _ body: (inout isth_msg) -> Result
    ) throws(TermError) -> Result {
        var message = isth_msg()
        message.size = UInt32(MemoryLayout<isth_msg>.size)
        message.origin = UInt8(ISTH_ORIGIN_LINK)
        pairs.removeAll(keepingCapacity: true)
        payloadIsFlattened = false
        try read(payload, into: &message)
        message.user_property_count = pairs.count
        return pairs.withUnsafeBufferPointer { pairs in
            message.user_properties = pairs.baseAddress
            guard payloadIsFlattened else { return body(&message) }
            return flattened.withView { payload in
                message.payload = payload.bytes
                return body(&message)
            }
        }
    }

    private func read(_ payload: Bytes, into message: inout isth_msg) throws(TermError) {
        var reader = try inflater.open(payload)
        guard try reader.tuple() == 10, try reader.atom() == "message" else { throw .badValue("message") }
        _ = try reader.binary()
        let qos = try reader.integer()
        guard qos >= 0, qos <= 2 else { throw .badValue("qos") }
        message.qos = UInt8(qos)
        if try reader.peek() == Tag.binary {
            message.publisher_id = try text(&reader, "from")
        } else {
            // Published by a part of the peer that has no client identifier, such as its REST API.
            _ = try reader.atom()
        }
        try readFlags(&reader, &message)
        try readHeaders(&reader, &message)
        let topic = try reader.binary()
        guard Text.isTopicName(topic) else { throw .badValue("topic") }
        message.topic = topic.str
        try readPayload(&reader, &message)
        message.received_ms = UInt64(max(0, try reader.integer()))
        try reader.skip()
    }

    private func readFlags(_ reader: inout TermReader, _ message: inout isth_msg) throws(TermError) {
        var seen = SeenKeys()
        for _ in 0..<(try reader.map()) {
            guard let key = try reader.atomKey() else { continue }
            if key == "retain" {
                try seen.mark(0)
                if try reader.atom() == "true" { message.flags |= UInt32(ISTH_MSG_RETAIN) }
            } else {
                try reader.skip()
            }
        }
    }

    private func readHeaders(_ reader: inout TermReader, _ message: inout isth_msg) throws(TermError) {
        var seen = SeenKeys()
        for _ in 0..<(try reader.map()) {
            guard let key = try reader.atomKey() else { continue }
            if key == "properties" {
                try seen.mark(0)
                try readProperties(&reader, &message)
            } else if key == "username" {
                try seen.mark(1)
                if try reader.peek() == Tag.binary {
                    message.publisher_username = try text(&reader, "username")
                    message.flags |= UInt32(ISTH_MSG_HAS_USERNAME)
                } else {
                    try reader.skip()
                }
            } else if key == "peername" {
                try seen.mark(2)
                try readPeer(&reader, &message)
            } else if key == "proto_ver" {
                try seen.mark(3)
                try readProtocol(&reader, &message)
            } else {
                try reader.skip()
            }
        }
    }

    /// A gateway's client has a protocol version of its own kind: only MQTT's are kept.
    private func readProtocol(_ reader: inout TermReader, _ message: inout isth_msg) throws(TermError) {
        guard try reader.peek() == Tag.smallInteger else {
            try reader.skip()
            return
        }
        let version = try reader.integer()
        if version >= 3, version <= 5 { message.publisher_protocol = UInt8(version) }
    }

    private func readPeer(_ reader: inout TermReader, _ message: inout isth_msg) throws(TermError) {
        let start = reader
        guard try reader.peek() == Tag.smallTuple, try reader.tuple() == 2,
            let peer = try PeerAddress(&reader), let port = try reader.integerIfPresent()
        else {
            reader = start
            try reader.skip()
            return
        }
        guard port >= 0, port <= 65_535 else { throw .badValue("peer address") }
        message.publisher_port = UInt16(port)
        message.publisher_addr = Bytes(address, count: peer.write(to: address)).str
    }

    // MARK: Properties

    private func readProperties(_ reader: inout TermReader, _ message: inout isth_msg) throws(TermError) {
        var seen = SeenKeys()
        for _ in 0..<(try reader.map()) {
            guard let key = try reader.atomKey() else { continue }
            if key == "Content-Type" {
                try seen.mark(0)
                message.content_type = try text(&reader, "Content-Type")
                message.flags |= UInt32(ISTH_MSG_HAS_CONTENT_TYPE)
            } else if key == "Correlation-Data" {
                try seen.mark(1)
                let data = try reader.binary()
                guard data.count <= Text.maximumLength else { throw .badValue("Correlation-Data") }
                message.correlation = data.bytes
                message.flags |= UInt32(ISTH_MSG_HAS_CORRELATION)
            } else if key == "Message-Expiry-Interval" {
                try seen.mark(2)
                message.expiry_s = UInt32(clamping: try reader.integer())
                message.flags |= UInt32(ISTH_MSG_HAS_EXPIRY)
            } else if key == "Payload-Format-Indicator" {
                try seen.mark(3)
                let format = try reader.integer()
                guard format == 0 || format == 1 else { throw .badValue("Payload-Format-Indicator") }
                message.payload_format = UInt8(format)
                message.flags |= UInt32(ISTH_MSG_HAS_PAYLOAD_FORMAT)
            } else if key == "Response-Topic" {
                try seen.mark(4)
                let topic = try reader.binary()
                guard Text.isTopicName(topic) else { throw .badValue("Response-Topic") }
                message.response_topic = topic.str
                message.flags |= UInt32(ISTH_MSG_HAS_RESPONSE_TOPIC)
            } else if key == "User-Property" {
                try seen.mark(5)
                try readUserProperties(&reader)
            } else {
                try reader.skip()
            }
        }
    }

    private func readUserProperties(_ reader: inout TermReader) throws(TermError) {
        let count = try reader.list()
        for _ in 0..<count {
            guard try reader.tuple() == 2 else { throw .badValue("User-Property") }
            let name = try text(&reader, "User-Property")
            pairs.append(isth_pair(name: name, value: try text(&reader, "User-Property")))
        }
        try reader.endList(count)
    }

    private func text(_ reader: inout TermReader, _ key: TermError.StaticKey) throws(TermError) -> isth_str {
        let bytes = try reader.binary()
        guard Text.isValid(bytes) else { throw .badValue(key) }
        return bytes.str
    }

    // MARK: Payload

    /// A binary as a rule; the record also allows nested lists of bytes and binaries, which are joined.
    @inline(__always)
    private func readPayload(_ reader: inout TermReader, _ message: inout isth_msg) throws(TermError) {
        if try reader.peek() == Tag.binary {
            message.payload = try reader.binary().bytes
        } else {
            try flatten(&reader)
            payloadIsFlattened = true
        }
    }

    private func flatten(_ reader: inout TermReader) throws(TermError) {
        flattened.removeAll(keepingCapacity: true)
        var pending = 1
        while pending > 0 {
            pending -= 1
            switch try reader.peek() {
            case Tag.binary: flattened.append(contentsOf: try reader.binary().buffer)
            case Tag.string: flattened.append(contentsOf: try reader.byteString().buffer)
            case Tag.smallInteger: flattened.append(UInt8(try reader.integer()))
            default:
                let elements = try reader.list()
                // The tail of a list stands behind its elements and is one more term.
                if elements > 0 { pending += elements + 1 }
                guard pending <= reader.remaining else { throw .impossibleCount }
            }
        }
    }
}

/// Which of a map's known keys have been read: a key that stands twice makes the term invalid.
private struct SeenKeys {
    private var bits: UInt8 = 0

    mutating func mark(_ key: UInt8) throws(TermError) {
        guard bits & 1 << key == 0 else { throw .duplicateKey }
        bits |= 1 << key
    }
}

extension TermReader {
    /// The next key of a map if it is an atom; otherwise key and value are passed over and the answer is nil.
    fileprivate mutating func atomKey() throws(TermError) -> Bytes? {
        switch try peek() {
        case Tag.smallAtomUTF8, Tag.atomUTF8, Tag.smallAtom, Tag.atom: return try atom()
        default:
            try skip()
            try skip()
            return nil
        }
    }

    fileprivate mutating func integerIfPresent() throws(TermError) -> Int64? {
        let tag = try peek()
        guard tag == Tag.smallInteger || tag == Tag.integer else { return nil }
        return try integer()
    }

    /// A list of small integers in its short form.
    fileprivate mutating func byteString() throws(TermError) -> Bytes {
        let tag = try byte()
        guard tag == Tag.string else { throw .unexpectedTag(tag) }
        return try take(try uint16())
    }
}
