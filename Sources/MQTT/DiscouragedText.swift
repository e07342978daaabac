// SPDX-License-Identifier: Apache-2.0
// What well-formed text should not hold and a receiver may refuse (1.5.4 of MQTT 5, 1.5.3 of 3.1.1): control characters,
// U+0001...U+001F and U+007F...U+009F, and Unicode's non-characters. Here is what finds them in each packet; whether they
// are refused is decided elsewhere.

extension UTF8Bytes {
    /// Whether the well-formed `bytes` hold a control character or a non-character.
    public static func isDiscouraged(_ bytes: ByteView) -> Bool {
        var i = 0
        while i < bytes.count {
            let byte = bytes[i]
            if byte < 0x80 {
                if byte < 0x20 || byte == 0x7F { return true }
                i &+= 1
                continue
            }
            let length = max(scalarLength(bytes, at: i), 1)
            if isDiscouraged(scalar(bytes, at: i, length)) { return true }
            i &+= length
        }
        return false
    }

    /// U+0080...U+009F, U+FDD0...U+FDEF, and the last two of each of the 17 planes.
    private static func isDiscouraged(_ scalar: UInt32) -> Bool {
        (0x80...0x9F).contains(scalar) || (0xFDD0...0xFDEF).contains(scalar) || scalar & 0xFFFE == 0xFFFE
    }

    /// The value of a multi-byte scalar.
    private static func scalar(_ bytes: ByteView, at i: Int, _ length: Int) -> UInt32 {
        var value = UInt32(bytes[i]) & (0x7F >> UInt32(length))
        for k in 1..<max(length, 1) { value = value << 6 | UInt32(bytes[i &+ k] & 0x3F) }
        return value
    }
}

extension MalformedPacket {
    private static let discouraged = malformed("a text holds a control character or a non-character")

    fileprivate static func refuse(_ text: ByteView) throws(MalformedPacket) {
        if UTF8Bytes.isDiscouraged(text) { throw discouraged }
    }
}

extension Properties {
    /// Throws if one of the texts is discouraged.
    public func refuseDiscouragedText() throws(MalformedPacket) {
        var fields = PropertyFields(raw)
        while let field = fields.next() {
            switch field.identifier.type {
            case .utf8String: try MalformedPacket.refuse(field.value.dropFirst(2))
            case .utf8StringPair:
                let nameEnd = 2 + Int(field.value.uint16(at: 0))
                try MalformedPacket.refuse(field.value.slice(2, nameEnd))
                try MalformedPacket.refuse(field.value.dropFirst(nameEnd + 2))
            case .byte, .twoByteInteger, .fourByteInteger, .variableByteInteger, .binaryData: break
            }
        }
    }
}

extension ConnectPacket {
    /// Throws if one of the texts is discouraged; password and will payload are not text.
    public func refuseDiscouragedText() throws(MalformedPacket) {
        try MalformedPacket.refuse(clientIdentifier)
        try MalformedPacket.refuse(userName)
        try properties.refuseDiscouragedText()
        guard let will else { return }
        try MalformedPacket.refuse(will.topic)
        try will.properties.refuseDiscouragedText()
    }
}

extension PublishPacket {
    /// Throws if topic name or properties hold discouraged text.
    public func refuseDiscouragedText() throws(MalformedPacket) {
        try MalformedPacket.refuse(topic)
        try properties.refuseDiscouragedText()
    }
}

extension SubscribePacket {
    /// Throws if a topic filter or a property holds discouraged text.
    public func refuseDiscouragedText() throws(MalformedPacket) {
        for subscription in subscriptions { try MalformedPacket.refuse(subscription.filter) }
        try properties.refuseDiscouragedText()
    }
}

extension UnsubscribePacket {
    /// Throws if a topic filter or a property holds discouraged text.
    public func refuseDiscouragedText() throws(MalformedPacket) {
        for filter in filters { try MalformedPacket.refuse(filter) }
        try properties.refuseDiscouragedText()
    }
}
