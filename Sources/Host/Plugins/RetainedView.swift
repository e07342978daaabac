// SPDX-License-Identifier: Apache-2.0
// A message that a plugin keeps: the view with all it points to, copied into one block with an atomic count, since it
// may be released on any thread.

import Glibc
import MQTT
import PluginAPI
import Synchronization

enum RetainedView {
    /// Stands in `reserved[0]` of a kept view; a borrowed one has 0 there.
    private struct Block: ~Copyable {
        let references: Atomic<Int>
        let memory: UnsafeMutableRawPointer

        init(memory: UnsafeMutableRawPointer) {
            references = Atomic(1)
            self.memory = memory
        }
    }

    static func retain(_ view: UnsafePointer<isth_msg>) -> UnsafePointer<isth_msg> {
        if let block = UnsafeMutablePointer<Block>(bitPattern: UInt(view.pointee.reserved.0)) {
            block.pointee.references.add(1, ordering: .relaxed)
            return view
        }
        return copy(view.pointee)
    }

    static func release(_ view: UnsafePointer<isth_msg>) {
        guard let block = UnsafeMutablePointer<Block>(bitPattern: UInt(view.pointee.reserved.0)) else { return }
        guard block.pointee.references.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        block.pointee.memory.deallocate()
        block.deinitialize(count: 1)
        block.deallocate()
    }

    private static func copy(_ view: isth_msg) -> UnsafePointer<isth_msg> {
        let pairs = UnsafeBufferPointer(start: view.user_properties, count: view.user_property_count)
        var textCount = view.topic.len + view.payload.len + view.content_type.len + view.response_topic.len
        textCount +=
            view.correlation.len + view.publisher_id.len + view.publisher_username.len + view.publisher_addr.len
        for pair in pairs { textCount += pair.name.len + pair.value.len }
        let headSize = MemoryLayout<isth_msg>.stride + pairs.count * MemoryLayout<isth_pair>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: headSize + textCount, alignment: 16)
        var at = memory + headSize
        func text(_ text: isth_str) -> isth_str {
            let copy = bytes(isth_bytes(ByteView(text)))
            return isth_str(ByteView(copy))
        }
        func bytes(_ bytes: isth_bytes) -> isth_bytes {
            let start = at
            if let pointer = bytes.ptr { start.copyMemory(from: pointer, byteCount: bytes.len) }
            at += bytes.len
            return isth_bytes(ptr: UnsafePointer(start.assumingMemoryBound(to: UInt8.self)), len: bytes.len)
        }
        let pairStart = memory + MemoryLayout<isth_msg>.stride
        let pairCopies = pairStart.bindMemory(to: isth_pair.self, capacity: pairs.count)
        for (i, pair) in pairs.enumerated() {
            (pairCopies + i).initialize(to: isth_pair(name: text(pair.name), value: text(pair.value)))
        }
        let block = UnsafeMutablePointer<Block>.allocate(capacity: 1)
        block.initialize(to: Block(memory: memory))
        var copy = view
        copy.topic = text(view.topic)
        copy.payload = bytes(view.payload)
        copy.content_type = text(view.content_type)
        copy.response_topic = text(view.response_topic)
        copy.correlation = bytes(view.correlation)
        copy.publisher_id = text(view.publisher_id)
        copy.publisher_username = text(view.publisher_username)
        copy.publisher_addr = text(view.publisher_addr)
        copy.user_properties = pairs.isEmpty ? nil : UnsafePointer(pairCopies)
        copy.reserved.0 = UInt64(UInt(bitPattern: block))
        return UnsafePointer(memory.initializeMemory(as: isth_msg.self, to: copy))
    }
}
