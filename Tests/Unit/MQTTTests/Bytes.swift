// SPDX-License-Identifier: Apache-2.0
// Short ways for tests to encode into, and to see, bytes.

import MQTT
import Testing

/// What `body` appends to an empty buffer.
func encoded(_ body: (inout ByteBuffer) -> Void) -> [UInt8] {
    var buffer = ByteBuffer()
    defer { buffer.deallocate() }
    body(&buffer)
    return buffer.view.array
}

/// Frames the one packet in `bytes` and hands its body over.
func withBody<Result>(
    _ bytes: [UInt8],
    version: ProtocolVersion,
    _ body: (FixedHeader, ByteView) throws -> Result
) throws -> Result {
    try bytes.withView { view in
        guard case .packet(let header) = FixedHeader.parse(view, version: version) else {
            throw CorpusError(line: "not a packet: \(bytes.hex)")
        }
        try #require(header.packetLength == bytes.count)
        return try body(header, header.body(in: view))
    }
}

/// The reason code and the text with which `body` throws.
func fault(_ body: () throws -> Void) -> MalformedPacket? {
    do {
        try body()
        return nil
    } catch {
        return error as? MalformedPacket
    }
}
