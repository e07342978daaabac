import ClusterLinkBody
import LinkTestSupport
import PluginAPI
// SPDX-License-Identifier: Apache-2.0
import TestRandom
import Testing

@Suite("Forwarded messages")
struct ForwardedMessageTests {
    private let id = MessageIdentifier(microseconds: 0x0006_2A9D_A1F1_8A00, node: 0x1234_0000_0ABC, sequence: 1)

    private func read(_ payload: [UInt8]) throws(TermError) -> Message {
        let reader = ForwardedMessageReader(Inflater())
        return try payload.withView { (bytes) throws(TermError) in try reader.read(bytes) { Message($0) } }
    }

    private func written(_ message: Message) -> [UInt8] {
        var writer = TermWriter()
        message.with { writer.forwardedMessage($0.pointee, id: id) }
        return writer.bytes.array
    }

    private var fromClient: Message {
        var message = Message("t/1", "hello", qos: 1, publisher: "dev1")
        message.username = "u1"
        message.flags = UInt32(ISTH_MSG_HAS_USERNAME)
        message.address = "10.0.0.7"
        message.port = 51234
        message.protocolLevel = 5
        message.receivedMilliseconds = 1_735_689_600_123
        return message
    }

    private var withProperties: Message {
        var message = fromClient
        message.qos = 2
        message.payload = Array("{}".utf8)
        message.username = ""
        message.flags =
            UInt32(
                ISTH_MSG_RETAIN | ISTH_MSG_HAS_CONTENT_TYPE | ISTH_MSG_HAS_RESPONSE_TOPIC | ISTH_MSG_HAS_CORRELATION
                    | ISTH_MSG_HAS_PAYLOAD_FORMAT | ISTH_MSG_HAS_EXPIRY
            )
        message.contentType = "application/json"
        message.correlation = [1, 2, 3]
        message.expirySeconds = 300
        message.payloadFormat = 1
        message.responseTopic = "r/1"
        message.userProperties = [["k", "v"], ["k", "w"]]
        return message
    }

    @Test("A client's message is written as V18, one with all properties as V19")
    func writes() {
        #expect(hex(written(fromClient)) == hex(Vector.bytes("V18")))
        #expect(hex(written(withProperties)) == hex(Vector.bytes("V19")))
    }

    @Test("V18 and V19 are read as they were written")
    func reads() throws {
        var expected = fromClient
        expected.origin = UInt8(ISTH_ORIGIN_LINK)
        #expect(try read(Vector.bytes("V18")) == expected)
        expected = withProperties
        expected.origin = UInt8(ISTH_ORIGIN_LINK)
        #expect(try read(Vector.bytes("V19")) == expected)
    }

    @Test("The smallest form has no headers", arguments: ["V17", "V23"])
    func minimal(_ id: String) throws {
        let message = try read(Vector.bytes(id))
        #expect(message.topic == "t/1" && message.text == "hello" && message.qos == 1)
        #expect(message.publisher == "dev1" && message.receivedMilliseconds == 1_735_689_600_123)
        #expect(message.flags == 0 && message.address.isEmpty && message.protocolLevel == 0)
    }

    @Test("A publisher without client identifier is an atom on the wire")
    func internalPublisher() throws {
        let message = try read(Vector.bytes("V20"))
        #expect(message.publisher.isEmpty && message.text == "x" && message.qos == 0)
        let own = Message("a/b", "1")
        let bytes = written(own)
        #expect(try Term.decode(bytes, Inflater()).isSame(as: internalTerm))
        #expect(try read(bytes).publisher.isEmpty)
    }

    private var internalTerm: Term {
        .tuple([
            .atom("message"), .binary(Array(bytesOf(hex: "00062a9da1f18a00123400000abc0001"))), .integer(0),
            .atom("undefined"),
            .map([.init(.atom("dup"), .atom("false")), .init(.atom("retain"), .atom("false"))]), .map([]), .text("a/b"),
            .text("1"), .integer(0), .map([]),
        ])
    }

    @Test("IPv6 addresses cross both ways")
    func ipv6() throws {
        let message = try read(Vector.bytes("V21"))
        #expect(message.address == "2001:db8::1" && message.port == 1883 && message.payload.isEmpty)
        #expect(try read(written(message)).address == "2001:db8::1")
    }

    @Test("A compressed message is inflated")
    func compressed() throws {
        #expect(try read(Vector.bytes("V22")).text == String(repeating: "A", count: 200))
    }

    @Test("An address that is none is left out")
    func badAddress() throws {
        for address in ["", "unix", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.", String(repeating: "f", count: 60)] {
            var message = fromClient
            message.address = address
            let read = try read(written(message))
            #expect(read.address.isEmpty, "\(address)")
            #expect(read.username == "u1", "\(address)")
        }
        var longest = fromClient
        longest.address = "255.100.10.1"
        #expect(try read(written(longest)).address == "255.100.10.1")
    }

    private func message(_ change: (inout [Term]) -> Void) -> [UInt8] {
        var fields: [Term] = [
            .atom("message"), .binary(Array(repeating: 1, count: 16)), .integer(0), .text("c"), .map([]), .map([]),
            .text("t"), .text("p"), .integer(5), .map([]),
        ]
        change(&fields)
        return Term.tuple(fields).encoded()
    }

