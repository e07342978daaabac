// SPDX-License-Identifier: Apache-2.0
// The memory that waits in the queues of one loop's sessions. A message that waits in several queues is in memory once,
// and counted once; its places in the queues are counted each.

import MQTT

struct QueuedBytes {
    /// Bytes.
    private(set) var total = 0

    static var place: Int { MemoryLayout<MessageRing.Item>.stride }

    @inline(__always)
    mutating func add(_ message: Message) {
        message.header.pointee.queued &+= 1
        total &+= message.header.pointee.queued == 1 ? message.size &+ Self.place : Self.place
    }

    @inline(__always)
    mutating func remove(_ message: Message) {
        message.header.pointee.queued &-= 1
        total &-= message.header.pointee.queued == 0 ? message.size &+ Self.place : Self.place
    }
}
