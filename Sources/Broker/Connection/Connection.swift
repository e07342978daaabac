// SPDX-License-Identifier: Apache-2.0
// What the broker keeps of one network connection. The rules that act on it are in the `Broker+….swift` files.

import MQTT

/// A connection of one loop: slot (32 bits) and generation (32), unique while the process lives.
public struct ConnectionIdentifier: Equatable, Hashable, Sendable {
    public let rawValue: UInt64

    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    init(slot: Int32, generation: UInt32) {
        rawValue = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: slot))
    }

    var slot: Int32 { Int32(truncatingIfNeeded: rawValue) }
    var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
}

/// The byte stream under a connection. The broker calls it on its loop only.
public protocol Transport: AnyObject {
    /// Sends the parts in order and returns how many bytes were taken. If that is less than offered, the owner calls
    /// `Broker.writable` once there is room again.
    func send(_ parts: UnsafePointer<ByteView>, _ count: Int) -> Int
    /// No more `Broker.received` until `resumeReading`.
    func pauseReading()
    func resumeReading()
    /// Closes once what `send` took has left; the broker does not use the transport after this.
    func close()
}

/// Where a connection came in, and from whom.
public struct ConnectionOrigin: Sendable {
    /// `tcp:default`
    public var listener: String
    /// `ISTH_TCP` … of the plugin ABI.
    public var transport: UInt8
    public var address: String
    public var port: UInt16
    public var isLoopback: Bool
    /// Of a verified client certificate.
    public var commonName: String
    /// It showed a certificate that was verified.
    public var hasCertificate = false
    /// Nobody gets through its listener without such a certificate: that admits it if no plugin authenticates.
    public var isVouchedFor = false
    /// What the certificate says in place of CONNECT.
    public var names: CertificateNames?
    public var admission = AdmissionRule.authenticated
    /// Bytes waiting for its socket above which QoS 0 messages for it are dropped; nil: `BrokerSettings.highWatermark`.
    public var highWatermark: UInt32?
    /// What its listener lets a client publish.
    public var rates = ClientRates()
    /// Put before its topics.
    public var mountpoint: MountpointTemplate?

    public init(
        listener: String,
        transport: UInt8 = 0,
        address: String,
        port: UInt16,
        isLoopback: Bool,
        commonName: String = ""
    ) {
        self.listener = listener
        self.transport = transport
        self.address = address
        self.port = port
        self.isLoopback = isLoopback
        self.commonName = commonName
    }
}

typealias ConnectionPointer = UnsafeMutablePointer<Connection>
typealias SessionPointer = UnsafeMutablePointer<Session>

struct Connection {
    enum State: UInt8 {
        case expectingConnect
        /// CONNECT named an authentication method: AUTH is awaited, and nothing else but DISCONNECT. [MQTT-3.1.2-30]
        case authenticating
        /// A plugin's answer, or another loop's session, is awaited; input waits.
        case suspended
        case connected
        /// Everything is said. What the socket takes at the turn's end still leaves, and no more.
        case closing
    }

    /// Why it is not read at present.
    struct Holds: OptionSet {
        let rawValue: UInt8
        /// A receiver of its messages cannot take more.
        static let receiver = Holds(rawValue: 1)
        /// It has published more than its rate allows.
        static let rate = Holds(rawValue: 2)
        /// It does not take what it is sent.
        static let output = Holds(rawValue: 4)
        /// Its packets, or those of others, have made as much work as a turn may have.
        static let turn = Holds(rawValue: 8)
        /// More retained messages have to be looked for than it may wait for.
        static let retained = Holds(rawValue: 16)
    }

    let identifier: ConnectionIdentifier
    let transport: any Transport
    let address: OwnedBytes
    let commonName: OwnedBytes
    /// Of `Broker.listenerNames`.
    let listener: UInt16
    let port: UInt16
    let transportKind: UInt8
    let isLoopback: Bool
    let admission: AdmissionRule
    let hasCertificate: Bool
    let isVouchedFor: Bool
    let highWatermark: UInt32

