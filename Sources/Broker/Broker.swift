// SPDX-License-Identifier: Apache-2.0
// One loop's broker: its connections, sessions and index, and nothing that another thread touches. It does no I/O and
// reads no clock: bytes, time and other loops' batches are handed in, bytes go out through `Transport`.

import MQTT
import PluginAPI

/// Messages and bytes since the start, of one loop: only its thread may read them.
public struct BrokerCounters: Sendable {
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    public var publishReceived: UInt64 = 0
    public var publishSent: UInt64 = 0
    public var publishDropped: UInt64 = 0
    public var connects: UInt64 = 0
    public var disconnects: UInt64 = 0
    public var refusedConnects: UInt64 = 0
    public var malformedPackets: UInt64 = 0
    /// Retained messages that were not kept, as there are too many.
    public var retainedDropped: UInt64 = 0
    public var payloadBytesReceived: UInt64 = 0
    public var payloadBytesSent: UInt64 = 0
    public var sessionsExpired: UInt64 = 0
    /// CONNECTs that were refused since the session of their client identifier is another's.
    public var sessionsDenied: UInt64 = 0
    /// How often a client was put off to a later turn.
    public var turnsExceeded: UInt64 = 0
    /// Messages for which very many wildcard filters had to be looked at.
    public var costlyMatches: UInt64 = 0
    /// How often a client had to wait as it asked for too many retained messages at a time.
    public var retainedReadsHeld: UInt64 = 0
    /// Subscriptions refused to clients that have as many as they may.
    public var subscriptionsRefused: UInt64 = 0
    /// Messages that a full queue lost, by their number or their bytes.
    public var queueFullDropped: UInt64 = 0
    /// QoS 0 messages dropped as too many bytes wait for sockets in all.
    public var outputFullDropped: UInt64 = 0
    /// Delayed messages refused, as there are too many or too large ones.
    public var delayedDropped: UInt64 = 0
    /// Clients refused, as there are too many sessions.
    public var sessionsRefused: UInt64 = 0
    /// Clients and messages refused for want of memory.
    public var memoryRefused: UInt64 = 0
    /// Connections and queues given up for want of memory.
    public var memoryShed: UInt64 = 0

    public init() {}

    public mutating func add(_ other: BrokerCounters) {
        bytesReceived &+= other.bytesReceived
        bytesSent &+= other.bytesSent
        publishReceived &+= other.publishReceived
        publishSent &+= other.publishSent
        publishDropped &+= other.publishDropped
        connects &+= other.connects
        disconnects &+= other.disconnects
        refusedConnects &+= other.refusedConnects
        malformedPackets &+= other.malformedPackets
        retainedDropped &+= other.retainedDropped
        payloadBytesReceived &+= other.payloadBytesReceived
        payloadBytesSent &+= other.payloadBytesSent
        sessionsExpired &+= other.sessionsExpired
        sessionsDenied &+= other.sessionsDenied
        turnsExceeded &+= other.turnsExceeded
        costlyMatches &+= other.costlyMatches
        retainedReadsHeld &+= other.retainedReadsHeld
        subscriptionsRefused &+= other.subscriptionsRefused
        queueFullDropped &+= other.queueFullDropped
        outputFullDropped &+= other.outputFullDropped
        delayedDropped &+= other.delayedDropped
        sessionsRefused &+= other.sessionsRefused
        memoryRefused &+= other.memoryRefused
        memoryShed &+= other.memoryShed
    }
}

public enum LogLevel: Int32, Sendable, Comparable {
    case debug = 0
    case info = 1
    case notice = 2
    case warning = 3
    case error = 4

    public static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }
}

