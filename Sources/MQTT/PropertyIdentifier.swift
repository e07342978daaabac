// SPDX-License-Identifier: Apache-2.0
// The one table of MQTT 5 properties: identifier, data type, the packets a property may stand in, and whether it may
// stand there more than once (the standard's table 2.4). Validation, getters and the writer all ask it.

public enum PropertyIdentifier: UInt8, Sendable, CaseIterable {
    case payloadFormatIndicator = 1
    case messageExpiryInterval = 2
    case contentType = 3
    case responseTopic = 8
    case correlationData = 9
    case subscriptionIdentifier = 11
    case sessionExpiryInterval = 17
    case assignedClientIdentifier = 18
    case serverKeepAlive = 19
    case authenticationMethod = 21
    case authenticationData = 22
    case requestProblemInformation = 23
    case willDelayInterval = 24
    case requestResponseInformation = 25
    case responseInformation = 26
    case serverReference = 28
    case reasonString = 31
    case receiveMaximum = 33
    case topicAliasMaximum = 34
    case topicAlias = 35
    case maximumQoS = 36
    case retainAvailable = 37
    case userProperty = 38
    case maximumPacketSize = 39
    case wildcardSubscriptionAvailable = 40
    case subscriptionIdentifierAvailable = 41
    case sharedSubscriptionAvailable = 42
}

public enum PropertyType: Sendable {
    case byte
    case twoByteInteger
    case fourByteInteger
    case variableByteInteger
    case utf8String
    case binaryData
    case utf8StringPair
}

/// Where a property section stands: in a packet, or in the will of a CONNECT.
public struct PropertyContext: OptionSet, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public init(_ type: PacketType) { rawValue = 1 << UInt16(type.rawValue) }

    public static var will: PropertyContext { PropertyContext(rawValue: 1) }
    public static var connect: PropertyContext { PropertyContext(.connect) }
    public static var connack: PropertyContext { PropertyContext(.connack) }
    public static var publish: PropertyContext { PropertyContext(.publish) }
    public static var subscribe: PropertyContext { PropertyContext(.subscribe) }
    public static var disconnect: PropertyContext { PropertyContext(.disconnect) }
    public static var auth: PropertyContext { PropertyContext(.auth) }
    static var message: PropertyContext { [.publish, .will] }
    /// The packets that answer another one.
    static var answers: PropertyContext {
        [
            .connack, PropertyContext(.puback), PropertyContext(.pubrec), PropertyContext(.pubrel),
            PropertyContext(.pubcomp), PropertyContext(.suback), PropertyContext(.unsuback), .disconnect, .auth,
        ]
    }
    static var all: PropertyContext {
        answers.union([.connect, .will, .publish, .subscribe, PropertyContext(.unsubscribe)])
    }
}

extension PropertyIdentifier {
    public var type: PropertyType {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable,
            .sharedSubscriptionAvailable:
            .byte
        case .serverKeepAlive, .receiveMaximum, .topicAliasMaximum, .topicAlias: .twoByteInteger
        case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval, .maximumPacketSize: .fourByteInteger
        case .subscriptionIdentifier: .variableByteInteger
        case .contentType, .responseTopic, .assignedClientIdentifier, .authenticationMethod, .responseInformation,
            .serverReference, .reasonString:
            .utf8String
        case .correlationData, .authenticationData: .binaryData
        case .userProperty: .utf8StringPair
        }
    }

    public var contexts: PropertyContext {
        switch self {
        case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData: .message
        case .subscriptionIdentifier: [.publish, .subscribe]
        case .sessionExpiryInterval: [.connect, .connack, .disconnect]  // [MQTT-3.14.2-2]
        case .authenticationMethod, .authenticationData: [.connect, .connack, .auth]
        case .requestProblemInformation, .requestResponseInformation: .connect
        case .willDelayInterval: .will
        case .serverReference: [.connack, .disconnect]
        case .reasonString: .answers
        case .receiveMaximum, .topicAliasMaximum, .maximumPacketSize: [.connect, .connack]
        case .topicAlias: .publish
        case .userProperty: .all
        case .assignedClientIdentifier, .serverKeepAlive, .responseInformation, .maximumQoS, .retainAvailable,
            .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            .connack
        }
    }

    /// A message that several subscriptions of a client match carries each one's subscription identifier.
    /// [MQTT-3.3.4-4]
    public func mayRepeat(in context: PropertyContext) -> Bool {
        self == .userProperty || (self == .subscriptionIdentifier && context == .publish)
    }

    /// The property's bit in ``Properties/present``; the largest identifier is 42.
    @inlinable
    var bit: UInt64 { 1 &<< UInt64(rawValue) }
}

extension PropertyType {
    /// The end of a value of this type that starts at `start`; `nil` if `bytes` ends first.
    func end(in bytes: ByteView, from start: Int) -> Int? {
        switch self {
        case .byte: return fixed(1, in: bytes, from: start)
        case .twoByteInteger: return fixed(2, in: bytes, from: start)
        case .fourByteInteger: return fixed(4, in: bytes, from: start)
        case .variableByteInteger:
            var offset = start
            return VariableByteInteger.decode(bytes, at: &offset) == nil ? nil : offset
        case .utf8String, .binaryData: return prefixed(in: bytes, from: start)
        case .utf8StringPair:
            guard let nameEnd = prefixed(in: bytes, from: start) else { return nil }
            return prefixed(in: bytes, from: nameEnd)
        }
    }

    private func fixed(_ size: Int, in bytes: ByteView, from start: Int) -> Int? {
        bytes.count - start >= size ? start + size : nil
    }

    private func prefixed(in bytes: ByteView, from start: Int) -> Int? {
        guard bytes.count - start >= 2 else { return nil }
        return fixed(Int(bytes.uint16(at: start)), in: bytes, from: start + 2)
    }
}
