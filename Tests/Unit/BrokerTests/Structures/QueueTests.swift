// SPDX-License-Identifier: Apache-2.0
// What a session keeps messages in, and what carries them out: nothing is lost, doubled, out of order or leaked.

import MQTT
import TestRandom
import Testing

@testable import Broker

@Suite struct QueueTests {
    @Test func identifiersInFlightAreUnique() {
        var random = SeededRandom()
        var window = InflightWindow()
        defer { window.deallocate() }
        var model: [(identifier: UInt16, text: String)] = []
        // Enough to pass the largest identifier twice.
        for step in 0..<150_000 {
            if model.count < 40, random.below(2) == 0 || model.isEmpty {
                let message = makeMessage("t", "\(step)")
                let identifier = window.add(message, DeliveryOptions(bits: 1), retain: false, state: .awaitingPUBACK)
                #expect(identifier != 0 && !model.contains { $0.identifier == identifier }, "seed \(random.seed)")
                model.append((identifier, "\(step)"))
            } else {
                let (identifier, text) = model.remove(at: random.below(model.count))
                guard let slot = window.find(identifier) else {
                    Issue.record("\(identifier) is lost at step \(step), seed \(random.seed)")
                    return
                }
                #expect(slot.pointee.message?.payload.string == text)
                // Other identifiers share its place.
                #expect(window.find(identifier &+ 64) == nil && window.find(identifier &+ 1024) == nil)
                window.finish(slot)
                #expect(window.find(identifier) == nil)
            }
            if step % 500 == 0 {
                let order = window.inOrder.map { $0.pointee.packetIdentifier }
                #expect(order == model.map(\.identifier), "seed \(random.seed), step \(step)")
            }
        }
        #expect(window.count == model.count)
        #expect(window.inOrder.map { $0.pointee.packetIdentifier } == model.map(\.identifier), "seed \(random.seed)")
    }

    @Test func aFullWindowHasAllIdentifiers() {
        var window = InflightWindow()
        defer { window.deallocate() }
        let message = makeMessage("t")
        var seen: Set<UInt16> = []
        for _ in 0..<65_535 {
            seen.insert(
                window.add(message.retained(), DeliveryOptions(bits: 1), retain: false, state: .awaitingPUBACK)
            )
        }
        #expect(seen.count == 65_535 && !seen.contains(0))
        message.release()
    }

    @Test func aQueueKeepsItsOrder() {
        var random = SeededRandom()
        var queue = MessageQueue()
        defer { queue.deallocate() }
        var model: [String] = []
        for step in 0..<10_000 {
            if random.below(5) < 3 {
                queue.append(
                    MessageQueue.Item(
                        message: makeMessage("t", "\(step)"),
                        options: DeliveryOptions(bits: 1),
                        route: DeliveryRoute(retain: false)
                    )
                )
                model.append("\(step)")
            } else {
                let item = queue.popFirst()
                #expect(item?.message.payload.string == (model.isEmpty ? nil : model.removeFirst()))
                item?.message.release()
            }
            #expect(queue.count == model.count, "seed \(random.seed)")
        }
    }

    @Test func whatGoesToAnotherLoopIsItsOwn() {
        let shared = makeMessage("t", "shared")
        var window = InflightWindow()
        var queue = MessageQueue()
        defer {
            window.deallocate()
            queue.deallocate()
            shared.release()
        }
        let options = DeliveryOptions(bits: 1)
        let identifier = window.add(shared.retained(), options, retain: false, state: .awaitingPUBACK)
        queue.append(
            MessageQueue.Item(message: shared.retained(), options: options, route: DeliveryRoute(retain: false))
        )
        let own = makeMessage("t", "own")
        queue.append(MessageQueue.Item(message: own, options: options, route: DeliveryRoute(retain: false)))
        window.unshareMessages()
        queue.leave()
        #expect(shared.header.pointee.references == 1)
        #expect(window.find(identifier)?.pointee.message?.payload.string == "shared")
        let first = queue.popFirst()
        #expect(first?.message.header != shared.header && first?.message.payload.string == "shared")
        first?.message.release()
        let second = queue.popFirst()
        #expect(second?.message.header == own.header)
        second?.message.release()
    }

    /// Small packets and referenced payloads in random order, taken in portions of every size.
    @Test func outputSendsWhatItWasGiven() {
        var random = SeededRandom()
        for portion in [1, 2, 3, 7, 100, 8191, 8192, 8193, 20_000, Int.max] {
            var output = Output()
            var expected: [UInt8] = []
            var sent: [UInt8] = []
            let large = (0..<3).map { i in
                makeMessage("t", String(repeating: Character(UnicodeScalar(UInt8(65 + i))), count: 8192 + i))
            }
            for _ in 0..<(portion < 100 ? 6 : 150) {
                if random.below(3) == 0 {
                    let message = random.pick(large)
                    output.append(payloadOf: message)
                    expected += message.payload.buffer
                } else {
                    let bytes = (0..<random.below(50)).map { _ in UInt8.random(in: 0...255, using: &random) }
                    bytes.withView { output.bytes.append($0) }
                    expected += bytes
                }
                if random.below(10) == 0 { output.compact() }
                if random.below(4) == 0 { _ = drain(&output, random.below(portion == .max ? 9000 : portion), &sent) }
                #expect(output.pending == expected.count - sent.count, "seed \(random.seed)")
            }
            while !drain(&output, portion, &sent) { output.compact() }
            #expect(sent == expected, "seed \(random.seed), portions of \(portion)")
            #expect(output.isEmpty)
            output.discard()
            for message in large {
                #expect(message.header.pointee.references == 1)
                message.release()
            }
        }
    }

    private func drain(_ output: inout Output, _ room: Int, _ sent: inout [UInt8]) -> Bool {
        var left = room
        var taken: [UInt8] = []
        let isDone = output.drain { parts, count in
            var accepted = 0
            for i in 0..<count {
                let n = min(left, parts[i].count)
                taken += parts[i].buffer.prefix(n)
                left -= n
                accepted += n
            }
            return accepted
        }
        sent += taken
        return isDone
    }

    @Test func discardedOutputReleasesItsMessages() {
        var output = Output()
        let message = makeMessage("t", String(repeating: "x", count: 10_000))
        output.append(payloadOf: message)
        #expect(message.header.pointee.references == 2)
        output.discard()
        #expect(message.header.pointee.references == 1)
        #expect(output.isEmpty)
        message.release()
    }

    @Test func formsOfTwoFanOutsAreNotMixed() throws {
        var forms = EncodedForms()
        defer { forms.deallocate() }
        var output = ByteBuffer()
        defer { output.deallocate() }
        let messages = [makeMessage("a", "one"), makeMessage("b", "two")]
        defer { for message in messages { message.release() } }
        let outer = forms.begin()
        for version in [ProtocolVersion.v311, .v311] {
            forms.append(Publication(messages[0]), .atLeastOnce, 7, version, fanOut: outer, to: &output)
            let inner = forms.begin()
            forms.append(Publication(messages[1]), .atMostOnce, 0, version, fanOut: inner, to: &output)
        }
        // The publications above keep a reference each.
        for message in messages {
            message.release()
            message.release()
        }
        let packets = try Packet.decodeAll(Array(output.view.buffer), .v311)
        #expect(packets.map(\.text) == ["one", "two", "one", "two"])
        #expect(packets.map(\.identifier) == [7, 0, 7, 0])
    }
}
