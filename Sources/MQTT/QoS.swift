// SPDX-License-Identifier: Apache-2.0
// The quality of service of a message or a subscription. The fourth bit pattern, 3, is no QoS: decoders reject it.

public enum QoS: UInt8, Comparable, Sendable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2

    @inlinable
    public static func < (a: QoS, b: QoS) -> Bool { a.rawValue < b.rawValue }
}
