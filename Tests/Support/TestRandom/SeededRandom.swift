// SPDX-License-Identifier: Apache-2.0
// Random numbers that can be had again: a test prints its seed with each expectation that fails, and with TEST_SEED=SEED
// in the environment it takes that one instead of a new one.

import Glibc

public struct SeededRandom: RandomNumberGenerator {
    public let seed: UInt64
    private var state: UInt64

    public static let wanted = getenv("TEST_SEED").flatMap { UInt64(String(cString: $0)) }

    public init(seed: UInt64 = wanted ?? .random(in: .min ... .max)) {
        self.seed = seed
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    public mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

    public mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }

    public mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}
