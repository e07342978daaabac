// SPDX-License-Identifier: Apache-2.0
// Characters that MQTT lets a receiver refuse, at the borders of each range and against the standard library.

import MQTT
import TestRandom
import Testing

@Suite struct DiscouragedTextTests {
    private func isDiscouraged(_ text: String) -> Bool { Array(text.utf8).withView(UTF8Bytes.isDiscouraged) }

    @Test(
        arguments: [
            0x01, 0x09, 0x0A, 0x1F, 0x7F, 0x80, 0x85, 0x9F, 0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1_FFFE, 0x7_FFFF,
            0x10_FFFE,
            0x10_FFFF,
        ] as [UInt32]
    )
    func refused(_ value: UInt32) throws {
        let scalar = String(Character(try #require(Unicode.Scalar(value))))
        for padding in 0..<10 {
            let ascii = String(repeating: "a", count: padding)
            #expect(isDiscouraged(ascii + scalar))
            #expect(isDiscouraged(scalar + ascii))
            #expect(isDiscouraged("é" + ascii + scalar + "\u{10FFFD}"))
        }
    }

    @Test(
        arguments: [
            0x20, 0x7E, 0xA0, 0xFF, 0xFDCF, 0xFDF0, 0xFEFF, 0xFFFD, 0x1_0000, 0x1_FFFD, 0x2_0000, 0x10_0000, 0x10_FFFD,
        ] as [UInt32]
    )
    func allowed(_ value: UInt32) throws {
        #expect(!isDiscouraged("a" + String(Character(try #require(Unicode.Scalar(value)))) + "b"))
    }

    @Test func agreesWithTheStandardLibrary() {
        var random = SeededRandom()
        #expect(!isDiscouraged(""))
        for _ in 0..<20_000 {
            guard let scalar = Unicode.Scalar(UInt32(random.below(0x11_0000))), scalar.value != 0 else { continue }
            let properties = scalar.properties
            let expected = properties.generalCategory == .control || properties.isNoncharacterCodePoint
            #expect(isDiscouraged(String(Character(scalar))) == expected, "U+\(String(scalar.value, radix: 16))")
        }
    }
}
