// SPDX-License-Identifier: Apache-2.0
// Comparing secrets in constant time, hexadecimal digits, random salts.

import COpenSSL

/// Constant in time for one length; a nil hash, which means that the library failed, equals nothing.
func equal(_ a: [UInt8]?, _ b: [UInt8]) -> Bool {
    guard let a, a.count == b.count else { return false }
    return CRYPTO_memcmp(a, b, a.count) == 0
}

/// Constant in time also for texts of different lengths, since it compares their digests.
func equalTexts(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard let digest = Digest.sha256.hash(b) else { return false }
    return equal(Digest.sha256.hash(a), digest)
}

/// Nil if the text is not hexadecimal digits in pairs, of either case.
func bytes(hex text: [UInt8]) -> [UInt8]? {
    guard text.count.isMultiple(of: 2) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count / 2)
    for index in stride(from: 0, to: text.count, by: 2) {
        guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
        result.append(high << 4 | low)
    }
    return result
}

private func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// One of several things for a name that is nowhere: in this process always the same one, which nobody outside foresees,
/// as hashes are seeded at random. Nil if there are none.
public func pick<Thing>(from things: [Thing], for name: [UInt8]) -> Thing? {
    things.isEmpty ? nil : things[Int(UInt(bitPattern: name.hashValue) % UInt(things.count))]
}

func randomSalt() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<16).map { _ in generator.next() }
}
