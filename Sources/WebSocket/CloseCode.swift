// SPDX-License-Identifier: Apache-2.0
// Why a WebSocket ends (RFC 6455, 7.4).

public struct CloseCode: RawRepresentable, Equatable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let normal = CloseCode(rawValue: 1000)
    /// The server stops.
    public static let goingAway = CloseCode(rawValue: 1001)
    public static let protocolError = CloseCode(rawValue: 1002)
    /// Text frames: MQTT is binary. [MQTT-6.0.0-1]
    public static let unsupportedData = CloseCode(rawValue: 1003)
    public static let invalidText = CloseCode(rawValue: 1007)
    public static let messageTooBig = CloseCode(rawValue: 1009)

    /// Whether it may stand in a frame: some codes only say that there was no frame, or none that could be read.
    var mayBeSent: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// No more frames are read.
public struct FrameEnd: Equatable, Sendable {
    /// To be sent to the peer; nil for a Close frame without a code, as the peer's was.
    public let code: CloseCode?
    /// Whether the peer closed in order.
    public let isRegular: Bool
    /// For the log.
    public let sentence: String

    static func broken(_ code: CloseCode, _ sentence: String) -> FrameEnd {
        FrameEnd(code: code, isRegular: false, sentence: sentence)
    }
}
