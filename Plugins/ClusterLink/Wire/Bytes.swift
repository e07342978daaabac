// SPDX-License-Identifier: Apache-2.0
// What the wire code needs of PluginKit's borrowed byte views beyond what every plugin needs.

import PluginAPI
import PluginKit

package typealias Bytes = BytesView

extension BytesView {
    package init(_ text: isth_str) { self = text.view }
    package init(_ bytes: isth_bytes) { self = bytes.view }

    package init(_ buffer: UnsafeRawBufferPointer) {
        self.init(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count: buffer.count)
    }

    package var str: isth_str { isth_str(self) }
    package var bytes: isth_bytes { isth_bytes(self) }

    /// What is left behind the first `n` bytes, nothing if there are fewer.
    @inline(__always)
    package func dropFirst(_ n: Int) -> Bytes {
        let skipped = min(max(n, 0), count)
        return Bytes(base + skipped, count: count - skipped)
    }
}

extension [UInt8] {
    /// Lends the array's bytes to `body`.
    package func withView<Result, Failure: Error>(_ body: (Bytes) throws(Failure) -> Result) throws(Failure) -> Result {
        try withUnsafeBufferPointer { (buffer) throws(Failure) in try body(Bytes(buffer)) }
    }
}
