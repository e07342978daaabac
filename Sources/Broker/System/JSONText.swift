// SPDX-License-Identifier: Apache-2.0
// A JSON object written member by member, for the payloads of client events.

import MQTT

struct JSONText {
    private(set) var bytes: [UInt8] = Array("{".utf8)

    mutating func add(_ name: StaticString, _ value: UInt64) {
        begin(name)
        bytes.append(contentsOf: String(value).utf8)
    }

    mutating func add(_ name: StaticString, _ value: Bool) {
        begin(name)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func add(_ name: StaticString, word value: StaticString) {
        value.withUTF8Buffer { add(name, ByteView(UnsafeRawBufferPointer($0))) }
    }

    /// UTF-8 text.
    mutating func add(_ name: StaticString, _ value: ByteView) {
        begin(name)
        bytes.append(UInt8(ascii: "\""))
        for byte in value.buffer { appendEscaped(byte) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The members so far as a nested object of another one.
    mutating func add(_ name: StaticString, _ object: JSONText) {
        begin(name)
        bytes.append(contentsOf: object.finished)
    }

    var finished: [UInt8] { bytes + [UInt8(ascii: "}")] }

    private mutating func begin(_ name: StaticString) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        default: bytes.append(byte)
        }
    }
}
