// SPDX-License-Identifier: Apache-2.0
// A fixed run of bytes on the heap, freed by hand: the client identifiers, filters and user names that arena structs
// keep. Sixteen bytes, no reference count.

import MQTT

struct OwnedBytes {
    private let base: UnsafeMutablePointer<UInt8>?
    let count: Int

    init(copying bytes: ByteView) {
        count = bytes.count
        guard count > 0 else {
            base = nil
            return
        }
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
        copy.update(from: bytes.base, count: count)
        base = copy
    }

    init(copying text: String) {
        var text = text
        self = text.withUTF8 { OwnedBytes(copying: ByteView(UnsafeRawBufferPointer($0))) }
    }

    static var empty: OwnedBytes { OwnedBytes(copying: .empty) }

    var isEmpty: Bool { count == 0 }

    @inline(__always)
    var view: ByteView {
        guard let base else { return .empty }
        return ByteView(UnsafePointer(base), count: count)
    }

    func deallocate() { base?.deallocate() }
}
