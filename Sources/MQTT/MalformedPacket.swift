// SPDX-License-Identifier: Apache-2.0
// Why bytes are not an acceptable packet: the one error every decoder of this module throws. The reason is what the
// peer is told in a CONNACK or DISCONNECT, the text is for the log.

public struct MalformedPacket: Error, Sendable {
    public let reason: ReasonCode
    /// A full clause that names the packet and the fault, such as "the PUBLISH topic name contains a wildcard".
    public let text: StaticString

    @inlinable
    public init(_ reason: ReasonCode, _ text: StaticString) {
        self.reason = reason
        self.text = text
    }

    @inlinable
    static func malformed(_ text: StaticString) -> MalformedPacket { MalformedPacket(.malformedPacket, text) }

    @inlinable
    static func protocolError(_ text: StaticString) -> MalformedPacket { MalformedPacket(.protocolError, text) }
}

extension MalformedPacket: CustomStringConvertible {
    public var description: String { "\(text) (reason code 0x\(String(reason.rawValue, radix: 16, uppercase: true)))" }
}
