// SPDX-License-Identifier: Apache-2.0
// Texts from outside in log lines: as long as helps to recognise them. What may not stand in a line is made visible
// where lines are written.

import MQTT

extension ByteView {
    /// For a log line; ill-formed UTF-8 is repaired.
    var clipped: String { clipped(to: 128) }

    /// At most so many bytes of it, and how many there are if that is not all.
    func clipped(to limit: Int) -> String {
        count <= limit ? string : "\(slice(0, characterBoundary(below: limit)).string)… (\(count) bytes)"
    }

    /// No half character at the end.
    private func characterBoundary(below limit: Int) -> Int {
        var end = limit
        while end > 0, self[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }
}

extension String {
    /// At most so many bytes of it, and how many there are if that is not all.
    public func clipped(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var text = self
        return text.withUTF8 { ByteView(UnsafeRawBufferPointer($0)).clipped(to: limit) }
    }
}
