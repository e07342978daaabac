// SPDX-License-Identifier: Apache-2.0
// The limits a broker works within: `mqtt.*` of the config, with EMQX's names and, but where noted, defaults.

public struct BrokerSettings: Sendable {
    /// What the length field of a packet can say, its fixed header included.
    public static let packetSizeLimit = 268_435_460
    /// Largest packet accepted, bytes. [MQTT-3.2.2-15]
    public var maximumPacketSize = 1 << 20
    /// Outgoing QoS 1 and 2 messages in flight per client, and the Receive Maximum told to clients.
    public var maximumInflight: UInt16 = 32
    /// Messages that wait for one session, in-flight ones aside; if there are priorities, of each.
    public var maximumQueueLength = 1000
    public var queuePriorities = QueuePriorities()
    /// Memory of the messages that wait for one session, and for all sessions, bytes.
    public var maximumQueueBytes = 64 << 20
    public var maximumQueueBytesInAll = 1 << 30
    /// Whether QoS 0 messages wait for a client that is away.
    public var queuesQoS0 = true
    /// Incoming QoS 2 messages a client may have between PUBLISH and PUBREL.
    public var maximumAwaitingRelease = 100
    /// An identifier that was not released is forgotten after this, ms.
    public var awaitReleaseTimeout: UInt64 = 300_000
    public var maximumTopicLevels = 128
    public var maximumClientIdentifierLength = 65_535
    public var maximumQoS: UInt8 = 2
    public var maximumTopicAlias: UInt16 = 65_535
    public var isRetainAvailable = true
    public var isWildcardSubscriptionAvailable = true
    public var isSharedSubscriptionAvailable = true
    /// Of the groups that `sharedStrategies` does not name.
    public var sharedStrategy = SharedStrategy()
    public var sharedStrategies: [String: SharedStrategy] = [:]
    public var isExclusiveSubscriptionAvailable = false
    /// Keep-alive times this is when a silent client is cut off. [MQTT-3.1.2-22]
    public var keepAliveMultiplier = 1.5
    /// Told to clients that ask for Response Information; empty = nothing is told. [MQTT-3.1.2-28]
    public var responseInformation: [UInt8] = []
    /// Replaces the keep-alive of an MQTT 5 client [MQTT-3.1.2-21]; older ones could not be told.
    public var serverKeepAlive: UInt16?
    /// Replaces a longer keep-alive, or none, of an MQTT 5 client.
    public var maximumKeepAlive: UInt16?
    /// A connection without a CONNECT is closed after this, ms.
    public var idleTimeout: UInt64 = 15_000
    /// Life of a session of a 3.1 or 3.1.1 client without clean session, seconds.
    public var sessionExpiryInterval: UInt32 = 7200
    /// The longest life of a session after its connection, seconds; a client that asks for more is told this.
    public var maximumSessionExpiryInterval = UInt32.max
    /// Sessions of all loops, whether their clients are there or not.
    public var maximumSessions = 1_000_000
    /// Life of clients' messages that do not say how long they live, ms.
    public var messageExpiryInterval: UInt64?
    /// Subscriptions that one session may have.
    public var maximumSubscriptions: Int? = 10_000
    /// Subscriptions whose retained messages one session may wait for; beyond, its client is not read.
    public var maximumRetainedReads = 1000
    /// Nodes of the trie of wildcard filters above which a message is said to cost much.
    public var costlyMatch = 10_000
    /// Work of a turn, in bytes copied.
    public var turnBudget = 1 << 25
    /// 3.1 and 3.1.1 clients do not get their own messages.
    public var ignoresOwnMessages = false
    /// The higher of a subscription's and a message's QoS counts rather than the lower.
    public var upgradesQoS = false
    /// A session goes to whoever connects with its client identifier, also to another user.
    public var overridesIdentity = false
    /// A client that has a user name has it as client identifier, too.
    public var usesUserNameAsIdentifier = false
    /// Bytes waiting for one receiver's socket above which QoS 0 messages for it are dropped.
    public var highWatermark = 1 << 20
    /// Memory that waits for sockets that take no more, of all connections, bytes: beyond half of it those who have
    /// more than their share get no QoS 0 messages, beyond all of it none of these connections.
    public var maximumOutputBytes = 256 << 20
    /// Largest payload kept as retained, bytes, and the most of them.
    public var maximumRetainedPayload = 1 << 20
    public var maximumRetainedMessages = Int.max
    /// Memory of all retained messages, bytes.
    public var maximumRetainedBytes = 1 << 30
    /// `retainer.enable`.
    public var keepsRetained = true
    /// Life of retained messages without one of their own, ms; 0 = for ever.
    public var retainedExpiryInterval: UInt64 = 0
    /// The longest life of a retained message, ms, and whether those that live for ever are left alone.
    public var retainedExpiryOverride: UInt64?
    public var retainedMayLiveForever = true
    /// A message that clears a retained one goes no further.
    public var stopsClearingMessages = false
    /// Retained messages a second: to each new subscription, and to be kept.
    public var retainedDeliveryRate: Double?
    public var retainedPublishRate: Double?
    /// `$delayed/…` and how many of them may wait.
    public var delaysMessages = true
    public var maximumDelayedMessages = Int.max
    /// Memory of all of them, bytes.
    public var maximumDelayedBytes = 256 << 20
    /// Topic aliases that the broker uses towards one client.
    public var maximumOutgoingTopicAlias: UInt16 = 32
    /// Control characters and non-characters in texts of packets make the packet malformed.
    public var refusesDiscouragedText = false
    /// Payloads that are said to be UTF-8 must be.
    public var validatesPayloadFormat = false
    /// Which events of clients are told below `$SYS/brokers/NODE/clients/`.
    public var clientEvents: ClientEvents = []
    public var nodeName = ""
    /// `authorization.deny_action = disconnect`.
    public var disconnectsWhenDenied = false
    /// How long an authorisation answer is remembered, ms; 0 = not at all.
    public var authorizationCacheTime: UInt64 = 60_000
    /// How many of them a connection remembers.
    public var authorizationCacheSize = 32
    /// Topics whose answers are not remembered.
    public var authorizationCacheExcludes: [[UInt8]] = []
    /// A slow receiver has this long to take half of its queue while its publishers wait, ms.
    public var holdBackTime: UInt64 = 5000
    /// Whether it takes its messages fast enough for that is judged when its queue is this old, and again after as long, ms.
    public var standstillTime: UInt64 = 1000
    /// A hook that promised an answer has this long, ms.
    public var hookDeadline: UInt64 = 10_000

    public init() {}
}
