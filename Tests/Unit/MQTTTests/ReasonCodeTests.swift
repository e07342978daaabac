// SPDX-License-Identifier: Apache-2.0
// The names of the reason codes against the standard's table 2.6, and what they become before MQTT 5.

import MQTT
import Testing

@Suite struct ReasonCodeTests {
    static let table: [(ReasonCode, UInt8)] = [
        (.success, 0x00), (.normalDisconnection, 0x00), (.grantedQoS0, 0x00), (.grantedQoS1, 0x01),
        (.grantedQoS2, 0x02), (.disconnectWithWill, 0x04), (.noMatchingSubscribers, 0x10),
        (.noSubscriptionExisted, 0x11), (.continueAuthentication, 0x18), (.reauthenticate, 0x19),
        (.unspecifiedError, 0x80), (.malformedPacket, 0x81), (.protocolError, 0x82),
        (.implementationSpecificError, 0x83), (.unsupportedProtocolVersion, 0x84), (.clientIdentifierNotValid, 0x85),
        (.badUserNameOrPassword, 0x86), (.notAuthorized, 0x87), (.serverUnavailable, 0x88), (.serverBusy, 0x89),
        (.banned, 0x8A), (.serverShuttingDown, 0x8B), (.badAuthenticationMethod, 0x8C), (.keepAliveTimeout, 0x8D),
        (.sessionTakenOver, 0x8E), (.topicFilterInvalid, 0x8F), (.topicNameInvalid, 0x90),
        (.packetIdentifierInUse, 0x91), (.packetIdentifierNotFound, 0x92), (.receiveMaximumExceeded, 0x93),
        (.topicAliasInvalid, 0x94), (.packetTooLarge, 0x95), (.messageRateTooHigh, 0x96), (.quotaExceeded, 0x97),
        (.administrativeAction, 0x98), (.payloadFormatInvalid, 0x99), (.retainNotSupported, 0x9A),
        (.qosNotSupported, 0x9B), (.useAnotherServer, 0x9C), (.serverMoved, 0x9D),
        (.sharedSubscriptionsNotSupported, 0x9E), (.connectionRateExceeded, 0x9F), (.maximumConnectTime, 0xA0),
        (.subscriptionIdentifiersNotSupported, 0xA1), (.wildcardSubscriptionsNotSupported, 0xA2),
    ]

    @Test(arguments: table)
    func names(reason: ReasonCode, code: UInt8) {
        #expect(reason.rawValue == code)
        #expect(reason.isError == (code >= 0x80))
    }

    @Test func everyCodeBelongsToAPacketAndOthersToNone() {
        let types = (1...15).compactMap(PacketType.init(rawValue:))
        let known = Set(Self.table.map(\.1))
        for code in UInt8.min ... .max {
            let isUsed = types.contains { ReasonCode(rawValue: code).isDefined(in: $0) }
            #expect(isUsed == known.contains(code), "\(code)")
        }
        for type in [PacketType.connect, .publish, .subscribe, .unsubscribe, .pingreq, .pingresp] {
            #expect(!ReasonCode.success.isDefined(in: type))
        }
    }

    @Test func returnCodes() {
        let expected: [UInt8: UInt8] = [
            0x00: 0, 0x84: 1, 0x85: 2, 0x86: 4, 0x87: 5, 0x88: 3, 0x89: 3, 0x8A: 5, 0x8B: 3, 0x8C: 5, 0x97: 3, 0x9C: 3,
            0x9D: 3, 0x9F: 3,
        ]
        for code in UInt8.min ... .max {
            #expect(ReasonCode(rawValue: code).connackReturnCode == expected[code])
        }
        for code in UInt8(0)...5 { #expect(ReasonCode(connackReturnCode: code)?.connackReturnCode == code) }
        #expect(ReasonCode(connackReturnCode: 6) == nil)
    }
}
