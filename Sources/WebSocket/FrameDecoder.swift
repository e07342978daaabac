// SPDX-License-Identifier: Apache-2.0
// A client's frames in, the bytes of its messages out, in the memory they came in. Where a frame or a message ends means
// nothing to MQTT [MQTT-6.0.0-2], so the payloads of a read become one run of bytes. A connection keeps 32 bytes for it.

/// What a run of received bytes held.
public struct DecodedFrames {
    /// So many payload bytes stand at the start of the memory now.
    public internal(set) var count = 0
    /// The payload of the last Ping: only the last one has to be answered.
    public internal(set) var ping: [UInt8]?
    /// Nothing behind it was read, and nothing more is to be passed to the decoder.
    public internal(set) var end: FrameEnd?
}

public struct FrameDecoder {
    /// Payload bytes of the present frame that have not come.
    private var remaining = 0
    /// Payload bytes of the present message, so far as announced.
    private var messageLength = 0
    /// The start of a header or of a control frame that was cut off.
    private var pending: [UInt8] = []
    private var mask: UInt32 = 0
    /// Between the fragments of a message.
    private var isFragmented = false

    /// A header, and a payload if it is a control frame's: what is read as a whole.
    private static let longestUnit = FrameHeader.maximumLength + FrameHeader.maximumControlPayload

    public init() {}

    /// Takes all of `bytes` and leaves the payload at their start. A message may have `limit` bytes.
    public mutating func decode(_ bytes: UnsafeMutableRawBufferPointer, limit: Int = .max) -> DecodedFrames {
        var result = DecodedFrames()
        guard let base = bytes.baseAddress else { return result }
        var read = pending.isEmpty ? 0 : complete(bytes, limit, &result)
        while read < bytes.count, result.end == nil {
            let available = bytes.count - read
            if remaining > 0 {
                let count = min(remaining, available)
                mask = unmask(base + read, to: base + result.count, count, mask)
                read &+= count
                result.count &+= count
                remaining &-= count
                continue
            }
            guard let used = begin(base + read, available, limit, &result) else {
                pending = Array(bytes[read...])
                break
            }
            read &+= used
        }
        return result
    }

    /// Reads what was cut off, together with what has come, and returns how much of that it took.
    private mutating func complete(
        _ bytes: UnsafeMutableRawBufferPointer,
        _ limit: Int,
        _ result: inout DecodedFrames
    ) -> Int {
        var unit = pending
        let known = unit.count
        pending = []
        unit.append(contentsOf: bytes.prefix(Self.longestUnit - known))
        let used = unit.withUnsafeMutableBytes { unit -> Int? in
            guard let base = unit.baseAddress else { return nil }
            return begin(base, unit.count, limit, &result)
        }
        guard let used else {
            pending = unit
            return bytes.count
        }
        return used - known
    }

    /// A data frame's header, or a whole control frame. Returns its length, or nil if it is cut off.
    @inline(__always)
    private mutating func begin(
        _ bytes: UnsafeMutableRawPointer,
        _ available: Int,
        _ limit: Int,
        _ result: inout DecodedFrames
    ) -> Int? {
        switch FrameHeader.parse(bytes, available: available) {
        case .incomplete: return nil
        case .broken(let end):
            result.end = end
            return available
        case .header(let header):
            if header.opcode.isControl {
                guard available >= header.headerLength + header.length else { return nil }
                control(header, bytes + header.headerLength, &result)
                return header.headerLength + header.length
            }
            result.end = data(header, limit)
            return header.headerLength
        }
    }

    @inline(__always)
    private mutating func data(_ header: FrameHeader, _ limit: Int) -> FrameEnd? {
        if (header.opcode == .continuation) != isFragmented {
            return .broken(
                .protocolError,
                isFragmented ? "a message begins inside another one" : "a message begins with a continuation"
            )
        }
        // [MQTT-6.0.0-1]
        if header.opcode == .text { return .broken(.unsupportedData, "the client sent text, and MQTT is binary") }
        let (sum, overflow) = (isFragmented ? messageLength : 0).addingReportingOverflow(header.length)
        if overflow || sum > limit {
            return .broken(.messageTooBig, "a message has more than \(limit) bytes (websocket.max_frame_size)")
        }
        messageLength = sum
        remaining = header.length
        mask = header.mask
        isFragmented = !header.isFinal
        return nil
    }

    private func control(_ header: FrameHeader, _ payload: UnsafeMutableRawPointer, _ result: inout DecodedFrames) {
        guard header.opcode != .pong else { return }
        _ = unmask(payload, to: payload, header.length, header.mask)
        let bytes = UnsafeRawBufferPointer(start: payload, count: header.length)
        if header.opcode == .ping {
            result.ping = Array(bytes)
        } else {
            result.end = Self.closed(bytes)
        }
    }

    private static func closed(_ payload: UnsafeRawBufferPointer) -> FrameEnd {
        if payload.isEmpty { return FrameEnd(code: nil, isRegular: true, sentence: "the client closed the WebSocket") }
        guard payload.count >= 2 else { return .broken(.protocolError, "a Close frame has half a code") }
        let code = CloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.mayBeSent else {
            return .broken(.protocolError, "a Close frame has the code \(code.rawValue), which none may have")
        }
        guard String(validating: payload[2...], as: UTF8.self) != nil else {
            return .broken(.invalidText, "a Close frame's reason is not UTF-8")
        }
        return FrameEnd(code: code, isRegular: true, sentence: "the client closed the WebSocket with \(code.rawValue)")
    }
}
