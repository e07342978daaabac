// SPDX-License-Identifier: Apache-2.0
// What one connection has to send. Small packets are copied one behind the other, so that a loop turn ends in one
// write; large payloads stay where they are and are referenced, so that a fan-out of them copies nothing.

import MQTT

public struct Output {
    private struct Reference {
        /// Where in `bytes` the payload belongs.
        var position: Int
        var sent: Int
        var message: Message
    }

    /// Payloads from this size on are referenced: below it the copy is as cheap (docs/performance.md).
    static var referenceBorder: Int { 8192 }

    var bytes = ByteBuffer()
    private var sent = 0
    private var references: [Reference] = []
    private var referencedBytes = 0

    /// Bytes that the transport has not taken yet.
    var pending: Int { bytes.count - sent + referencedBytes }
    /// Those of them that are here only, not in a message that others hold, too.
    var copied: Int { bytes.count - sent }
    var isEmpty: Bool { pending == 0 }
    /// Bytes of memory, payloads that are referenced included.
    var memory: Int { bytes.capacity + referencedBytes }

    mutating func append(payloadOf message: Message) {
        references.append(Reference(position: bytes.count, sent: 0, message: message.retained()))
        referencedBytes += message.payload.count
    }

    /// Offers everything to `write`, which returns how many bytes it took; calls it again until it takes less than
    /// it was offered. Returns whether all is sent.
    mutating func drain(_ write: (UnsafePointer<ByteView>, Int) -> Int) -> Bool {
        if references.isEmpty {
            guard sent < bytes.count else { return true }
            var view = bytes.view.dropFirst(sent)
            let offered = view.count
            let taken = write(&view, 1)
            sent += taken
            return taken == offered
        }
        return drainReferences(write)
    }

    private mutating func drainReferences(_ write: (UnsafePointer<ByteView>, Int) -> Int) -> Bool {
        while !isEmpty {
            var offered = 0
            let taken = withUnsafeTemporaryAllocation(of: ByteView.self, capacity: 64) { parts in
                var count = 0
                var position = sent
                func add(_ view: ByteView) {
                    guard !view.isEmpty else { return }
                    parts.initializeElement(at: count, to: view)
                    offered += view.count
                    count += 1
                }
                for reference in references.prefix(31) {
                    add(bytes.view.slice(position, reference.position))
                    add(reference.message.payload.dropFirst(reference.sent))
                    position = reference.position
                }
                if references.count <= 31 { add(bytes.view.dropFirst(position)) }
                guard count > 0, let base = parts.baseAddress else { return 0 }
                return write(base, count)
            }
            consume(taken)
            if taken < offered { return false }
        }
        return true
    }

    private mutating func consume(_ taken: Int) {
        var rest = taken
        var done = 0
        while rest > 0 {
            guard done < references.count else {
                sent += rest
                break
            }
            let plain = min(rest, references[done].position - sent)
            sent += plain
            rest -= plain
            if rest == 0, sent < references[done].position { break }
            let payload = min(rest, references[done].message.payload.count - references[done].sent)
            references[done].sent += payload
            referencedBytes -= payload
            rest -= payload
            if references[done].sent == references[done].message.payload.count {
                references[done].message.release()
                done += 1
            }
        }
        references.removeFirst(done)
    }

    /// Moves the `count` bytes from `start` on behind those that follow them, with the payloads they refer to.
    @inline(never)
    mutating func putLast(_ count: Int, from start: Int) {
        let following = bytes.count - start - count
        guard start >= sent, count > 0, following > 0 else { return }
        bytes.rotate(from: start, by: count)
        for i in references.indices where references[i].position > start { references[i].position += following }
    }

    /// Moves what is left to the front, so that a slow receiver's buffer does not grow by what was sent already.
    mutating func compact() {
        guard sent > 0 else { return }
        bytes.removeFirst(sent)
        for i in references.indices { references[i].position -= sent }
        sent = 0
    }

    /// Takes the memory out, for reuse by another connection; everything was sent.
    mutating func takeBuffer() -> ByteBuffer {
        defer {
            bytes = ByteBuffer()
            sent = 0
        }
        var buffer = bytes
        buffer.removeAll()
        return buffer
    }

    mutating func discard() {
        for reference in references { reference.message.release() }
        references = []
        referencedBytes = 0
        bytes.deallocate()
        sent = 0
    }
}
