// SPDX-License-Identifier: Apache-2.0
// Framing: lengths, the limit, what is still missing, and flags; every type's flags are in the corpus.

import MQTT
import Testing

@Suite struct FixedHeaderTests {
    private func needed(_ bytes: [UInt8]) -> Int? {
        guard case .incomplete(let needed) = bytes.withView({ FixedHeader.parse($0) }) else { return nil }
        return needed
    }

    private func fault(
        _ bytes: [UInt8],
        maximumPacketSize: Int = VariableByteInteger.maximum,
        version: ProtocolVersion = .v5
    ) -> ReasonCode? {
        bytes.withView { view in
            let framing = FixedHeader.parse(view, maximumPacketSize: maximumPacketSize, version: version)
            guard case .malformed(let fault) = framing else { return nil }
            return fault.reason
        }
    }

    @Test func saysHowManyBytesAreNeeded() {
        #expect(needed([]) == 2)
        #expect(needed([0x30]) == 2)
        #expect(needed([0x30, 0x05]) == 7)
        #expect(needed([0x30, 0x80]) == 3)
        #expect(needed([0x30, 0xFF, 0x80]) == 4)
        #expect(needed([0x30, 0xFF, 0xFF, 0xFF]) == 5)
        #expect(needed([0x30, 0x80, 0x01]) == 131)
        #expect(needed([0x30, 0xFF, 0xFF, 0xFF, 0x7F]) == 268_435_460)
        #expect(needed([0x30, 0x03, 0, 1, 0x61]) == nil)
    }

    @Test func theBodyIsWhatFollowsTheHeader() {
        let bytes: [UInt8] = [0x3B, 0x83, 0x00, 1, 2, 3, 0xC0, 0x00]
        bytes.withView { view in
            guard case .packet(let header) = FixedHeader.parse(view, version: .v311) else {
                Issue.record("no packet")
                return
            }
            #expect(header.type == .publish)
            #expect(header.flags == 0x0B)
            #expect(header.headerLength == 3)
            #expect(header.length == 3)
            #expect(header.packetLength == 6)
            #expect(header.body(in: view).array == [1, 2, 3])
        }
    }

    @Test func theMaximumPacketSizeCountsTheWholePacket() {
        let bytes: [UInt8] = [0x30, 0x03, 0, 1, 0x61]
        #expect(fault(bytes, maximumPacketSize: 5) == nil)
        #expect(fault(bytes, maximumPacketSize: 4) == .packetTooLarge)
        // Known as soon as the length is, before the body came.
        #expect(fault([0x30, 0x80, 0x80, 0x01], maximumPacketSize: 16_387) == .packetTooLarge)
        #expect(fault([0x30, 0x80, 0x80, 0x01], maximumPacketSize: 16_388) == nil)
    }

    @Test func aBadFirstByteIsRefusedBeforeTheRest() {
        #expect(fault([0x00]) == .malformedPacket)
        #expect(fault([0x11]) == .malformedPacket)
        #expect(fault([0x60]) == .malformedPacket)
        #expect(fault([0x62]) == nil)
        #expect(fault([0x6A], version: .v311) == .malformedPacket)
        #expect(fault([0x6A], version: .v31) == nil)
    }

    @Test func everyFirstByteOfEveryVersion() {
        for first in UInt8.min ... .max {
            let type = first >> 4
            let flags = first & 0x0F
            let isPublish = type == 3
            let required: UInt8 = [6, 8, 10].contains(type) ? 2 : 0
            let isValid = type != 0 && (isPublish || flags == required)
            #expect((fault([first, 0], version: .v5) == nil) == isValid, "\(first)")
            #expect((fault([first, 0], version: .v311) == nil) == isValid, "\(first)")
            let isValidIn31 = isValid || (required == 2 && flags == 0b1010)
            #expect((fault([first, 0], version: .v31) == nil) == isValidIn31, "\(first)")
            if let packetType = PacketType(rawValue: type), !isPublish { #expect(packetType.requiredFlags == required) }
        }
    }

    @Test func onlyMQTT5InsistsOnTheShortestLength() {
        #expect(fault([0xC0, 0x80, 0x00], version: .v5) == .malformedPacket)
        #expect(fault([0xC0, 0x80, 0x00], version: .v311) == nil)
        #expect(fault([0xC0, 0x80, 0x80, 0x80, 0x00], version: .v311) == nil)
        #expect(fault([0xC0, 0x80, 0x80, 0x80, 0x80, 0x00], version: .v311) == .malformedPacket)
    }
}
