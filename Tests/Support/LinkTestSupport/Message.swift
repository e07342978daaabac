// SPDX-License-Identifier: Apache-2.0
// A message that owns its parts, for tests: made from the host's borrowed view, or lent as one.

import ClusterLinkBody
import PluginAPI
import PluginKit

package struct Message: Equatable {
    package var topic = ""
    package var payload: [UInt8] = []
    package var qos: UInt8 = 0
    package var flags: UInt32 = 0
    package var origin = UInt8(ISTH_ORIGIN_CLIENT)
    package var originID: isth_id = 0
    package var payloadFormat: UInt8 = 0
    package var expirySeconds: UInt32 = 0
    package var receivedMilliseconds: UInt64 = 0
    package var contentType = ""
    package var responseTopic = ""
    package var correlation: [UInt8] = []
    package var userProperties: [[String]] = []
    package var publisher = ""
    package var username = ""
    package var address = ""
    package var port: UInt16 = 0
    package var protocolLevel: UInt8 = 0

    package init(_ topic: String, _ payload: String = "", qos: UInt8 = 0, publisher: String = "") {
        self.topic = topic
        self.payload = Array(payload.utf8)
        self.qos = qos
        self.publisher = publisher
    }

    package init(_ view: isth_msg) {
        topic = view.topic.string
        payload = view.payload.view.array
        qos = view.qos
        flags = view.flags
        origin = view.origin
        originID = view.origin_id
        payloadFormat = view.payload_format
        expirySeconds = view.expiry_s
        receivedMilliseconds = view.received_ms
        contentType = view.content_type.string
        responseTopic = view.response_topic.string
        correlation = view.correlation.view.array
        let pairs = UnsafeBufferPointer(start: view.user_properties, count: view.user_property_count)
        userProperties = pairs.map { [$0.name.string, $0.value.string] }
        publisher = view.publisher_id.string
        username = view.publisher_username.string
        address = view.publisher_addr.string
        port = view.publisher_port
        protocolLevel = view.publisher_protocol
    }

    package var text: String { String(decoding: payload, as: UTF8.self) }

    package func has(_ flag: Int) -> Bool { flags & UInt32(flag) != 0 }

    package func with<Result>(_ body: (UnsafePointer<isth_msg>) throws -> Result) rethrows -> Result {
        let copy = OwnedMessage(self)
        defer { withExtendedLifetime(copy) {} }
        return try body(copy.pointer)
    }
}

/// The C form of a message with memory of its own.
package final class OwnedMessage {
    private var buffers: [UnsafeMutableBufferPointer<UInt8>] = []
    private let pairs: UnsafeMutableBufferPointer<isth_pair>
    private let view: UnsafeMutablePointer<isth_msg>

    package var pointer: UnsafePointer<isth_msg> { UnsafePointer(view) }

    package init(_ message: Message) {
        view = .allocate(capacity: 1)
        view.initialize(to: isth_msg())
        pairs = .allocate(capacity: message.userProperties.count)
        for (index, property) in message.userProperties.enumerated() {
            pairs.initializeElement(at: index, to: isth_pair(name: keep(property[0]), value: keep(property[1])))
        }
        view.pointee.size = UInt32(MemoryLayout<isth_msg>.size)
        view.pointee.topic = keep(message.topic)
        view.pointee.payload = isth_bytes(copy(message.payload))
        view.pointee.qos = message.qos
        view.pointee.flags = message.flags
        view.pointee.origin = message.origin
        view.pointee.origin_id = message.originID
        view.pointee.payload_format = message.payloadFormat
        view.pointee.expiry_s = message.expirySeconds
        view.pointee.received_ms = message.receivedMilliseconds
        view.pointee.content_type = keep(message.contentType)
        view.pointee.response_topic = keep(message.responseTopic)
        view.pointee.correlation = isth_bytes(copy(message.correlation))
        view.pointee.user_properties = UnsafePointer(pairs.baseAddress)
        view.pointee.user_property_count = pairs.count
        view.pointee.publisher_id = keep(message.publisher)
        view.pointee.publisher_username = keep(message.username)
        view.pointee.publisher_addr = keep(message.address)
        view.pointee.publisher_port = message.port
        view.pointee.publisher_protocol = message.protocolLevel
    }

    deinit {
        for buffer in buffers { buffer.deallocate() }
        pairs.deallocate()
        view.deallocate()
    }

    private func keep(_ text: String) -> isth_str { isth_str(copy(Array(text.utf8))) }

    private func copy(_ bytes: [UInt8]) -> BytesView {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = buffer.initialize(from: bytes)
        buffers.append(buffer)
        return BytesView(UnsafeBufferPointer(buffer))
    }
}
