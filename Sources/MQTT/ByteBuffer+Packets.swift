// SPDX-License-Identifier: Apache-2.0
// What encoders append: length-prefixed fields, property sections, and the frame around a packet whose length is
// known only when its body stands. PUBLISH and the acknowledgements know theirs and do not come through here.

extension ByteBuffer {
    /// A string or binary field: a two-byte length and the bytes. More than 65,535 bytes do not fit one; callers
    /// hold validated or configured values.
    public mutating func append(prefixed bytes: ByteView) {
        assert(bytes.count <= 65_535)
        append(bigEndian: UInt16(truncatingIfNeeded: bytes.count))
        append(bytes)
    }

    public mutating func append(variable value: Int) {
        commit(VariableByteInteger.encode(value, to: reserve(4)))
    }

    /// The property section of an MQTT 5 packet: its length, then the properties. [MQTT-2.2.2-1]
    public mutating func append(section properties: Properties) {
        append(variable: properties.raw.count)
        append(properties.raw)
    }

    /// Starts a packet and returns where its body starts, for ``endPacket(bodyAt:)``.
    mutating func beginPacket(_ type: PacketType) -> Int {
        append(type.rawValue << 4 | type.requiredFlags)  // [MQTT-2.1.3-1]
        append(0)
        return count
    }

    /// Writes the remaining length in front of the body, moving the body up where that takes more than one byte.
    mutating func endPacket(bodyAt start: Int) {
        let length = count - start
        let extra = VariableByteInteger.size(length) - 1
        if extra > 0 {
            _ = reserve(extra)
            commit(extra)
        }
        guard let base else { return }
        if extra > 0 { (base + start + extra).update(from: base + start, count: length) }
        VariableByteInteger.encode(length, to: base + start - 1)
    }
}
