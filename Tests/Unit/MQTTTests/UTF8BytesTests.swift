// SPDX-License-Identifier: Apache-2.0
// Well-formedness at the borders of every row of the UTF-8 table, and against the standard library on random bytes.

import MQTT
import TestRandom
import Testing

@Suite struct UTF8BytesTests {
    @Test(
        arguments: [
            [], [0x01], [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xE0, 0xBF, 0xBF], [0xEC, 0xBF, 0xBF],
            [0xED, 0x80, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF], [0xEF, 0xBB, 0xBF],
            [0xF0, 0x90, 0x80, 0x80], [0xF3, 0xBF, 0xBF, 0xBF], [0xF4, 0x8F, 0xBF, 0xBF],
        ] as [[UInt8]]
    )
    func wellFormed(bytes: [UInt8]) {
        for padding in 0..<18 {
            let ascii = [UInt8](repeating: 0x61, count: padding)
            #expect((ascii + bytes).withView(UTF8Bytes.isWellFormed))
            #expect((bytes + ascii).withView(UTF8Bytes.isWellFormed))
        }
    }

    @Test(
        arguments: [
            [0x00], [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x7F], [0xC2, 0xC0], [0xDF, 0x61],
            [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x7F], [0xE1, 0x80, 0xC0],
            [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
            [0xF1, 0x80, 0x80, 0x41], [0xF1, 0x80, 0x41, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]]
    )
    func illFormed(bytes: [UInt8]) {
        for padding in 0..<18 {
            let ascii = [UInt8](repeating: 0x61, count: padding)
            #expect(!(ascii + bytes).withView(UTF8Bytes.isWellFormed))
            #expect(!(bytes + ascii).withView(UTF8Bytes.isWellFormed))
            #expect(!(ascii + bytes + ascii).withView(TopicName.validate))
            #expect(!(ascii + bytes + ascii).withView(TopicFilter.validate))
        }
    }

    @Test func agreesWithTheStandardLibraryOnRandomBytes() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        // Bytes at the borders of the table make well-formed sequences likely enough.
        let pool: [UInt8] = [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xE1, 0xED, 0xF0, 0xF1, 0xF4,
        ]
        var wellFormed = 0
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...10, using: &random)).map { _ in pool.randomElement(using: &random) ?? 0
            }
            let expected = String(validating: bytes, as: UTF8.self) != nil && !bytes.contains(0)
            if expected { wellFormed += 1 }
            #expect(bytes.withView(UTF8Bytes.isWellFormed) == expected, "seed \(seed): \(bytes.hex)")
        }
        #expect(wellFormed > 100 && wellFormed < 19_900)
    }
}
