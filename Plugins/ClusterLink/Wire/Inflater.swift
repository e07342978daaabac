// SPDX-License-Identifier: Apache-2.0
// Opens a payload: checks the version byte and inflates a compressed term into a buffer that is used again. The size a
// peer announces is compared with the limit before anything is inflated, memory grows only with what really comes out,
// and never beyond the announced size. One thread at a time; each loop has its own.

import CZlib

package final class Inflater {
    private let limit: Int
    private var stream: UnsafeMutablePointer<z_stream>?
    private var output: UnsafeMutablePointer<UInt8>?
    private var capacity = 0

    /// What is kept between two terms.
    private static let keptCapacity = 1 << 20

    package init(limit: Int = 16 << 20) { self.limit = limit }

    deinit {
        if let stream {
            inflateEnd(stream)
            stream.deallocate()
        }
        output?.deallocate()
    }

    /// A reader at the term of `payload`. Its bytes are those of `payload`, or this object's until the next call.
    @inline(__always)
    package func open(_ payload: Bytes) throws(TermError) -> TermReader {
        guard payload.count >= 2 else { throw .truncated }
        guard payload[0] == Tag.version else { throw .badVersion(payload[0]) }
        if payload[1] != Tag.compressed { return TermReader(term: payload.dropFirst(1)) }
        return TermReader(term: try inflate(payload.dropFirst(2)))
    }

    /// Whether the payload holds a well-formed term, of whatever kind.
    package func isTerm(_ payload: Bytes) -> Bool {
        do throws(TermError) {
            var reader = try open(payload)
            try reader.skip()
            return true
        } catch {
            return false
        }
    }

    private func inflate(_ compressed: Bytes) throws(TermError) -> Bytes {
        var head = TermReader(term: compressed)
        let size = try head.uint32()
        guard size <= limit else { throw .inflatesTooFar }
        let input = compressed.dropFirst(4)
        // Deflate cannot shrink by more than about 1032 to 1.
        guard size <= (input.count + 1) * 1040 else { throw .badCompression }
        let stream = try freshStream()
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.base)
        stream.pointee.avail_in = UInt32(truncatingIfNeeded: input.count)
        if capacity > Self.keptCapacity { resize(to: 0, keeping: 0) }
        var produced = 0
        while true {
            if produced == capacity, capacity < size {
                resize(to: min(size, max(capacity * 2, 64 << 10, input.count * 4)), keeping: produced)
            }
            let room = min(capacity, size) - produced
            var spare: UInt8 = 0
            let status = withUnsafeMutablePointer(to: &spare) { spare in
                // A last byte of room shows whether the stream goes on behind the announced size.
                stream.pointee.next_out = room > 0 ? output.map { $0 + produced } : spare
                stream.pointee.avail_out = room > 0 ? UInt32(room) : 1
                return CZlib.inflate(stream, Z_NO_FLUSH)
            }
            let written = (room > 0 ? room : 1) - Int(stream.pointee.avail_out)
            if room > 0 { produced += written } else if written > 0 { throw .badCompression }
            if status == Z_STREAM_END { break }
            guard status == Z_OK, written > 0 else { throw .badCompression }
        }
        guard produced == size, let output else { throw .badCompression }
        return Bytes(UnsafePointer(output), count: size)
    }

    private func freshStream() throws(TermError) -> UnsafeMutablePointer<z_stream> {
        if let stream {
            inflateReset(stream)
            return stream
        }
        let created = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        created.initialize(to: z_stream())
        guard inflateInit_(created, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            created.deallocate()
            throw .badCompression
        }
        stream = created
        return created
    }

    private func resize(to newCapacity: Int, keeping count: Int) {
        let fresh = newCapacity > 0 ? UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity) : nil
        if let output {
            if count > 0 { fresh?.update(from: output, count: count) }
            output.deallocate()
        }
        output = fresh
        capacity = newCapacity
    }
}
