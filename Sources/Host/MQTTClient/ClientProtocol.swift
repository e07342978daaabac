// SPDX-License-Identifier: Apache-2.0
// The rules of an MQTT 5 client without I/O: bytes and times come in, bytes are appended to `output`, and what the
// plugin has to be told is returned. Each call handles one packet and has ended before anybody is told, so that a
// callback may call straight back. Receiving and sending are in files of their own.

import MQTT

/// Why a connection is over. The text is a clause whose subject is named: "the server does not speak MQTT 5".
struct ClientFault: Equatable, Sendable {
    let reason: ReasonCode
    let text: String
}

struct ClientProtocol: Sendable {
    enum Phase: Sendable {
        /// No connection, or one that is over.
        case idle
        /// The CONNECT is sent.
        case connecting
        case connected
    }

    /// What a received packet means for the plugin.
    enum Event {
        case nothing
        /// The packet at the offset needs at least so many bytes.
        case incomplete(Int)
        case up(sessionPresent: Bool)
        case message(PublishPacket)
        case acknowledged(cookie: UInt64, ReasonCode)
        /// The connection is over: send what is in `output` and close.
        case down(ClientFault)
    }

    /// The answer to a request of the plugin.
    enum Submission: Equatable {
        case accepted
        case notConnected
        /// Later: `takeRoom` tells.
        case full
        case unsupported(StaticString)
        case invalid(StaticString)

        static func == (a: Submission, b: Submission) -> Bool {
            switch (a, b) {
            case (.accepted, .accepted), (.notConnected, .notConnected), (.full, .full): true
            case (.unsupported(let x), .unsupported(let y)), (.invalid(let x), .invalid(let y)):
                x.description == y.description
            default: false
            }
        }
    }

    /// What was refused as full and is to be offered again.
    struct Owed: OptionSet {
        let rawValue: UInt8
        static let output = Owed(rawValue: 1)
        static let window = Owed(rawValue: 2)
        static let requests = Owed(rawValue: 4)
    }

    /// Identifiers from here on are for SUBSCRIBE and UNSUBSCRIBE, those below for PUBLISH.
    static let firstRequestIdentifier: UInt16 = 64_512
    static let requestLimit = 1024

    let options: ClientOptions
    var phase = Phase.idle
    var limits = ServerLimits()
    var keepAlive = KeepAlive.none
    var output = ClientOutput()
    var publishes = PacketSlots(first: 1, capacity: Int(firstRequestIdentifier) - 1)
    var requests = PacketSlots(first: firstRequestIdentifier, capacity: requestLimit)
    var received = ReceivedIdentifiers()
    var owed: Owed = []
    /// QoS 1 and 2 publishes that may be under way at once.
    var window = 0
    /// The largest PUBLISH since `output` was last empty: what may stand in it above the high-water mark.
    var largestPublish = 0
    var properties = PropertyWriter()
    /// Given by the server if the options have none; it names the session in later connections.
    private var assignedIdentifier: [UInt8] = []

    init(_ options: ClientOptions) { self.options = options }

    /// The buffers free nothing by themselves.
    mutating func deallocate() {
        output.deallocate()
        properties.deallocate()
    }

    // MARK: - Beginning and end

    /// A network connection stands: begins with the CONNECT. [MQTT-3.1.0-1]
    mutating func connect() {
        output.deallocate()
        owed = []
        largestPublish = 0
        phase = .connecting
        properties.removeAll()
        if options.sessionExpiryInterval > 0 {
            properties.append(.sessionExpiryInterval, options.sessionExpiryInterval)
        }
        let name = options.clientIdentifier.isEmpty ? assignedIdentifier : options.clientIdentifier
        name.withUnsafeBytes { name in
            (options.userName ?? []).withUnsafeBytes { userName in
                (options.password ?? []).withUnsafeBytes { password in
                    ConnectPacket(
                        version: .v5,
                        clientIdentifier: ByteView(name),
                        cleanStart: options.cleanStart,
                        keepAlive: options.keepAlive,
                        properties: properties.properties,
                        userName: options.userName == nil ? nil : ByteView(userName),
                        password: options.password == nil ? nil : ByteView(password)
                    ).encode(into: &output.buffer)
                }
            }
        }
    }

    /// The CONNACK that lets this client in.
    mutating func accepted(_ packet: ConnackPacket, now: UInt64) -> Event {
        // [MQTT-3.2.2-2]
        if packet.sessionPresent && options.cleanStart {
            return fail(
                .protocolError,
                "the server says that a session is present although a clean start was asked for"
            )
        }
        limits = ServerLimits(packet.properties)
        keepAlive = KeepAlive(seconds: limits.serverKeepAlive ?? options.keepAlive, now: now)
        let own = options.inflightLimit == 0 ? Int.max : Int(options.inflightLimit)
        window = min(own, limits.receiveMaximum, Int(Self.firstRequestIdentifier) - 1)
        if let identifier = packet.properties.assignedClientIdentifier {
            assignedIdentifier = Array(identifier.buffer)
        }
        requests.removeAll()
        if packet.sessionPresent {
            publishes.forget {
                AckPacket.appendSuccess(.pubrel, packetIdentifier: $0, to: &output.buffer)
            }
        } else {
            publishes.removeAll()
            received.removeAll()
        }
        phase = .connected
        return .up(sessionPresent: packet.sessionPresent)
    }

    /// The connection is gone, or about to go: nothing is sent or understood any more.
    mutating func disconnected() {
        phase = .idle
        keepAlive = .none
        owed = []
    }

    /// Says goodbye, if there is somebody to say it to.
    mutating func disconnect(_ reason: ReasonCode = .normalDisconnection) {
        // [MQTT-3.14.4-1] A client may leave before the CONNACK, too.
        if phase != .idle { DisconnectPacket(reason: reason).encode(into: &output.buffer, version: .v5) }
        disconnected()
    }

    /// The server broke the rules: says so and gives the connection up. [MQTT-4.13.1-1]
    mutating func fail(_ reason: ReasonCode, _ text: String) -> Event {
        disconnect(reason)
        return .down(ClientFault(reason: reason, text: text))
    }

    // MARK: - Time

    /// Sends a PINGREQ if one is due; the fault if the last one was not answered.
    mutating func tick(_ now: UInt64) -> ClientFault? {
        guard phase == .connected else { return nil }
        switch keepAlive.check(now) {
        case .wait: return nil
        case .ping:
            PingPacket.encodeRequest(into: &output.buffer)
            return nil
        case .timedOut:
            // The code for this one is the server's only.
            disconnect(.unspecifiedError)
            let text = "the server did not answer a PINGREQ within the keep-alive"
            return ClientFault(reason: .keepAliveTimeout, text: text)
        }
    }

    // MARK: - Room

    /// True once there is room for what was refused as full.
    mutating func takeRoom() -> Bool {
        guard !owed.isEmpty, phase == .connected else { return false }
        let hasRoom =
            owed.contains(.output) && output.waiting <= options.highWater / 2
            || owed.contains(.window) && publishes.count < window
            || owed.contains(.requests) && requests.count < Self.requestLimit
        if hasRoom { owed = [] }
        return hasRoom
    }
}
