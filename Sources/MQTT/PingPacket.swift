// SPDX-License-Identifier: Apache-2.0
// PINGREQ and PINGRESP: two bytes each, in every version.

public enum PingPacket {
    /// Checks the body of a PINGREQ or PINGRESP: it is empty.
    @inlinable
    public static func decode(_ body: ByteView) throws(MalformedPacket) {
        guard body.isEmpty else { throw .malformed("a PINGREQ or PINGRESP has bytes behind its fixed header") }
    }

    @inlinable
    public static func encodeRequest(into buffer: inout ByteBuffer) { buffer.append(bigEndian: 0xC000 as UInt16) }

    @inlinable
    public static func encodeResponse(into buffer: inout ByteBuffer) { buffer.append(bigEndian: 0xD000 as UInt16) }
}
