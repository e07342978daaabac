// SPDX-License-Identifier: Apache-2.0
// What the broker says when it says no: refusals, DISCONNECT and negative acknowledgements. A client of MQTT 5 that asks
// for problem information and has room for it gets a reason string as well; without being asked only plugins give one.

import MQTT

extension Broker {
    // MARK: CONNACK

    /// Logs why a client is not admitted, answers its CONNECT with a refusal and closes. [MQTT-3.2.2-7] [MQTT-4.13.2-1]
    func refuse(_ connection: ConnectionPointer, _ reason: ReasonCode, _ text: StaticString) {
        tell(.warning, .admission, connection, "not admitted: \(text), reason code \(reason.hexadecimal)")
        refuse(connection, reason, said: text)
    }

    /// What was logged already.
    func refuse(_ connection: ConnectionPointer, _ reason: ReasonCode, said text: StaticString) {
        refuse(connection, reason, words(text, for: connection), reference: .empty)
    }

    /// The same in a plugin's words.
    func refuse(_ connection: ConnectionPointer, _ reason: ReasonCode, _ details: AnswerDetails?) {
        withWords(of: details) { refuse(connection, reason, $0, reference: $1) }
    }

    private func refuse(_ connection: ConnectionPointer, _ given: ReasonCode, _ text: ByteView, reference: ByteView) {
        guard connection.isOpen else { return }
        // A plugin may have given it. [MQTT-3.2.2-6] [MQTT-3.2.2-8]
        let code = given.isError ? given : .notAuthorized
        let reason = connection.pointee.version == .v5 ? code.fitting(.connack) : code
        counters.refusedConnects &+= 1
        touch(connection)
        let isTold = connection.pointee.version == .v5 || reason.connackReturnCode != nil
        if isTold, connection.pointee.maximumPacketSize >= 5 {  // [MQTT3-3.1.4-1] [MQTT3-3.2.2-6]
            let words = explanation(reason, text, reference, connection, besideProperties: 2)
            ConnackPacket(reason: reason, properties: words)
                .encode(into: &connection.pointee.output.bytes, version: connection.pointee.version)
        }
        end(connection, reason)
    }

    // MARK: DISCONNECT

    /// Ends a connection from our side; a client that knows MQTT 5 is told why. [MQTT-3.14.4-2]
    func close(_ connection: ConnectionPointer, _ reason: ReasonCode, _ text: StaticString = "") {
        close(connection, reason, words(text, for: connection), reference: .empty)
    }

    /// The same in a plugin's words.
    func close(_ connection: ConnectionPointer, _ reason: ReasonCode, _ details: AnswerDetails?) {
        withWords(of: details) { close(connection, reason, $0, reference: $1) }
    }

    private func close(_ connection: ConnectionPointer, _ given: ReasonCode, _ text: ByteView, reference: ByteView) {
        guard connection.isOpen else { return }
        // A plugin may have given it. [MQTT-3.14.2-1]
        let reason = given.isError ? given.fitting(.disconnect) : .administrativeAction
        sayGoodbye(connection, reason, text, reference: reference)
        end(connection, reason)
    }

    /// DISCONNECT, if the client was welcomed and knows it.
    func sayGoodbye(
        _ connection: ConnectionPointer,
        _ reason: ReasonCode,
        _ text: ByteView = .empty,
        reference: ByteView = .empty
    ) {
        guard connection.isEstablished, connection.pointee.version == .v5 else { return }  // [MQTT-3.14.0-1]
        touch(connection)
        let words = explanation(reason, text, reference, connection, besideProperties: 1)
        DisconnectPacket(reason: reason, properties: words)
            .encode(into: &connection.pointee.output.bytes, version: .v5)
    }

    // MARK: Acknowledgements

    /// A PUBACK or PUBREC of MQTT 5 that says no.
    @inline(never)
    func appendRefusal(
        _ type: PacketType,
        _ packetIdentifier: UInt16,
        _ reason: ReasonCode,
        _ connection: ConnectionPointer,
        _ text: StaticString
    ) {
        let words = acknowledgementWords(reason, ByteView(text), connection, besideProperties: 3)
        AckPacket(type, packetIdentifier: packetIdentifier, reason: reason, properties: words)
            .encode(into: &connection.pointee.output.bytes, version: .v5)
    }

