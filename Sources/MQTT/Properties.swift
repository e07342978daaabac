// SPDX-License-Identifier: Apache-2.0
// A view of the properties of one MQTT 5 packet or will. It keeps the bytes as they came and one bit for each property
// that is there, so asking for an absent one costs a test. The getters are in Properties+Values.swift, the rules in
// Properties+Validation.swift.

public struct Properties: Sendable {
    /// The encoded properties without the length in front.
    public let raw: ByteView
    /// Bit n is set if the property with identifier n is in ``raw``.
    @usableFromInline let present: UInt64

    @inlinable
    init(raw: ByteView, present: UInt64) {
        self.raw = raw
        self.present = present
    }

    /// Properties that this process encoded itself, such as with ``PropertyWriter``: they are not validated, and what
    /// cannot be read as properties is left out by the getters.
    public init(encoded raw: ByteView) {
        var present: UInt64 = 0
        var fields = PropertyFields(raw)
        while let field = fields.next() { present |= field.identifier.bit }
        self.init(raw: raw, present: present)
    }

    @inlinable
    public static var empty: Properties { Properties(raw: .empty, present: 0) }

    @inlinable
    public var isEmpty: Bool { raw.count == 0 }

    @inlinable
    public func contains(_ identifier: PropertyIdentifier) -> Bool { present & identifier.bit != 0 }

    /// Reads a property section, its length first, at `offset`, which then stands behind it.
    @inlinable
    @inline(__always)
    public static func decode(
        at offset: inout Int,
        in body: ByteView,
        for context: PropertyContext
    ) throws(MalformedPacket) -> Properties {
        if offset < body.count && body[offset] == 0 {
            offset &+= 1
            return .empty
        }
        return try decodeSection(at: &offset, in: body, for: context)
    }

    @usableFromInline
    static func decodeSection(
        at offset: inout Int,
        in body: ByteView,
        for context: PropertyContext
    ) throws(MalformedPacket) -> Properties {
        var start = offset
        guard let length = VariableByteInteger.decode(body, at: &start) else {
            throw .malformed("the property length is missing or no variable byte integer in its shortest form")
        }
        guard length <= body.count - start else {
            throw .malformed("the property section is longer than the rest of the packet")
        }
        offset = start + length
        let raw = body.slice(start, offset)
        return Properties(raw: raw, present: try validate(raw, for: context))
    }
}

/// One encoded property.
struct PropertyField {
    let identifier: PropertyIdentifier
    /// Where the property starts in its section, at its identifier.
    let start: Int
    let end: Int
    let value: ByteView
}

/// The properties of a section one after the other; it ends early where the bytes make no sense.
struct PropertyFields {
    let raw: ByteView
    var position = 0

    init(_ raw: ByteView) { self.raw = raw }

    mutating func next() -> PropertyField? {
        guard position < raw.count, let identifier = PropertyIdentifier(rawValue: raw[position]),
            let end = identifier.type.end(in: raw, from: position + 1)
        else { return nil }
        let start = position
        position = end
        return PropertyField(identifier: identifier, start: start, end: end, value: raw.slice(start + 1, end))
    }
}
