// SPDX-License-Identifier: Apache-2.0
// What a hook may change of the item it is looking at. The plugin holds it as an opaque pointer during the call and
// changes it through the C functions below, which copy what they are given.

import MQTT
import PluginAPI

struct Edit {
    var topic: [UInt8]?
    var payload: [UInt8]?
    var qos: UInt8?
    var retain: Bool?
    var filter: [UInt8]?
    var reason: ReasonCode?
}

/// The C functions behind `edit_*` of the host table.
public enum EditFunctions {
    private static func edit(_ pointer: OpaquePointer) -> UnsafeMutablePointer<Edit> { UnsafeMutablePointer(pointer) }

    public static let topic: @convention(c) (OpaquePointer, isth_str) -> Int32 = { pointer, text in
        guard TopicName.validate(ByteView(text)) else { return Int32(ISTH_E_ARG) }
        edit(pointer).pointee.topic = Array(ByteView(text).buffer)
        return Int32(ISTH_OK)
    }

    public static let payload: @convention(c) (OpaquePointer, isth_bytes) -> Int32 = { pointer, bytes in
        edit(pointer).pointee.payload = Array(ByteView(bytes).buffer)
        return Int32(ISTH_OK)
    }

    public static let qos: @convention(c) (OpaquePointer, UInt8) -> Int32 = { pointer, qos in
        guard qos <= 2 else { return Int32(ISTH_E_ARG) }
        edit(pointer).pointee.qos = qos
        return Int32(ISTH_OK)
    }

    public static let retain: @convention(c) (OpaquePointer, UInt8) -> Int32 = { pointer, retain in
        edit(pointer).pointee.retain = retain != 0
        return Int32(ISTH_OK)
    }

    public static let filter: @convention(c) (OpaquePointer, isth_str) -> Int32 = { pointer, text in
        guard TopicFilter.validate(ByteView(text)) else { return Int32(ISTH_E_ARG) }
        edit(pointer).pointee.filter = Array(ByteView(text).buffer)
        return Int32(ISTH_OK)
    }

    public static let reason: @convention(c) (OpaquePointer, UInt8) -> Int32 = { pointer, code in
        edit(pointer).pointee.reason = ReasonCode(rawValue: code)
        return Int32(ISTH_OK)
    }
}

extension ByteView {
    public init(_ text: isth_str) {
        guard let pointer = text.ptr else {
            self = .empty
            return
        }
        self.init(UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt8.self), count: text.len)
    }

    public init(_ bytes: isth_bytes) {
        guard let pointer = bytes.ptr else {
            self = .empty
            return
        }
        self.init(pointer, count: bytes.len)
    }
}

extension isth_str {
    public init(_ view: ByteView) {
        self.init(ptr: UnsafeRawPointer(view.base).assumingMemoryBound(to: CChar.self), len: view.count)
    }
}

extension isth_bytes {
    public init(_ view: ByteView) { self.init(ptr: view.base, len: view.count) }
}
