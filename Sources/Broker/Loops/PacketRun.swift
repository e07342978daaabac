// SPDX-License-Identifier: Apache-2.0
// A run of plain packets on its way to another loop: one block, which the receiver frees. With it goes a message that
// has all of theirs but the payload, for receivers that do not take the packets as they are.

import Glibc
import MQTT

struct PacketRun {
    let run: PublishRun
    /// Borrowed: no reference of it may be taken.
    let template: Message

    /// `publication` is one of the run, without its payload.
    init(_ run: PublishRun, _ publication: borrowing Publication, at wallTime: UInt64) {
        let size = publication.size
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: size + run.bytes.count,
            alignment: MemoryLayout<Message.Header>.alignment
        )
        template = publication.copied(at: wallTime, to: block)
        self.run = run.copied(to: (block + size).assumingMemoryBound(to: UInt8.self))
    }

    func deallocate() { free(template.header) }
}
