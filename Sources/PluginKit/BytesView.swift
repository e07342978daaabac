// SPDX-License-Identifier: Apache-2.0
// Looking at the host's strings and bytes without copying them. A view owns nothing: it is valid until the hook that
// was given the bytes returns. Making a `String` of one costs a UTF-8 check and an allocation; on the message path
// compare views instead.

import Glibc
import PluginAPI

public struct BytesView: @unchecked Sendable, Equatable {
    public let base: UnsafePointer<UInt8>
    public let count: Int

    @inlinable
    public init(_ base: UnsafePointer<UInt8>?, count: Int) {
        self.base = base ?? ("" as StaticString).utf8Start
        self.count = base == nil ? 0 : count
    }

    @inlinable
    public init(_ buffer: UnsafeBufferPointer<UInt8>) { self.init(buffer.baseAddress, count: buffer.count) }

    /// A view that lives for ever.
    @inlinable
    public init(_ literal: StaticString) { self.init(literal.utf8Start, count: literal.utf8CodeUnitCount) }

    /// No bytes, at an address that may be read from for zero bytes.
    @inlinable
    public static var empty: BytesView { BytesView("") }

    @inlinable
    public var isEmpty: Bool { count == 0 }

    /// Unchecked in release builds: callers have compared `index` with `count`.
    @inlinable
    public subscript(index: Int) -> UInt8 {
        assert(index >= 0 && index < count)
        return base[index]
    }

    @inlinable
    public var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    /// A copy as text; ill-formed UTF-8 is repaired.
    public var string: String { String(decoding: buffer, as: UTF8.self) }

    /// A copy of its beginning as text, for a log line.
    public var clipped: String { count <= 128 ? string : "\(slice(0, 128).string)… (\(count) bytes)" }

    /// A copy.
    public var array: [UInt8] { [UInt8](buffer) }

    /// The bytes from `start` up to, not including, `end`.
    @inlinable
    public func slice(_ start: Int, _ end: Int) -> BytesView {
        assert(start >= 0 && start <= end && end <= count)
        return BytesView(base + start, count: end - start)
    }

    @inlinable
    public func hasPrefix(_ prefix: BytesView) -> Bool {
        count >= prefix.count && memcmp(base, prefix.base, prefix.count) == 0
    }

    @inlinable
    public static func == (a: BytesView, b: BytesView) -> Bool {
        a.count == b.count && memcmp(a.base, b.base, a.count) == 0
    }
}

extension BytesView: ExpressibleByStringLiteral {
    @inlinable
    public init(stringLiteral value: StaticString) { self.init(value) }
}

extension isth_str {
    @inlinable
    public var view: BytesView {
        BytesView(UnsafeRawPointer(ptr)?.assumingMemoryBound(to: UInt8.self), count: len)
    }

    /// A copy.
    public var string: String { view.string }

    /// Also of a literal: `isth_str("text")`.
    @inlinable
    public init(_ view: BytesView) {
        self.init(ptr: UnsafeRawPointer(view.base).assumingMemoryBound(to: CChar.self), len: view.count)
    }
}

extension isth_bytes {
    @inlinable
    public var view: BytesView { BytesView(ptr, count: len) }

    @inlinable
    public init(_ view: BytesView) { self.init(ptr: view.base, len: view.count) }
}

extension StaticString {
    /// As a C string that lives for ever; the compiler ends every literal with NUL.
    public var cString: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }
}

extension String {
    /// The text as the C ABI wants it, valid while `body` runs.
    public func withStr<Result>(_ body: (isth_str) throws -> Result) rethrows -> Result {
        var copy = self
        return try copy.withUTF8 { try body(isth_str(BytesView($0))) }
    }
}

extension [UInt8] {
    /// The bytes as the C ABI wants them, valid while `body` runs.
    public func withBytes<Result>(_ body: (isth_bytes) throws -> Result) rethrows -> Result {
        try withUnsafeBufferPointer { try body(isth_bytes(BytesView($0))) }
    }
}

extension isth_client {
    @inlinable
    public func has(_ flag: Int) -> Bool { flags & UInt32(truncatingIfNeeded: flag) != 0 }
}

extension isth_msg {
    @inlinable
    public func has(_ flag: Int) -> Bool { flags & UInt32(truncatingIfNeeded: flag) != 0 }

    /// A message to publish, of origin "plugin"; set what else it should carry.
    @inlinable
    public init(topic: isth_str, payload: isth_bytes, qos: UInt8 = 0, retain: Bool = false) {
        self.init()
        size = UInt32(MemoryLayout<isth_msg>.size)
        flags = retain ? UInt32(ISTH_MSG_RETAIN) : 0
        origin = UInt8(ISTH_ORIGIN_PLUGIN)
        self.topic = topic
        self.payload = payload
        self.qos = qos
    }
}
