// SPDX-License-Identifier: Apache-2.0
// The buffer packets are encoded into, and the views cut from it.

import MQTT
import Testing

@Suite struct ByteBufferTests {
    @Test func growsAndKeepsWhatItHas() {
        var buffer = ByteBuffer()
        defer { buffer.deallocate() }
        var expected: [UInt8] = []
        for i in 0..<5000 {
            buffer.append(bigEndian: UInt16(i))
            expected += [UInt8(i >> 8), UInt8(i & 0xFF)]
        }
        #expect(buffer.view.array == expected)
        buffer.removeFirst(9998)
        #expect(buffer.view.array == Array(expected.suffix(2)))
        buffer.removeFirst(2)
        #expect(buffer.isEmpty)
    }

    @Test func anEmptyRunNeedsNoMemory() {
        var buffer = ByteBuffer()
        buffer.append(ByteView.empty)
        #expect(buffer.isEmpty)
        #expect(buffer.view.isEmpty)
        buffer.deallocate()
    }

    @Test func integersAreBigEndian() {
        #expect(encoded { $0.append(bigEndian: 0x0102_0304 as UInt32) } == [1, 2, 3, 4])
        #expect(encoded { $0.append(prefixed: "ab") } == [0, 2, 0x61, 0x62])
    }

    @Test func canBeUsedAgainAfterItsMemoryIsGone() {
        var buffer = ByteBuffer()
        buffer.append("abc" as ByteView)
        buffer.truncate(to: 1)
        #expect(buffer.view == "a")
        buffer.deallocate()
        #expect(buffer.view == "")
        buffer.append(7)
        #expect(buffer.view.array == [7])
        buffer.deallocate()
    }

    @Test func rotatesItsEnd() {
        var buffer = ByteBuffer()
        defer { buffer.deallocate() }
        buffer.append("abcdefg" as ByteView)
        buffer.rotate(from: 2, by: 3)
        #expect(buffer.view == "abfgcde")
        buffer.rotate(from: 0, by: 0)
        #expect(buffer.view == "abfgcde")
        buffer.rotate(from: 3, by: 4)
        #expect(buffer.view == "abfgcde")
    }

    @Test func equalityAndHashSeeEveryByte() {
        for length in 0...40 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            bytes.withView { a in
                #expect(bytes.withView { $0 == a && $0.hash64 == a.hash64 })
                for place in 0..<length {
                    var other = bytes
                    other[place] ^= 0x10
                    #expect(other.withView { $0 != a && $0.hash64 != a.hash64 && !$0.hasPrefix(a) })
                    #expect(a.hasPrefix(a.slice(0, place)))
                }
            }
        }
    }
}