    @Test("A payload in nested lists is joined")
    func payloadLists() throws {
        #expect(
            try read(message { $0[7] = .list([.text("ab"), .list([.integer(99), .integer(100)]), .list([])]) }).text
                == "abcd"
        )
        #expect(try read(message { $0[7] = .list([.integer(104), .integer(105)]) }).text == "hi")
        #expect(try read(message { $0[7] = .list([]) }).text.isEmpty)
        #expect(throws: TermError.self) { try read(message { $0[7] = .list([.integer(300)]) }) }
        #expect(throws: TermError.self) { try read(message { $0[7] = .atom("p") }) }
    }

    @Test("Unknown headers, flags and properties are passed over")
    func unknown() throws {
        let read = try read(
            message {
                $0[4] = .map([.init(.atom("sys"), .atom("true")), .init(.atom("retain"), .atom("true"))])
                $0[5] = .map([
                    .init(.atom("no_such_atom_in_any_vm"), .tuple([.list([.integer(400)])])),
                    .init(.text("binary key"), .integer(1)),
                    .init(.atom("proto_ver"), .text("coap")),
                    .init(.atom("peername"), .atom("undefined")),
                    .init(.atom("properties"), .map([.init(.atom("Topic-Alias"), .integer(3))])),
                ])
                $0[9] = .map([.init(.atom("link_origin"), .text("x"))])
            }
        )
        #expect(read.has(ISTH_MSG_RETAIN) && read.address.isEmpty && read.text == "p")
    }

    @Test("What MQTT does not allow is refused")
    func notAllowed() {
        func property(_ name: String, _ value: Term) -> [UInt8] {
            message { $0[5] = .map([.init(.atom("properties"), .map([.init(.atom(name), value)]))]) }
        }
        let bad: [(String, [UInt8])] = [
            ("nine elements", message { $0.removeLast() }), ("tag", message { $0[0] = .atom("massage") }),
            ("qos 3", message { $0[2] = .integer(3) }), ("no topic", message { $0[6] = .text("") }),
            ("wildcard", message { $0[6] = .text("a/#") }), ("plus", message { $0[6] = .text("+") }),
            ("NUL", message { $0[6] = .text("a\0") }), ("not UTF-8", message { $0[6] = .binary([0xC3, 0x28]) }),
            ("surrogate", message { $0[6] = .binary([0xED, 0xA0, 0x80]) }),
            ("overlong", message { $0[6] = .binary([0xC0, 0x80]) }),
            ("long topic", message { $0[6] = .binary(Array(repeating: 97, count: 65_536)) }),
            ("publisher", message { $0[3] = .binary([0xFF]) }), ("flags", message { $0[4] = .list([]) }),
            ("headers", message { $0[5] = .atom("none") }), ("time", message { $0[8] = .text("now") }),
            ("content type", property("Content-Type", .binary([0x80]))),
            ("response topic", property("Response-Topic", .text("a/+"))),
            ("format", property("Payload-Format-Indicator", .integer(2))),
            ("user property", property("User-Property", .list([.tuple([.text("k")])]))),
            ("correlation", property("Correlation-Data", .binary(Array(repeating: 0, count: 65_536)))),
            (
                "twice",
                message {
                    $0[5] = .map([.init(.atom("username"), .text("a")), .init(.atom("username"), .text("b"))])
                }
            ),
        ]
        for (name, payload) in bad { #expect(throws: TermError.self, "\(name)") { try read(payload) } }
    }

    @Test("Text of every width is accepted")
    func unicode() throws {
        let topic = "d/\u{E9}/\u{20AC}/\u{1F600}/\u{FFFF}/\u{10FFFF}"
        #expect(try read(message { $0[6] = .text(topic) }).topic == topic)
    }

    @Test("Random messages survive the journey")
    func roundTrip() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let message = Message.random(&generator)
            var expected = message
            expected.origin = UInt8(ISTH_ORIGIN_LINK)
            #expect(try read(written(message)) == expected, "seed \(seed)")
        }
    }
}

extension Message {
    static func random(_ generator: inout SeededRandom) -> Message {
        func text(_ longest: Int) -> String {
            String(
                (0..<Int.random(in: 1...longest, using: &generator)).map { _ in
                    "abc/\u{E9}z".randomElement(using: &generator) ?? "a"
                }
            )
        }
        var message = Message(text(40), text(300), qos: UInt8.random(in: 0...2, using: &generator), publisher: text(20))
        message.protocolLevel = UInt8.random(in: 3...5, using: &generator)
        message.address = ["10.1.2.3", "::1", "fe80::1:2", ""].randomElement(using: &generator) ?? ""
        message.port = message.address.isEmpty ? 0 : UInt16.random(in: 0...65_535, using: &generator)
        message.receivedMilliseconds = UInt64.random(in: 0...(1 << 50), using: &generator)
        func flag(_ flag: Int, _ set: (inout Message) -> Void) {
            guard Bool.random(using: &generator) else { return }
            message.flags |= UInt32(flag)
            set(&message)
        }
        flag(ISTH_MSG_RETAIN) { _ in }
        let (type, reply, user) = (text(30), text(30), text(10))
        flag(ISTH_MSG_HAS_CONTENT_TYPE) { $0.contentType = type }
        flag(ISTH_MSG_HAS_RESPONSE_TOPIC) { $0.responseTopic = reply }
        flag(ISTH_MSG_HAS_USERNAME) { $0.username = user }
        flag(ISTH_MSG_HAS_CORRELATION) { $0.correlation = [0, 255, 7] }
        flag(ISTH_MSG_HAS_PAYLOAD_FORMAT) { $0.payloadFormat = 1 }
        flag(ISTH_MSG_HAS_EXPIRY) { $0.expirySeconds = .max }
        for _ in 0..<Int.random(in: 0...3, using: &generator) { message.userProperties.append([text(5), text(5)]) }
        return message
    }
}
