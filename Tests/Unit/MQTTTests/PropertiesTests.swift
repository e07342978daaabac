// SPDX-License-Identifier: Apache-2.0
// Getters of every property, the writer, and forwarding. What is refused is in the corpus.

import MQTT
import Testing

@Suite struct PropertiesTests {
    /// Writes with `body`, and reads the section back as one of a packet of `context`.
    private func roundTrip(
        _ context: PropertyContext,
        write: (inout PropertyWriter) -> Void,
        read: (Properties) -> Void
    ) throws {
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        write(&writer)
        try encoded { $0.append(section: writer.properties) }.withView { section in
            var offset = 0
            read(try Properties.decode(at: &offset, in: section, for: context))
            #expect(offset == section.count)
        }
    }

    @Test func connack() throws {
        try roundTrip(.connack) {
            $0.append(.sessionExpiryInterval, 0xFFFF_FFFE)
            $0.append(.receiveMaximum, 65_535)
            $0.append(.maximumQoS, 1)
            $0.append(.retainAvailable, false)
            $0.append(.maximumPacketSize, 1_048_576)
            $0.append(.assignedClientIdentifier, "auto-7")
            $0.append(.topicAliasMaximum, 32)
            $0.append(.reasonString, "why")
            $0.append(.wildcardSubscriptionAvailable, true)
            $0.append(.subscriptionIdentifierAvailable, false)
            $0.append(.sharedSubscriptionAvailable, true)
            $0.append(.serverKeepAlive, 30)
            $0.append(.responseInformation, "resp")
            $0.append(.serverReference, "other")
            $0.append(.authenticationMethod, "PLAIN")
            $0.append(.authenticationData, ByteView.empty)
        } read: {
            #expect($0.sessionExpiryInterval == 0xFFFF_FFFE)
            #expect($0.receiveMaximum == 65_535)
            #expect($0.maximumQoS == .atLeastOnce)
            #expect($0.retainAvailable == false)
            #expect($0.maximumPacketSize == 1_048_576)
            #expect($0.assignedClientIdentifier == "auto-7")
            #expect($0.topicAliasMaximum == 32)
            #expect($0.reasonString == "why")
            #expect($0.wildcardSubscriptionAvailable == true)
            #expect($0.subscriptionIdentifierAvailable == false)
            #expect($0.sharedSubscriptionAvailable == true)
            #expect($0.serverKeepAlive == 30)
            #expect($0.responseInformation == "resp")
            #expect($0.serverReference == "other")
            #expect($0.authenticationMethod == "PLAIN")
            #expect($0.authenticationData == .some(.empty))
        }
    }

    @Test func connectAndWill() throws {
        try roundTrip(.connect) {
            $0.append(.requestProblemInformation, false)
            $0.append(.requestResponseInformation, true)
        } read: {
            #expect($0.requestProblemInformation == false)
            #expect($0.requestResponseInformation == true)
            #expect($0.receiveMaximum == nil)
        }
        try roundTrip(.will) {
            $0.append(.willDelayInterval, 9)
        } read: {
            #expect($0.willDelayInterval == 9)
        }
    }

    @Test func publish() throws {
        try roundTrip(.publish) {
            $0.append(.payloadFormatIndicator, 1)
            $0.append(.messageExpiryInterval, 0)
            $0.append(.topicAlias, 258)
            $0.append(.responseTopic, "re/ply")
            $0.append(.correlationData, "\u{1}")
            $0.appendUserProperty(name: "b", value: "2")
            $0.append(.subscriptionIdentifier, 268_435_455)
            $0.appendUserProperty(name: "a", value: "1")
            $0.append(.subscriptionIdentifier, 1)
            $0.appendUserProperty(name: "b", value: "")
            $0.append(.contentType, "text/plain")
        } read: {
            #expect($0.payloadFormatIndicator == 1)
            #expect($0.messageExpiryInterval == 0)
            #expect($0.topicAlias == 258)
            #expect($0.responseTopic == "re/ply")
            #expect($0.correlationData == "\u{1}")
            #expect($0.contentType == "text/plain")
            #expect($0.subscriptionIdentifier == 268_435_455)
            #expect(Array($0.subscriptionIdentifiers) == [268_435_455, 1])
            let users = $0.userProperties.map { "\($0.name.string)=\($0.value.string)" }
            #expect(users == ["b=2", "a=1", "b="])
        }
    }

    @Test func everyPropertyIsRefusedWhereItMustNotStand() {
        let contexts = (1...15).compactMap(PacketType.init(rawValue:)).map { PropertyContext($0) } + [.will]
        for identifier in PropertyIdentifier.allCases {
            #expect(contexts.contains { identifier.contexts.contains($0) }, "\(identifier) stands nowhere")
            for context in contexts where !identifier.contexts.contains(context) {
                let section: [UInt8] = [6, identifier.rawValue, 0, 0, 0, 0, 1]
                let reason = section.withView { view in
                    fault {
                        var offset = 0
                        _ = try Properties.decode(at: &offset, in: view, for: context)
                    }?.reason
                }
                #expect(reason == .malformedPacket, "\(identifier) in \(context)")
            }
        }
    }

    @Test func emptyPropertiesHaveNothing() {
        #expect(Properties.empty.isEmpty)
        #expect(Properties.empty.topicAlias == nil)
        #expect(Array(Properties.empty.userProperties).isEmpty)
        #expect(Array(Properties.empty.subscriptionIdentifiers).isEmpty)
        for identifier in PropertyIdentifier.allCases { #expect(!Properties.empty.contains(identifier)) }
    }

    @Test func propertiesThatMakeNoSenseAreLeftOut() {
        // A good alias, then a user property that ends too early.
        ([0x23, 0, 1, 0x26, 0, 9, 0x61] as [UInt8]).withView { view in
            let properties = Properties(encoded: view)
            #expect(properties.topicAlias == 1)
            #expect(!properties.contains(.userProperty))
            #expect(Array(properties.userProperties).isEmpty)
        }
    }

    @Test func forwardingDropsWhatConcernsOneConnection() {
        var received = PropertyWriter()
        defer { received.deallocate() }
        received.append(.topicAlias, 3)
        received.appendUserProperty(name: "a", value: "1")
        received.append(.messageExpiryInterval, 100)
        received.append(.contentType, "x")
        received.append(.subscriptionIdentifier, 200)
        received.append(.subscriptionIdentifier, 300)
        received.append(.correlationData, "id")
        received.appendUserProperty(name: "a", value: "2")
        received.append(.willDelayInterval, 5)

        var expected = PropertyWriter()
        defer { expected.deallocate() }
        expected.append(.messageExpiryInterval, 42)
        expected.appendUserProperty(name: "a", value: "1")
        expected.append(.contentType, "x")
        expected.append(.correlationData, "id")
        expected.appendUserProperty(name: "a", value: "2")

        var forwarded = PropertyWriter()
        defer { forwarded.deallocate() }
        forwarded.appendForwarded(received.properties, messageExpiryInterval: 42)
        #expect(forwarded.raw == expected.raw)
        #expect(forwarded.raw.array[PropertyWriter.expiryOffset..<PropertyWriter.expiryOffset + 4] == [0, 0, 0, 42])

        forwarded.removeAll()
        forwarded.appendForwarded(received.properties, messageExpiryInterval: nil)
        #expect(forwarded.raw == expected.raw.dropFirst(5))
        forwarded.removeAll()
        forwarded.appendForwarded(.empty, messageExpiryInterval: nil)
        #expect(forwarded.raw.isEmpty)
    }
}