public final class Broker {
    public let loop: Int
    public let loopCount: Int
    /// Sets of loops are the bits of one word.
    public static let maximumLoopCount = UInt64.bitWidth
    public internal(set) var settings: BrokerSettings
    /// Which loop owns a client's session; asked only when there are several loops.
    let registry: SessionRegistry
    unowned let timers: any BrokerTimers
    let log: (LogLevel, String) -> Void
    public let logLevel: LogLevel
    /// Shared by all loops.
    let throttle: LogThrottle
    /// Set once all plugins have started, before the first connection.
    public var hooks = HookTable()
    /// Shared by all loops; nil: clients may come and go as they like.
    public var flapping: FlappingDetector?

    /// Monotonic milliseconds; the driver sets it at the start of each turn.
    public var now: UInt64 = 1
    /// Wall clock, ms since 1970, read once for each `now` that somebody asks at.
    var wallNow: UInt64 {
        if wallReadAt != now {
            wallRead = Clock.wallMilliseconds
            wallReadAt = now
        }
        return wallRead
    }
    private var wallRead: UInt64 = 0
    private var wallReadAt: UInt64 = 0

    var connections = Arena<Connection>()
    var listenerNames = ListenerNames()
    var connectionGeneration: UInt32 = 0
    /// By slot: the generation of the connection that lives there, 0 = none.
    var liveConnections: [UInt32] = []
    var sessions = Arena<Session>()
    var sessionTable = IndexTable()
    var sessionGeneration: UInt32 = 0
    /// By slot: the generation of the session that lives there, 0 = none.
    var liveSessions: [UInt32] = []
    var index = SubscriptionIndex()
    var groups = Arena<SharedGroup>()
    /// By name and filter entry.
    var groupTable = IndexTable()
    var groupGeneration: UInt32 = 0
    /// By slot: the generation of the shared group that lives there, 0 = none.
    var liveGroups: [UInt32] = []
    /// By session: the shared subscriptions it had, of messages that are in flight to it still.
    var formerGroups: [Int32: [GroupName]] = [:]
    var random = QuickRandom()
    /// Exclusive subscriptions are, or once were, available: some session may have one.
    var knowsExclusive = false
    /// Every session ends: nobody is there to take over from another.
    var isStopping = false
    /// Of the sessions here, and how many of these are shared ones.
    public internal(set) var subscriptionCount = 0
    public internal(set) var sharedSubscriptionCount = 0
    var retained = RetainedStore()
    var retainedRate = RateAllowance()
    var isSweepingRetained = false
    /// The last second whose expired messages were taken out.
    var sweptUpTo: UInt32 = 0
    /// Portions of retained messages that loops have asked for.
    var retainedRequests = RetainedRequests()
    /// By the session's generation: subscriptions that wait for (the rest of) their retained messages.
    var retainedWaiting: [UInt32: RetainedBacklog] = [:]
    var lastRetainedRead: UInt32 = 0
    var delayed = DelayedMessages()
    /// Of the sessions here.
    let queuedBytes: UnsafeMutablePointer<QueuedBytes>
    /// Of the connections here whose sockets are full, how many these are, and above how many bytes each of them gets no
    /// QoS 0 messages.
    var outputBytes = 0
    var blockedCount = 0
    var outputShare = Int.max
    /// What the other loops were told of the two.
    private var toldQueuedBytes = 0
    private var toldOutputBytes = 0
    /// How short memory is.
    public internal(set) var memoryPressure = MemoryPressure.none
    var destinations = Arena<Destination>()
    var tickets: Tickets
    public internal(set) var counters = BrokerCounters()

