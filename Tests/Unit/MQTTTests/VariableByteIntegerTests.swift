// SPDX-License-Identifier: Apache-2.0
// Borders of the four lengths, as in the standard's table 1-1.

import MQTT
import Testing

@Suite struct VariableByteIntegerTests {
    static let borders: [(Int, [UInt8])] = [
        (0, [0x00]), (1, [0x01]), (127, [0x7F]), (128, [0x80, 0x01]), (16_383, [0xFF, 0x7F]),
        (16_384, [0x80, 0x80, 0x01]), (2_097_151, [0xFF, 0xFF, 0x7F]), (2_097_152, [0x80, 0x80, 0x80, 0x01]),
        (268_435_455, [0xFF, 0xFF, 0xFF, 0x7F]),
    ]

    @Test(arguments: borders)
    func bordersAreEncodedAndDecoded(value: Int, bytes: [UInt8]) {
        #expect(encoded { $0.append(variable: value) } == bytes)
        #expect(VariableByteInteger.size(value) == bytes.count)
        // A byte in front and one behind: the offset is honoured and left behind the value.
        ([0xAA] + bytes + [0xBB]).withView { view in
            var offset = 1
            #expect(VariableByteInteger.decode(view, at: &offset) == value)
            #expect(offset == 1 + bytes.count)
        }
    }

    @Test(
        arguments: [
            [], [0x80], [0xFF, 0xFF, 0xFF], [0x80, 0x00], [0x81, 0x80, 0x00], [0xFF, 0xFF, 0xFF, 0xFF],
            [0x80, 0x80, 0x80, 0x80, 0x01], [0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        ] as [[UInt8]]
    )
    func cutOverlongAndTooLongOnesAreRefused(bytes: [UInt8]) {
        bytes.withView { view in
            var offset = 0
            #expect(VariableByteInteger.decode(view, at: &offset) == nil)
            #expect(offset == 0)
        }
    }
}
