// SPDX-License-Identifier: Apache-2.0
// One thread's event loop on level-triggered epoll. A turn: posted work and mailboxes, sockets' events, deferred work,
// timers, a few TLS handshake steps, `onTurnEnd`; then it sleeps until the next event. It knows nothing of MQTT.

import CLinux
import Glibc
import Synchronization

/// Confinement: everything but `post`, `stop`, `isCurrent` and a mailbox's `push` belongs to the thread that calls
/// `run`, or to the thread that sets the loop up before that. The two atomics are the only shared words.
public final class EventLoop: @unchecked Sendable {
    /// Bytes that a connection may bring in one turn: one busy publisher must not hold the loop.
    public static let readBufferSize = 256 * 1024
    static let handshakeStepsPerTurn = 4
    private static let eventsPerTurn = 256

    public let index: Int
    /// CLOCK_MONOTONIC, read once a turn.
    public private(set) var nowNanoseconds: UInt64 = 0
    public private(set) var nowMilliseconds: UInt64 = 0
    /// Called at the end of every turn, right before polling again: the place to flush what the turn has written.
    public var onTurnEnd: (() -> Void)?

    let epoll: Int32
    /// Shared by all streams of the loop: its content is used up before the next descriptor is read.
    let readBuffer = UnsafeMutableRawPointer.allocate(byteCount: readBufferSize, alignment: 64)
    var wheel: TimerWheel<TimerAction>
    /// Streams with handshake bytes to read, in the order epoll reported them.
    var handshakes: [Stream] = []
    /// The TLS side of the loop, made when the first TLS stream arrives.
    var tlsTransport: TLSTransport?