    /// Connections with output, flushed at the end of the turn.
    var touched: [ConnectionPointer] = []
    /// Connections to be forgotten at the end of the turn: until then somebody up the stack may hold a pointer.
    var finished: [ConnectionIdentifier] = []
    /// Clients that need not wait any more.
    var released: [ReleasedClient] = []
    var turn = TurnBudget()
    /// Sessions that have ended, and whose subscriptions are taken out a portion at a time.
    var endingSessions = Fifo<Int32>()
    /// The client whose publish is in the hands of the plugins: what they publish is of its making.
    var activePublisher: ConnectionPointer?
    /// Publishers of other loops that wait for sessions of this one.
    var heldElsewhere: Set<[UInt8]> = []
    /// Which loops cannot take more of what links and plugins publish, and who waits for them.
    var holdingLoops: UInt64 = 0
    var heldForLoops: [ConnectionIdentifier] = []
    /// How often the rules behind authorisation have changed.
    var rules: UInt32 = 0
    /// How long the last answer to an authorisation may be remembered, ms; 0 = not at all.
    var verdictLifetime: UInt64 = 0
    /// What plugins asked for in this turn.
    var requests: [PluginRequest] = []
    /// Buffers that idle connections gave back.
    var spareBuffers: [ByteBuffer] = []
    var spareBytes = 0
    /// Of the publish being routed: the filter entries that match, and, if there are several, whom they lead to.
    var matches = ScratchStack<Int32>()
    var receivers = ScratchStack<Subscriber>()
    var furtherIdentifiers = ScratchStack<FurtherIdentifier>()
    var picks = ScratchStack<PickedMember>()
    var groupMail = ScratchStack<GroupMail>()
    var acknowledged = ScratchStack<AcknowledgedPacket>()
    var keptMessages = ScratchStack<Message>()
    var forms = EncodedForms()
    var properties = PropertyWriter()
    /// The properties of the publish being routed.
    var forwardedProperties = ByteBuffer()
    /// The whole topic of the publish being routed, if its client has a mountpoint.
    var mountedTopic = ByteBuffer()
    var mergeStamp: UInt32 = 0

    /// What this turn says to each loop.
    var outboxes: [LoopBatch]
    var pendingConfirmations: [UInt32: PendingSubscribe] = [:]
    var nextToken: UInt32 = 1
    /// The last token under which something was announced to the other loops.
    var unconfirmedToken: UInt32 = 0
    /// Connections that wait for their session, by client. Several, the earliest first, of a client that went to other
    /// loops and came back while it waited: the session makes all these ways.
    var joining: [[UInt8]: [Joining]] = [:]
    /// How many of these sessions have their subscriptions here, which not every loop may know of yet.
    var arrivingSessions = 0

    public init(
        loop: Int,
        loopCount: Int,
        settings: BrokerSettings,
        registry: SessionRegistry,
        timers: any BrokerTimers,
        logLevel: LogLevel,
        throttle: LogThrottle = LogThrottle(),
        log: @escaping (LogLevel, String) -> Void
    ) {
        precondition(loop < loopCount && loopCount <= Self.maximumLoopCount)
        self.loop = loop
        self.loopCount = loopCount
        self.settings = settings
        self.registry = registry
        self.timers = timers
        self.logLevel = logLevel
        self.throttle = throttle
        self.log = log
        queuedBytes = .allocate(capacity: 1)
        queuedBytes.initialize(to: QueuedBytes())
        knowsExclusive = settings.isExclusiveSubscriptionAvailable
        tickets = Tickets(loop: loop)
        outboxes = Array(repeating: LoopBatch(), count: loopCount)
    }

    deinit {
        releaseAll()
        queuedBytes.deallocate()
    }

    /// Open connections with a session.
    public internal(set) var connectedCount = 0
    public var sessionCount: Int { sessions.count }
    public var filterCount: Int { index.filterCount }
    public var retainedCount: Int { retained.count }
    /// Messages of this loop that wait for their time.
    public var delayedCount: Int { delayed.count }

    /// The configuration changed, and perhaps with it what plugins would answer.
    public func reconfigure(_ settings: BrokerSettings) {
        self.settings = settings
        rules &+= 1
        if settings.isExclusiveSubscriptionAvailable { knowsExclusive = true }
        applySharedStrategies()
    }

