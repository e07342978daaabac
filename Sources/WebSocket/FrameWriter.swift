// SPDX-License-Identifier: Apache-2.0
// What the broker writes in one go becomes one binary frame [MQTT-6.0.0-1]: a header in front, and the payload where it
// lies. When the socket takes part of a frame only, the rest has to follow before anything else does. A connection
// keeps 24 bytes for it.

import Glibc

public struct FrameWriter {
    /// Sends vectors and returns how many bytes were taken.
    public typealias Write = (UnsafeBufferPointer<iovec>) -> Int

    /// Payload that the frame begun last still needs.
    private(set) var owed = 0
    /// What is left of a header, or of a control frame that was begun: it comes before everything else.
    private(set) var front: [UInt8] = []
    /// A control frame that waits for the present frame to end.
    private(set) var control: [UInt8] = []

    public init() {}

    /// Sends what stands before the first frame: the answer to the handshake.
    public mutating func begin(with bytes: [UInt8], _ write: Write) {
        front = bytes
        _ = flush(write)
    }

    /// Whether a frame is under way, so that no other may begin.
    public var isWithinFrame: Bool { owed > 0 || !front.isEmpty }

    /// Something of our own waits for the socket.
    public var isWaiting: Bool { !front.isEmpty || !control.isEmpty }

    /// Sends payload and returns how many of its bytes were taken; what was not is to be offered again, more may follow
    /// it. The first of `vectors` is a place for the header, the payload stands in the others; they are used up.
    public mutating func send(_ vectors: UnsafeMutableBufferPointer<iovec>, _ write: Write) -> Int {
        var payload = vectors[1...]
        var left = 0
        for vector in payload { left += vector.iov_len }
        let offered = left
        while flush(write), left > 0 {
            let taken = owed > 0 ? goOn(&payload, left, write) : begin(vectors, &payload, left, write)
            left -= taken
            if owed > 0 || taken == 0 { break }
        }
        return offered - left
    }

    /// Sends what waits of our own. Returns whether payload may follow.
    public mutating func flush(_ write: Write) -> Bool {
        while true {
            if front.isEmpty {
                guard owed == 0, !control.isEmpty else { return true }
                swap(&front, &control)
            }
            let taken = front.withUnsafeMutableBytes { bytes in
                var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafePointer(to: &vector) { write(UnsafeBufferPointer(start: $0, count: 1)) }
            }
            if taken < front.count {
                front.removeFirst(taken)
                return false
            }
            front = []
        }
    }

    /// Answers a Ping. If an answer to an earlier one still waits, it is replaced: a client can make at most one wait.
    public mutating func pong(_ payload: [UInt8], _ write: Write) {
        queue(.pong, payload)
        _ = flush(write)
    }

    /// Tells the peer why the connection ends, if no frame is under way; the peer sees the connection end otherwise.
    public mutating func close(_ code: CloseCode?, _ write: Write) {
        guard owed == 0 else { return }
        queue(.close, code.map { [UInt8($0.rawValue >> 8), UInt8($0.rawValue & 0xFF)] } ?? [])
        _ = flush(write)
    }

    private mutating func queue(_ opcode: FrameHeader.Opcode, _ payload: [UInt8]) {
        control = [0x80 | opcode.rawValue, UInt8(payload.count)] + payload
    }

    /// A new frame around everything that is left.
    private mutating func begin(
        _ vectors: UnsafeMutableBufferPointer<iovec>,
        _ payload: inout Slice<UnsafeMutableBufferPointer<iovec>>,
        _ left: Int,
        _ write: Write
    ) -> Int {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { header in
            guard let base = header.baseAddress else { return 0 }
            let length = FrameHeader.write(.binary, length: left, to: base)
            // Behind vectors that are used up already there is a free one right before the rest.
            let first = payload.startIndex - 1
            vectors[first] = iovec(iov_base: base, iov_len: length)
            let taken = write(UnsafeBufferPointer(rebasing: vectors[first...]))
            if taken == 0 { return 0 }
            if taken < length { front = Array(header[taken..<length]) }
            let done = max(0, taken - length)
            owed = left - done
            Self.drop(done, from: &payload)
            return done
        }
    }

    /// The rest of the present frame, and no more than that.
    private mutating func goOn(
        _ payload: inout Slice<UnsafeMutableBufferPointer<iovec>>,
        _ left: Int,
        _ write: Write
    ) -> Int {
        var end = payload.startIndex
        var wanted = 0
        while end < payload.endIndex, wanted < owed {
            wanted += payload[end].iov_len
            end += 1
        }
        let surplus = max(0, wanted - owed)
        if surplus > 0 { payload[end - 1].iov_len -= surplus }
        let taken = write(UnsafeBufferPointer(rebasing: payload[..<end]))
        if surplus > 0 { payload[end - 1].iov_len += surplus }
        owed -= taken
        Self.drop(taken, from: &payload)
        return taken
    }

    private static func drop(_ count: Int, from payload: inout Slice<UnsafeMutableBufferPointer<iovec>>) {
        var rest = count
        while rest > 0, let first = payload.first {
            if rest < first.iov_len {
                payload[payload.startIndex].iov_base = first.iov_base + rest
                payload[payload.startIndex].iov_len -= rest
                return
            }
            rest -= first.iov_len
            payload.removeFirst()
        }
    }
}