    private let wakeUp: Int32
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: eventsPerTurn)
    private var sources: [PollSource?] = []
    private var retired: [PollSource] = []
    private var deferred: [() -> Void] = []
    private var mailboxes: [any MailboxReceiver] = []
    private let posted = BatchQueue<@Sendable () -> Void>()
    private var stopping = false
    /// From the first turn until all sources are told of the end: closed sources are held as retired.
    private var running = false
    /// True while the loop sleeps or is about to: only then does a producer write to the eventfd.
    private let armed = Atomic<Bool>(false)
    private let owner = Atomic<UInt>(0)

    public init(index: Int) throws(ReactorError) {
        self.index = index
        let epoll = linux_epoll_create()
        let wakeUp = linux_eventfd()
        // Edge-triggered, so that the counter need not be read: every write reports once.
        guard epoll >= 0, wakeUp >= 0,
            linux_epoll_control(epoll, EPOLL_CTL_ADD, wakeUp, EPOLLIN.rawValue | EPOLLET.rawValue, nil)
                == 0
        else {
            let reason = describeError(errno)
            close(epoll)
            close(wakeUp)
            readBuffer.deallocate()
            events.deallocate()
            throw ReactorError("cannot make event loop \(index): \(reason); raise the limit of open files (ulimit -n)")
        }
        self.epoll = epoll
        self.wakeUp = wakeUp
        let now = monotonicNanoseconds()
        wheel = TimerWheel(now: now / 1_000_000)
        nowNanoseconds = now
        nowMilliseconds = now / 1_000_000
    }

    deinit {
        close(epoll)
        close(wakeUp)
        readBuffer.deallocate()
        events.deallocate()
    }

    /// Whether the calling thread is the one that runs this loop.
    public var isCurrent: Bool { owner.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Runs until `stop`, then ends every stream, listener and connector that is left, and forgets timers, mailboxes and
    /// `onTurnEnd`. A loop runs once.
    public func run() {
        owner.store(UInt(pthread_self()), ordering: .relaxed)
        running = true
        while !stopping { turn() }
        for source in sources { source?.loopStopped() }
        // Whatever still names a stream or the loop would keep both alive for ever.
        handshakes.removeAll()
        deferred.removeAll()
        wheel = TimerWheel(now: nowMilliseconds)
        posted.takeAll { _ in }
        mailboxes.removeAll()
        onTurnEnd = nil
        running = false
        retired.removeAll()
        owner.store(0, ordering: .relaxed)
    }

    /// Ends `run` after the turn that sees it; work posted earlier by the same thread is done before. Any thread.
    public func stop() {
        post { [unowned self] in stopping = true }
    }

    /// Runs `work` on the loop in its next turn. Any thread; order is kept per thread.
    public func post(_ work: @escaping @Sendable () -> Void) {
        var batch = MailboxBatch<@Sendable () -> Void>()
        batch.append(work)
        posted.push(&batch)
        wakeIfArmed()
    }

    /// Runs `work` in the next turn, without sleeping before. On the loop only; cheaper than `post`.
    public func deferWork(_ work: @escaping () -> Void) { deferred.append(work) }

    // MARK: - A turn

    private func turn() {
        let count = poll()
        readClock()
        // Mail first: what caused a peer to send the bytes reported now may have been mailed before.
        posted.takeAll { batch in
            for work in batch { work() }
        }
        for mailbox in mailboxes { mailbox.drain() }
        for i in 0..<count {
            let event = events[i]
            guard let pointer = event.data.ptr else { continue }
            // No retain: the loop holds the source, or holds it as retired until the turn ends.
            Unmanaged<PollSource>.fromOpaque(pointer)._withUnsafeGuaranteedRef { source in
                if source.fd >= 0 { source.ready(event.events) }
            }
        }
        runDeferred()
        while let expired = wheel.takeExpired(now: nowMilliseconds) { expired.payload.fire() }
        if !handshakes.isEmpty { stepHandshakes() }
        onTurnEnd?()
        // A mass disconnect must not leave its list behind.
        if !retired.isEmpty { retired.removeAll(keepingCapacity: retired.count < 1024) }
    }

    private func poll() -> Int {
        var timeout = deferred.isEmpty ? millisecondsToNextTimer() : 0
        if timeout != 0 {
            // First the flag, then a second look: whoever pushes after that look sees the flag.
            armed.store(true, ordering: .sequentiallyConsistent)
            if hasMail { timeout = 0 }
        }
        // A signal (EINTR) counts as a turn without events.
        let count = epoll_wait(epoll, events, Int32(Self.eventsPerTurn), timeout)
        armed.store(false, ordering: .relaxed)
        return max(0, Int(count))
    }

    private var hasMail: Bool {
        if !posted.isEmpty { return true }
        for mailbox in mailboxes where !mailbox.isEmpty { return true }
        return false
    }

    private func millisecondsToNextTimer() -> Int32 {
        guard let wake = wheel.nextWake else { return -1 }
        if wake <= nowMilliseconds { return 0 }
        let target = wake * 1_000_000
        // A fresh look at the clock: the turn may have been long, and the next step is to sleep.
        let now = monotonicNanoseconds()
        if target <= now { return 0 }
        // Rounded up: rounded down, the loop would spin through the last millisecond.
        return Int32(clamping: (target - now + 999_999) / 1_000_000)
    }

    private func readClock() {
        nowNanoseconds = monotonicNanoseconds()
        nowMilliseconds = nowNanoseconds / 1_000_000
    }

    private func runDeferred() {
        if deferred.isEmpty { return }
        let work = deferred
        deferred = []
        for item in work { item() }
    }

    // MARK: - Inside the module

    func wakeIfArmed() {
        // The exchange picks one producer among many to write.
        guard armed.load(ordering: .sequentiallyConsistent), armed.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        eventfd_write(wakeUp, 1)
    }

    func attach(_ mailbox: any MailboxReceiver) { mailboxes.append(mailbox) }

    /// Takes charge of a source: the loop holds it as long as its descriptor is open.
    func adopt(_ source: PollSource) {
        let index = Int(source.fd)
        while sources.count <= index { sources.append(nil) }
        sources[index] = source
    }

    /// Lets go of a source whose descriptor is about to close, at the end of the turn.
    func retire(_ source: PollSource) {
        let index = Int(source.fd)
        guard index < sources.count, sources[index] === source else { return }
        // In this order: the caller may be inside the source's own method, which nothing else keeps alive.
        if running { retired.append(source) }
        sources[index] = nil
    }
}

func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
