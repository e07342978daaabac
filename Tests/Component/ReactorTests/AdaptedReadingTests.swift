// SPDX-License-Identifier: Apache-2.0
// How much a stream reads at a time, by what its bytes have made of them.

import Glibc
import Testing

@testable import Reactor

@Suite struct AdaptedReadingTests {
    /// The sizes of the reads of 64 KB, after the same number of bytes has made `times` as many of them.
    private func reads(_ stream: ProbeStream, _ peer: Int32, _ running: RunningLoop, times: [Int]) -> [[Int]] {
        let sizes = Watched<[Int]>([])
        let bytes = pattern(65_536)
        return times.map { times in
            running.on { _ in
                stream.adaptReading(to: bytes.count * times, from: bytes.count)
                stream.onReceive = { _, bytes in sizes.change { $0.append(bytes.count) } }
                #expect(bytes.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, 0) } == bytes.count)
            }
            let found = sizes.wait { $0.reduce(0, +) == bytes.count }
            sizes.change { $0 = [] }
            return found
        }
    }

    @Test func whatMakesMuchIsReadInSmallPieces() throws {
        let running = try RunningLoop()
        var pair: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, 1 | 0o4000, 0, &pair) == 0)
        let (ours, theirs) = (pair[0], pair[1])
        let stream = running.on { ProbeStream(fd: ours, loop: $0) }
        let found = reads(stream, theirs, running, times: [0, 1, 128, 512, 513, 1000, 1_000_000, 3000, 100])
        // 32 MB divided by so many times, in powers of two, and 1 KB at least.
        let expected = [65_536, 65_536, 65_536, 65_536, 32_768, 32_768, 1024, 8192, 65_536]
        #expect(found == expected.map { Array(repeating: $0, count: 65_536 / $0) })
        close(theirs)
        stream.record.wait { !$0.ends.isEmpty }
        running.finish()
    }
}
