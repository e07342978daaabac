// SPDX-License-Identifier: Apache-2.0
// Batches from many threads to one: nothing lost, nothing doubled, order kept per producer, sleepers woken.

import Glibc
import Testing

@testable import Reactor

@Suite struct MailboxTests {
    private struct Item {
        let producer: Int
        let number: Int
    }

    /// Four threads push batches of changing size; returns when all have ended.
    private func produce(_ total: Int, _ push: @escaping @Sendable (inout MailboxBatch<Item>) -> Void) throws {
        let threads = try (0..<4).map { producer in
            try Thread(name: "producer-\(producer)") {
                var batch = MailboxBatch<Item>()
                for number in 0..<total {
                    batch.append(Item(producer: producer, number: number))
                    if number % (producer + 1) == 0 { push(&batch) }
                }
                push(&batch)
            }
        }
        for thread in threads { thread.join() }
    }

    @Test func queueKeepsOrderPerProducer() throws {
        let queue = BatchQueue<Item>()
        let done = Watched(false)
        let seen = Watched([0, 0, 0, 0])
        let disorder = Watched(0)
        let consumer = try Thread(name: "consumer") {
            var last = false
            while true {
                queue.takeAll { batch in
                    for item in batch {
                        seen.change {
                            if $0[item.producer] != item.number { disorder.change { $0 += 1 } }
                            $0[item.producer] += 1
                        }
                    }
                }
                if last { return }
                // One more look after the end: what was pushed before it must not stay behind.
                last = done.current
            }
        }
        try produce(20_000) { queue.push(&$0) }
        done.change { $0 = true }
        consumer.join()
        #expect(disorder.current == 0)
        #expect(seen.current == [20_000, 20_000, 20_000, 20_000])
        #expect(queue.isEmpty)
    }

    @Test func mailboxWakesItsLoopAndKeepsOrder() throws {
        let running = try RunningLoop()
        let seen = Watched([0, 0, 0, 0])
        let disorder = Watched(0)
        let mailbox = running.on { loop in
            Mailbox<Item>(loop: loop) { batch in
                if !loop.isCurrent { disorder.change { $0 += 1 } }
                for item in batch {
                    seen.change {
                        if $0[item.producer] != item.number { disorder.change { $0 += 1 } }
                        $0[item.producer] += 1
                    }
                }
            }
        }
        try produce(20_000) { mailbox.push(&$0) }
        seen.wait { $0 == [20_000, 20_000, 20_000, 20_000] }
        #expect(disorder.current == 0)
        running.finish()
    }

    @Test func sleepingLoopIsWokenEachTime() throws {
        let running = try RunningLoop()
        let seen = Watched(0)
        let mailbox = running.on { loop in Mailbox<Int>(loop: loop) { batch in seen.change { $0 += batch.count } } }
        for round in 1...2000 {
            mailbox.push(round)
            seen.wait { $0 == round }
        }
        running.finish()
    }

    @Test func emptyBatchIsNotPushed() {
        let queue = BatchQueue<Int>()
        var batch = MailboxBatch<Int>()
        queue.push(&batch)
        #expect(queue.isEmpty)
        batch.append(1)
        queue.push(&batch)
        #expect(batch.isEmpty)
        #expect(!queue.isEmpty)
    }

    @Test func whatIsNeverTakenIsFreed() {
        final class Token {}
        weak var watched: Token?
        do {
            let queue = BatchQueue<Token>()
            let token = Token()
            watched = token
            var batch = MailboxBatch<Token>()
            batch.append(token)
            queue.push(&batch)
        }
        #expect(watched == nil)
    }
}
