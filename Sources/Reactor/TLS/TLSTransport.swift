// SPDX-License-Identifier: Apache-2.0
// The TLS side of one loop: a BIO of our own, shared by all sessions of the loop, that reads from memory (the loop's
// read buffer) and appends to memory. So a turn is one recv and one send, whatever the number of records, and an idle
// connection owns no buffer.

import COpenSSL
import Glibc

/// Confinement: its loop's thread. Between two calls into OpenSSL both the input and the output are empty.
final class TLSTransport {
    /// What the BIO's callbacks see.
    struct Buffers {
        var input: UnsafeRawPointer?
        var inputCount = 0
        var output: UnsafeMutableRawPointer?
        var outputCount = 0
        var outputCapacity = 0
    }

    /// A read brings at most this much plaintext: the read buffer and one record that was held incomplete.
    static let plaintextSize = EventLoop.readBufferSize + 32 * 1024
    /// Plaintext encrypted before the result is sent: bounds what may have to wait for the socket.
    static let chunkSize = 64 * 1024

    let bio: OpaquePointer
    let plaintext = UnsafeMutableRawPointer.allocate(byteCount: plaintextSize, alignment: 64)
    /// Where the pieces of a vectored write are put together.
    let gathered = UnsafeMutableRawPointer.allocate(byteCount: chunkSize, alignment: 64)
    private let buffers = UnsafeMutablePointer<Buffers>.allocate(capacity: 1)

    init?() {
        guard let method = loopBIOMethod, let bio = BIO_new(method) else {
            plaintext.deallocate()
            gathered.deallocate()
            buffers.deallocate()
            return nil
        }
        self.bio = bio
        buffers.initialize(to: Buffers())
        BIO_set_data(bio, buffers)
        BIO_set_init(bio, 1)
    }

    deinit {
        // Sessions that outlive the loop keep the BIO; they make no more calls into it, and find nothing if they did.
        BIO_set_data(bio, nil)
        BIO_free(bio)
        buffers.pointee.output?.deallocate()
        buffers.deallocate()
        plaintext.deallocate()
        gathered.deallocate()
    }

    /// Lets OpenSSL read `input` during `body`, and nothing else.
    func withInput<Result>(_ input: UnsafeRawBufferPointer, _ body: () -> Result) -> Result {
        let (previous, previousCount) = (buffers.pointee.input, buffers.pointee.inputCount)
        buffers.pointee.input = input.baseAddress
        buffers.pointee.inputCount = input.count
        defer {
            buffers.pointee.input = previous
            buffers.pointee.inputCount = previousCount
        }
        return body()
    }

    /// The ciphertext made since the last call; valid until the next call into OpenSSL.
    func takeOutput() -> UnsafeRawBufferPointer {
        defer { buffers.pointee.outputCount = 0 }
        return UnsafeRawBufferPointer(start: buffers.pointee.output, count: buffers.pointee.outputCount)
    }
}

extension TLSTransport.Buffers {
    fileprivate mutating func read(_ target: UnsafeMutableRawPointer, _ wanted: Int) -> Int {
        guard let source = input, inputCount > 0 else { return 0 }
        let count = min(wanted, inputCount)
        memcpy(target, source, count)
        input = source + count
        inputCount -= count
        return count
    }

    fileprivate mutating func append(_ source: UnsafeRawPointer, _ count: Int) {
        if outputCapacity - outputCount < count {
            let capacity = max(outputCapacity * 2, outputCount + count, 16 * 1024)
            let fresh = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
            if let output {
                memcpy(fresh, output, outputCount)
                output.deallocate()
            }
            output = fresh
            outputCapacity = capacity
        }
        if let output { memcpy(output + outputCount, source, count) }
        outputCount += count
    }
}

private func buffers(of bio: OpaquePointer?) -> UnsafeMutablePointer<TLSTransport.Buffers>? {
    BIO_get_data(bio)?.assumingMemoryBound(to: TLSTransport.Buffers.self)
}

/// Made once per process and never freed; read-only after that.
private nonisolated(unsafe) let loopBIOMethod: OpaquePointer? = {
    guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "event loop") else { return nil }
    BIO_meth_set_read(method) { bio, target, wanted in
        openssl_bio_clear_retry_flags(bio)
        guard let buffers = buffers(of: bio), let target, wanted > 0 else { return -1 }
        let count = buffers.pointee.read(target, Int(wanted))
        if count > 0 { return Int32(count) }
        openssl_bio_set_retry_read(bio)
        return -1
    }
    BIO_meth_set_write(method) { bio, source, count in
        openssl_bio_clear_retry_flags(bio)
        guard let buffers = buffers(of: bio), let source, count > 0 else { return -1 }
        buffers.pointee.append(source, Int(count))
        return count
    }
    BIO_meth_set_ctrl(method) { _, command, _, _ in
        // Without a yes to the flush the handshake never completes; nothing else is asked for that matters.
        command == BIO_CTRL_FLUSH ? 1 : 0
    }
    return method
}()
