// SPDX-License-Identifier: Apache-2.0
// A loop's entrance for other threads: a `BatchQueue` whose consumer is an event loop, which is woken only when it is
// about to sleep. Order is kept per producer; between two mailboxes there is none.

/// What a loop asks of each of its mailboxes, whatever their element.
protocol MailboxReceiver: AnyObject {
    var isEmpty: Bool { get }
    func drain()
}

/// Thread safety: `push` from any thread; `drain` runs on the loop, which is the only one to call `receive`.
public final class Mailbox<Element>: MailboxReceiver, @unchecked Sendable {
    private let queue = BatchQueue<Element>()
    private let loop: EventLoop
    private let receive: ([Element]) -> Void

    /// Attaches a mailbox to `loop`, before the loop runs or on it. `receive` gets each batch on the loop, once a turn,
    /// before the sockets' events. The loop keeps the mailbox until its run ends; what is pushed
    /// after that is never received.
    public init(loop: EventLoop, receive: @escaping ([Element]) -> Void) {
        self.loop = loop
        self.receive = receive
        loop.attach(self)
    }

    var isEmpty: Bool { queue.isEmpty }

    func drain() { queue.takeAll(receive) }

    /// Hands over what was collected during a turn; one wake-up at most. Leaves the batch empty.
    public func push(_ batch: inout MailboxBatch<Element>) {
        if batch.isEmpty { return }
        queue.push(&batch)
        loop.wakeIfArmed()
    }

    public func push(_ element: Element) {
        var batch = MailboxBatch<Element>()
        batch.append(element)
        push(&batch)
    }
}
