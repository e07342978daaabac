// SPDX-License-Identifier: Apache-2.0
// What a plugin publishes is what a client could have published, or it is refused.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct InjectedMessageTests {
    private static let illFormed: [UInt8] = [0x61, 0xC3, 0x28]

    private func isTaken(_ change: (inout isth_msg, isth_str) -> Void, _ text: [UInt8]) -> Bool {
        text.withUnsafeBytes { text in
            "t".withView { topic in
                var view = isth_msg()
                view.size = UInt32(MemoryLayout<isth_msg>.size)
                view.topic = isth_str(topic)
                change(&view, isth_str(ByteView(text)))
                guard let message = InjectedMessage(view, flags: 0, now: 1) else { return false }
                message.message.release()
                return true
            }
        }
    }

    private static let texts: [@Sendable (inout isth_msg, isth_str) -> Void] = [
        { ($0.content_type, $0.flags) = ($1, UInt32(ISTH_MSG_HAS_CONTENT_TYPE)) },
        { ($0.response_topic, $0.flags) = ($1, UInt32(ISTH_MSG_HAS_RESPONSE_TOPIC)) },
        { $0.publisher_id = $1 },
        { ($0.publisher_username, $0.flags) = ($1, UInt32(ISTH_MSG_HAS_USERNAME)) },
        { $0.publisher_addr = $1 },
    ]

    @Test(arguments: texts.indices) func textsAreUTF8(text: Int) {
        #expect(isTaken(Self.texts[text], Array("good".utf8)))
        #expect(!isTaken(Self.texts[text], Self.illFormed))
    }

    @Test func userPropertiesAreUTF8() {
        let pairs = UnsafeMutablePointer<isth_pair>.allocate(capacity: 1)
        defer { pairs.deallocate() }
        for text in [Array("good".utf8), Self.illFormed] {
            for isName in [true, false] {
                let isGood = isTaken(
                    { view, text in
                        pairs.initialize(
                            to: isName
                                ? isth_pair(name: text, value: view.topic) : isth_pair(name: view.topic, value: text)
                        )
                        view.user_properties = UnsafePointer(pairs)
                        view.user_property_count = 1
                    },
                    text
                )
                #expect(isGood == (text != Self.illFormed))
            }
        }
    }

    @Test func aResponseTopicHasNoWildcard() {
        #expect(!isTaken(Self.texts[1], Array("a/#".utf8)))
        #expect(!isTaken(Self.texts[1], Array("+".utf8)))
    }

    @Test(arguments: [0, 1, 2, 7, 255]) func thePayloadFormatIsTextOrBytes(format: UInt8) {
        let isGood = isTaken(
            { view, _ in
                view.payload_format = format
                view.flags = UInt32(ISTH_MSG_HAS_PAYLOAD_FORMAT)
            },
            []
        )
        #expect(isGood == (format <= 1))
    }
}
