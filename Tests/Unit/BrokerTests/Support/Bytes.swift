// SPDX-License-Identifier: Apache-2.0
// Texts as the borrowed bytes that the broker takes.

import MQTT

@testable import Broker

extension String {
    /// The text's bytes, valid during the call.
    func withView<Result>(_ body: (ByteView) -> Result) -> Result {
        Array(utf8).withUnsafeBytes { body(ByteView($0)) }
    }
}

extension Array where Element == UInt8 {
    func withView<Result>(_ body: (ByteView) -> Result) -> Result { withUnsafeBytes { body(ByteView($0)) } }
}

/// Keeps texts in place, for packets that are put together from several of them.
final class TextKeeper {
    private var kept: [UnsafeMutableBufferPointer<UInt8>] = []

    func callAsFunction(_ text: String) -> ByteView { keep(Array(text.utf8)) }

    func keep(_ bytes: [UInt8]) -> ByteView {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = copy.initialize(from: bytes)
        kept.append(copy)
        return ByteView(UnsafeRawBufferPointer(copy))
    }

    deinit {
        for copy in kept { copy.deallocate() }
    }
}

/// What `body` encodes.
func encoded(_ body: (inout ByteBuffer) -> Void) -> [UInt8] {
    var buffer = ByteBuffer()
    defer { buffer.deallocate() }
    body(&buffer)
    return Array(buffer.view.buffer)
}

/// A message for tests that need one without a publisher.
func makeMessage(_ topic: String, _ payload: String = "x", qos: UInt8 = 1, retain: Bool = false) -> Message {
    topic.withView { topic in
        payload.withView { payload in
            Message(
                topic: topic,
                properties: .empty,
                payload: payload,
                publisher: PublisherView(),
                qos: qos,
                retain: retain,
                origin: .client,
                originIdentifier: 0,
                receivedAt: 1,
                expiresAt: 0
            )
        }
    }
}
