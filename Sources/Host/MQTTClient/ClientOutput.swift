// SPDX-License-Identifier: Apache-2.0
// The bytes that wait for the socket. What the socket has taken is skipped and moved out of the way only now and then.
// Like the buffer inside, it frees nothing by itself.

import MQTT

struct ClientOutput: Sendable {
    /// More memory than this is given back when nothing waits.
    private static let kept = 1 << 20

    var buffer = ByteBuffer()
    private var sent = 0

    var waiting: Int { buffer.count &- sent }

    /// Valid until the next change.
    var view: ByteView { buffer.view.dropFirst(sent) }

    mutating func consumed(_ count: Int) {
        sent &+= count
        if sent == buffer.count {
            sent = 0
            if buffer.capacity > Self.kept { buffer.deallocate() } else { buffer.removeAll() }
        } else if sent > buffer.count / 2 {
            buffer.removeFirst(sent)
            sent = 0
        }
    }

    mutating func deallocate() {
        buffer.deallocate()
        sent = 0
    }
}
