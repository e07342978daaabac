// SPDX-License-Identifier: Apache-2.0
// A client of the broker under test: encodes what it sends, decodes what it gets, and keeps both.

import MQTT

@testable import Broker

final class TestClient {
    let world: World
    let loop: Int
    let transport = CapturingTransport()
    let version: ProtocolVersion
    let name: String
    private(set) var identifier = ConnectionIdentifier(0)
    private let text = TextKeeper()
    private var lastIdentifier: UInt16 = 0
    /// Whether everything settles after each packet sent.
    var settles = true
    /// Whether its CONNECT has the bridge bit.
    var isBridge = false
    /// Whether its CONNECT asks for problem information.
    var asksWhy = false

    struct Will {
        var topic: String
        var payload = "gone"
        var qos = QoS.atMostOnce
        var retain = false
        var delay: UInt32?
        var expiry: UInt32?
    }

    init(
        _ world: World,
        _ name: String,
        _ version: ProtocolVersion = .v5,
        loop: Int = 0,
        isLoopback: Bool = true,
        rates: ClientRates = ClientRates(),
        prepare: (inout ConnectionOrigin) -> Void = { _ in }
    ) {
        self.world = world
        self.loop = loop
        self.version = version
        self.name = name
        var origin = ConnectionOrigin(listener: "tcp:test", address: "127.0.0.1", port: 4711, isLoopback: isLoopback)
        origin.rates = rates
        prepare(&origin)
        identifier = world.brokers[loop].accept(transport, origin)
    }

    /// A client that is connected, its CONNACK taken.
    static func connected(
        _ world: World,
        _ name: String,
        _ version: ProtocolVersion = .v5,
        loop: Int = 0,
        cleanStart: Bool = true,
        sessionExpiry: UInt32? = nil,
        receiveMaximum: UInt16? = nil,
        will: Will? = nil
    ) -> TestClient {
        let client = TestClient(world, name, version, loop: loop)
        client.connect(cleanStart: cleanStart, sessionExpiry: sessionExpiry, receiveMaximum: receiveMaximum, will: will)
        _ = client.transport.take()
        return client
    }

    var broker: Broker { world.brokers[loop] }
    var isClosed: Bool { transport.isClosed }

    // MARK: Sending

    func send(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { broker.received(identifier, $0) }
        if settles { world.settle() }
    }

    func connect(
        cleanStart: Bool = true,
        keepAlive: UInt16 = 0,
        sessionExpiry: UInt32? = nil,
        receiveMaximum: UInt16? = nil,
        maximumPacketSize: UInt32? = nil,
        will: Will? = nil,
        userName: String? = nil,
        password: String? = nil
    ) {
        send(
            connectBytes(
                cleanStart: cleanStart,
                keepAlive: keepAlive,
                sessionExpiry: sessionExpiry,
                receiveMaximum: receiveMaximum,
                maximumPacketSize: maximumPacketSize,
                will: will,
                userName: userName,
                password: password
            )
        )
    }

    func connectBytes(
        cleanStart: Bool = true,
        keepAlive: UInt16 = 0,
        sessionExpiry: UInt32? = nil,
        receiveMaximum: UInt16? = nil,
        maximumPacketSize: UInt32? = nil,
        will: Will? = nil,
        userName: String? = nil,
        password: String? = nil
    ) -> [UInt8] {
        let properties = self.properties { writer in
            if let sessionExpiry { writer.append(.sessionExpiryInterval, sessionExpiry) }
            if let receiveMaximum { writer.append(.receiveMaximum, UInt32(receiveMaximum)) }
            if let maximumPacketSize { writer.append(.maximumPacketSize, maximumPacketSize) }
            if asksWhy { writer.append(.requestProblemInformation, true) }
        }
        let packet = ConnectPacket(
            version: version,
            clientIdentifier: text(name),
            cleanStart: cleanStart,
            keepAlive: keepAlive,
            properties: properties,
            will: will.map { will in
                ConnectPacket.Will(
                    topic: text(will.topic),
                    payload: text(will.payload),
                    qos: will.qos,
                    retain: will.retain,
                    properties: self.properties { writer in
                        if let delay = will.delay { writer.append(.willDelayInterval, delay) }
                        if let expiry = will.expiry { writer.append(.messageExpiryInterval, expiry) }
                    }
                )
            },
            userName: userName.map { text($0) },
            password: password.map { text($0) },
            isBridge: isBridge
        )
        return encoded { packet.encode(into: &$0) }
    }

    /// Properties that live as long as the client.
    func properties(_ build: (inout PropertyWriter) -> Void) -> Properties {
        var writer = PropertyWriter()
        defer { writer.deallocate() }
        build(&writer)
        return Properties(encoded: text.keep(Array(writer.raw.buffer)))
    }

    /// Sends a PUBLISH and returns its packet identifier.
    @discardableResult
    func publish(
        _ topic: String,
        _ payload: String = "x",
        qos: QoS = .atMostOnce,
        retain: Bool = false,
        dup: Bool = false,
        identifier: UInt16? = nil,
        properties build: (inout PropertyWriter, TextKeeper) -> Void = { _, _ in }
    ) -> UInt16 {
        let number = qos == .atMostOnce ? 0 : identifier ?? nextIdentifier()
        send(publishBytes(topic, Array(payload.utf8), qos, retain, dup, number, build))
        return number
    }