    func connection(_ identifier: ConnectionIdentifier) -> ConnectionPointer? {
        let slot = Int(identifier.slot)
        guard slot >= 0, slot < liveConnections.count, liveConnections[slot] == identifier.generation else {
            return nil
        }
        return connections[identifier.slot]
    }

    /// Ends a turn: does what was put off, has `push` take what goes to other loops, then sends the clients what the turn
    /// has produced and forgets the connections that ended in it. In this order, as what a client is told was done must
    /// have been given to the other loops before it can act upon it. Clients that were put off come behind all of that.
    public func endTurn(push: (_ loop: Int, LoopBatch) -> Void) {
        while true {
            settle()
            for other in 0..<loopCount where other != loop && !outboxes[other].isEmpty {
                let batch = outboxes[other]
                outboxes[other] = LoopBatch()
                push(other, batch)
            }
            var i = 0
            while i < touched.count {
                flush(touched[i])
                i += 1
            }
            touched.removeAll(keepingCapacity: true)
            if !finished.isEmpty { forgetFinished() }
            guard turn.isDue else { break }
            serveThosePutOff()
        }
        beginTurnBudget()
        if loopCount > 1 { tellBytes() }
    }

    private func settle() {
        // Each may make the other: nothing may be left for a next turn, which may be long in coming.
        while !released.isEmpty || !requests.isEmpty {
            resumeReleased()
            carryOutRequests()
        }
    }

    private func tellBytes() {
        if queuedBytes.pointee.total != toldQueuedBytes {
            toldQueuedBytes = queuedBytes.pointee.total
            registry.queuedBytes.set(loop, toldQueuedBytes)
        }
        if outputBytes != toldOutputBytes {
            toldOutputBytes = outputBytes
            registry.outputBytes.set(loop, outputBytes)
        }
    }

    /// Marks `connection` as having output, so that it is flushed at the end of the turn.
    @inline(__always)
    func touch(_ connection: ConnectionPointer) {
        if connection.pointee.isTouched { return }
        connection.pointee.isTouched = true
        if connection.pointee.output.isEmpty, !connection.pointee.isBlocked, let buffer = spareBuffers.popLast() {
            connection.pointee.output.bytes.deallocate()
            connection.pointee.output.bytes = buffer
            spareBytes -= buffer.capacity
        }
        touched.append(connection)
    }

    func flush(_ connection: ConnectionPointer) {
        connection.pointee.isTouched = false
        if connection.pointee.isBlocked { outputGrew(connection) } else { send(connection) }
        if connection.pointee.state == .closing { finish(connection) }
    }

    func send(_ connection: ConnectionPointer) {
        let transport = connection.pointee.transport
        let before = connection.pointee.output.pending
        let isDone = connection.pointee.output.drain { transport.send($0, $1) }
        counters.bytesSent &+= UInt64(before - connection.pointee.output.pending)
        if isDone, connection.pointee.isTouched {
            // More may follow in this turn; its end takes the memory.
            connection.pointee.output.compact()
        } else if isDone {
            var buffer = connection.pointee.output.takeBuffer()
            if spareBytes + buffer.capacity <= 1 << 25 {
                spareBytes += buffer.capacity
                spareBuffers.append(buffer)
            } else {
                buffer.deallocate()
            }
        } else {
            connection.pointee.isBlocked = true
            connection.pointee.output.compact()
            outputGrew(connection)
        }
    }

    /// The socket of `identifier` takes bytes again.
    public func writable(_ identifier: ConnectionIdentifier) {
        guard let connection = self.connection(identifier) else { return }
        connection.pointee.isBlocked = false
        let before = connection.pointee.output.pending
        send(connection)
        if !connection.pointee.isBlocked { countOutput(connection) }
        if connection.pointee.holds.contains(.output), connection.pointee.output.pending < before {
            outputMoved(connection)
        }
        guard connection.pointee.session >= 0 else { return }
        let session = sessions[connection.pointee.session]
        if session.pointee.retainedQueries > 0 { continueRetained(session) }
    }
}