    /// The reason string of a SUBACK: that of its first error, if it has one.
    func subackWords(_ codes: [UInt8], _ connection: ConnectionPointer) -> Properties {
        guard let code = codes.first(where: { $0 >= 0x80 }) else { return .empty }
        let reason = ReasonCode(rawValue: code)
        let text: StaticString =
            switch reason {
            case .notAuthorized: "the client is not authorised to subscribe to one of these filters"
            case .topicFilterInvalid:
                "one of these filters has more levels than mqtt.max_topic_levels, or a prefix that has no place there"
            default: ""
            }
        return acknowledgementWords(reason, ByteView(text), connection, besideProperties: 2 + codes.count)
    }

    private func acknowledgementWords(
        _ reason: ReasonCode,
        _ text: ByteView,
        _ connection: ConnectionPointer,
        besideProperties fixed: Int
    ) -> Properties {
        // [MQTT-3.1.2-29]
        guard connection.pointee.problemInformation == .wanted else { return .empty }
        return explanation(reason, text, .empty, connection, besideProperties: fixed)
    }

    // MARK: Words

    /// Server reference and reason string, each left out if it makes the packet larger than the client takes.
    /// [MQTT-3.2.2-19] [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.9.2-1] [MQTT-3.14.2-3]
    private func explanation(
        _ reason: ReasonCode,
        _ given: ByteView,
        _ reference: ByteView,
        _ connection: ConnectionPointer,
        besideProperties fixed: Int
    ) -> Properties {
        guard connection.pointee.version == .v5 else { return .empty }
        properties.removeAll()
        let maximum = Int(connection.pointee.maximumPacketSize)
        func append(_ identifier: PropertyIdentifier, _ text: ByteView) {
            let size = Self.packetSize(besideProperties: fixed, properties.raw.count + 3 + text.count)
            guard !text.isEmpty, text.count <= Int(UInt16.max), size <= maximum, UTF8Bytes.isWellFormed(text) else {
                return
            }
            properties.append(identifier, text)
        }
        if reason == .useAnotherServer || reason == .serverMoved { append(.serverReference, reference) }
        append(.reasonString, given.isEmpty ? words(reason.sentence, for: connection) : given)
        return properties.properties
    }

    /// Our own words are for those who ask: not everybody expects more than the reason code.
    private func words(_ text: StaticString, for connection: ConnectionPointer) -> ByteView {
        connection.pointee.problemInformation == .wanted ? ByteView(text) : .empty
    }

    /// The bytes of a packet with so many behind its fixed header that are no properties, and so many that are.
    static func packetSize(besideProperties fixed: Int, _ properties: Int) -> Int {
        let length = fixed + VariableByteInteger.size(properties) + properties
        return 1 + VariableByteInteger.size(length) + length
    }

    private func withWords(of details: AnswerDetails?, _ body: (ByteView, ByteView) -> Void) {
        guard let details else { return body(.empty, .empty) }
        details.reason.withUnsafeBytes { text in
            details.serverReference.withUnsafeBytes { body(ByteView(text), ByteView($0)) }
        }
    }
}

/// What the CONNECT says of Request Problem Information.
enum ProblemInformation: UInt8 {
    case unwanted
    case notMentioned
    case wanted
}

extension ReasonCode {
    /// For log lines.
    var hexadecimal: String { "0x" + String(rawValue, radix: 16, uppercase: true) }

    /// What a client is told where nothing more particular is known.
    fileprivate var sentence: StaticString {
        switch self {
        case .implementationSpecificError: "MQTT has no reason code for what was the reason"
        case .badUserNameOrPassword: "the user name or password is not valid"
        case .notAuthorized: "the client is not authorised"
        case .badAuthenticationMethod: "the authentication method is not served here"
        case .banned: "the client is kept out for a while"
        case .payloadFormatInvalid: "the payload is not the text that it is said to be"
        case .serverBusy: "the server is busy; try again later"
        case .serverShuttingDown: "the server is shutting down"
        case .keepAliveTimeout: "nothing was received for mqtt.keepalive_multiplier times the keep alive"
        case .sessionTakenOver: "another connection came with this client identifier"
        case .packetTooLarge: "the packet is larger than mqtt.max_packet_size"
        case .quotaExceeded: "a quota is exceeded"
        case .administrativeAction: "the connection was ended by an administrative action"
        case .messageRateTooHigh: "the message rate is too high"
        case .useAnotherServer: "another server is to be used for now"
        case .serverMoved: "another server is to be used from now on"
        case .sharedSubscriptionsNotSupported: "mqtt.shared_subscription is false"
        case .wildcardSubscriptionsNotSupported: "mqtt.wildcard_subscription is false"
        default: ""
        }
    }
}