    func publishBytes(
        _ topic: String,
        _ payload: [UInt8],
        _ qos: QoS = .atMostOnce,
        _ retain: Bool = false,
        _ dup: Bool = false,
        _ identifier: UInt16 = 0,
        _ build: (inout PropertyWriter, TextKeeper) -> Void = { _, _ in }
    ) -> [UInt8] {
        let keeper = TextKeeper()
        let packet = PublishPacket(
            dup: dup,
            qos: qos,
            retain: retain,
            topic: keeper(topic),
            packetIdentifier: identifier,
            properties: properties { build(&$0, keeper) },
            payload: keeper.keep(payload)
        )
        return encoded { packet.encode(into: &$0, version: version) }
    }

    @discardableResult
    func subscribe(_ filter: String, _ qos: QoS = .atMostOnce, identifier: UInt32? = nil) -> [UInt8] {
        subscribe([(filter, SubscriptionOptions(qos: qos))], identifier: identifier)
    }

    /// Sends a SUBSCRIBE and returns the codes of the SUBACK, empty if none came; other packets stay.
    @discardableResult
    func subscribe(_ filters: [(String, SubscriptionOptions)], identifier: UInt32? = nil) -> [UInt8] {
        let number = nextIdentifier()
        send(subscribeBytes(filters, number, identifier: identifier))
        var codes: [UInt8] = []
        keepPackets { packet in
            guard packet.type == .suback, packet.identifier == number else { return true }
            codes = packet.codes
            return false
        }
        return codes
    }

    func subscribeBytes(
        _ filters: [(String, SubscriptionOptions)],
        _ number: UInt16,
        identifier: UInt32? = nil
    ) -> [UInt8] {
        encoded {
            SubscribePacket.encode(
                into: &$0,
                packetIdentifier: number,
                properties: properties { if let identifier { $0.append(.subscriptionIdentifier, identifier) } },
                subscriptions: filters.map { Subscription(filter: text($0.0), options: $0.1) },
                version: version
            )
        }
    }

    func unsubscribe(_ filters: String...) -> [UInt8] {
        let number = nextIdentifier()
        send(
            encoded {
                UnsubscribePacket.encode(
                    into: &$0,
                    packetIdentifier: number,
                    filters: filters.map { text($0) },
                    version: version
                )
            }
        )
        var codes: [UInt8] = []
        keepPackets { packet in
            if packet.type == .unsuback, packet.identifier == number { codes = packet.codes }
            return packet.type != .unsuback
        }
        return codes
    }

    func acknowledge(_ type: PacketType, _ number: UInt16, _ reason: ReasonCode = .success) {
        send(encoded { AckPacket(type, packetIdentifier: number, reason: reason).encode(into: &$0, version: version) })
    }

    func disconnect(_ reason: ReasonCode = .normalDisconnection, sessionExpiry: UInt32? = nil) {
        let properties = self.properties { writer in
            if let sessionExpiry { writer.append(.sessionExpiryInterval, sessionExpiry) }
        }
        send(encoded { DisconnectPacket(reason: reason, properties: properties).encode(into: &$0, version: version) })
    }

    /// The network fails.
    func vanish() {
        broker.transportEnded(identifier, "test")
        if settles { world.settle() }
    }

    func ping() { send([0xC0, 0]) }

    func nextIdentifier() -> UInt16 {
        lastIdentifier = lastIdentifier == .max ? 1 : lastIdentifier + 1
        return lastIdentifier
    }

    // MARK: Receiving

    private var unread: [Packet] = []
    private var cut: [UInt8] = []

    private func read() {
        cut += transport.take()
        guard let packets = try? Packet.decodeAll(cut, version) else { return }
        cut = []
        unread += packets
    }

    private func keepPackets(_ isKept: (Packet) -> Bool) {
        read()
        unread = unread.filter(isKept)
    }

    /// The packets that came since the last call; those behind an incomplete one stay.
    func take() -> [Packet] {
        read()
        defer { unread = [] }
        return unread
    }

    /// Whether bytes came that are no whole packets yet.
    var hasCutPacket: Bool {
        read()
        return !cut.isEmpty
    }

    func takeTypes() -> [PacketType] { take().map(\.type) }

    /// The payloads of the PUBLISH packets that came; other packets are dropped.
    func takeTexts() -> [String] { take().filter { $0.type == .publish }.map(\.text) }

    /// Takes what came and acknowledges it, until nothing comes any more.
    func takeAndAcknowledge() -> [Packet] {
        var all: [Packet] = []
        while true {
            let packets = take()
            if packets.isEmpty { return all }
            all += packets
            for packet in packets {
                switch (packet.type, packet.qos) {
                case (.publish, 1): acknowledge(.puback, packet.identifier)
                case (.publish, 2): acknowledge(.pubrec, packet.identifier)
                case (.pubrel, _): acknowledge(.pubcomp, packet.identifier)
                default: break
                }
            }
        }
    }
}