    var state = State.expectingConnect
    var version = ProtocolVersion.v311
    /// A plugin has admitted it.
    var isAuthenticated = false
    var isSuperuser = false
    var hasUserName = false
    var hasPassword = false
    var cleanStart = false
    var isBridge = false
    var hasAssignedIdentifier = false
    /// The client is told a Session Expiry Interval other than its own.
    var hasServerSessionExpiry = false
    /// The client is told a keep-alive other than its own.
    var hasServerKeepAlive = false
    /// Told to plugins by client_connected, so that it gets client_closed.
    var isAnnounced = false
    /// In the list of connections to be flushed at the end of the turn.
    var isTouched = false
    /// The socket took less than it was offered.
    var isBlocked = false
    var holds: Holds = []
    /// Before it was suspended.
    var wasConnected = false
    var problemInformation = ProblemInformation.notMentioned
    var wantsResponseInformation = false

    var keepAlive: UInt16 = 0
    /// The client's limits. [MQTT-3.1.2-24] [MQTT-3.3.4-9]
    var receiveMaximum: UInt16 = .max
    /// Topic aliases towards the client: the least of its and our limit.
    var outgoingAliasLimit: UInt16 = 0
    var maximumPacketSize = UInt32.max
    var sessionExpiryInterval: UInt32 = 0
    var willDelay: UInt32 = 0

    var session: Int32 = -1
    var clientIdentifier = OwnedBytes.empty
    var userName = OwnedBytes.empty

    /// What of its output is in `Broker.outputBytes`: 0 unless its socket is full.
    var countedOutput = 0
    var lastReceived: UInt64 = 0
    var timer: UInt64 = 0

    /// The start of a packet whose rest has not come, or input that waits for a suspension to end.
    var input = ByteBuffer()
    var output = Output()

    /// Allocated when the client sets its first alias. [MQTT-3.3.2-7]
    var aliases: UnsafeMutablePointer<TopicAliases>?
    /// Those of the other direction, made when the first message is sent to a client that takes aliases.
    var outgoingAliases: OutgoingAliases?
    var will: Message?

    /// Allocated if its listener has one.
    var mountpoint: UnsafeMutablePointer<Mountpoint>?
    /// Until CONNECT.
    var names: CertificateNames?
    /// Of a client that named an authentication method.
    var exchange: UnsafeMutablePointer<AuthenticationExchange>?
    var pending: PendingCheck?
    var authorized = AuthorizationMemory()
    /// Allocated if its listener has rates.
    var limiter: UnsafeMutablePointer<ClientLimiter>?
    /// One pointer for each plugin, allocated when the first hook is called.
    var slots: UnsafeMutablePointer<UnsafeMutableRawPointer?>?

    func deallocate() {
        address.deallocate()
        commonName.deallocate()
        clientIdentifier.deallocate()
        userName.deallocate()
        if let aliases {
            aliases.pointee.deallocate()
            aliases.deinitialize(count: 1)
            aliases.deallocate()
        }
        outgoingAliases?.deallocate(limit: outgoingAliasLimit)
        will?.release()
        if let mountpoint {
            mountpoint.pointee.deallocate()
            mountpoint.deinitialize(count: 1)
            mountpoint.deallocate()
        }
        if let exchange {
            exchange.pointee.deallocate()
            exchange.deallocate()
        }
        authorized.deallocate()
        limiter?.deallocate()
        slots?.deallocate()
    }
}

/// Asked of the pointer, not of the struct: a computed property of the struct may cost a copy of all of it.
extension ConnectionPointer {
    @inline(__always)
    var isOpen: Bool { pointee.state != .closing }

    @inline(__always)
    var isHeld: Bool { !pointee.holds.isEmpty }

    /// Whether the client was welcomed and has not been let go; it may be suspended in front of a packet.
    @inline(__always)
    var isEstablished: Bool { pointee.state == .connected || (pointee.state == .suspended && pointee.wasConnected) }
}

/// A packet that waits for plugins' answers, or for the client's next turn, and is processed again then.
/// An object of its own, as hardly any connection has one at a time.
final class PendingCheck {
    enum Stage: UInt8 {
        case authenticate
        case authorizeWill
        case authorizePublish
        case authorizeSubscribe
        case session
    }

    var stage: Stage
    /// 0: it is not a plugin that is waited for.
    var ticket: UInt64
    /// The link of the chain that will answer.
    var link: Int
    var answer: HookAnswer?
    /// How far the SUBSCRIBE or UNSUBSCRIBE in question has come.
    var subscribing: SubscribeProgress?
    var unsubscribing: UnsubscribeProgress?

    init(stage: Stage, ticket: UInt64, link: Int) {
        self.stage = stage
        self.ticket = ticket
        self.link = link
    }
}
