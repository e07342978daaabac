// SPDX-License-Identifier: Apache-2.0
// Registering, counting and reading figures.

import Synchronization
import Testing

@testable import Host

@Suite struct MetricsTests {
    private let registry = MetricsRegistry()

    private func value(_ name: String) -> MetricValue? { registry.snapshot().first { $0.name == name }?.value }

    @Test func publishedTextsAreAnnouncedWhenTheyChange() throws {
        let announced = Atomic<Int>(0)
        let state = try registry.register(.text, name: "state", sysTopic: "links/eu/state")
        registry.say(state, "unheard")
        registry.whenTextsChange { announced.add(1, ordering: .relaxed) }
        let hidden = try registry.register(.text, name: "hidden")
        let figure = try registry.register(.gauge, name: "figure", sysTopic: "figure")
        registry.say(state, "connecting")
        registry.say(state, "online")
        registry.say(hidden, "x")
        registry.set(figure, 1)
        #expect(announced.load(ordering: .relaxed) == 1)
        #expect(registry.takeChangedTexts().map { "\($0) \($1)" } == ["links/eu/state online"])
        #expect(registry.takeChangedTexts().isEmpty)
        registry.say(state, "online")
        #expect(announced.load(ordering: .relaxed) == 1)
        registry.say(state, "gone")
        registry.remove(state)
        #expect(announced.load(ordering: .relaxed) == 2)
        #expect(registry.takeChangedTexts().isEmpty)
    }

    @Test func countsSetsAndSays() throws {
        let counter = try registry.register(.counter, name: "messages", sysTopic: "links/eu/sent")
        let gauge = try registry.register(.gauge, name: "queued")
        let text = try registry.register(.text, name: "state", sysTopic: "links/eu/state")
        #expect(value("messages") == .counter(0))
        registry.add(counter, 3)
        registry.add(counter, 4)
        registry.set(gauge, -5)
        registry.say(text, "running")
        let expected = [
            MetricSample(name: "messages", labels: [], sysTopic: "links/eu/sent", value: .counter(7)),
            MetricSample(name: "queued", labels: [], sysTopic: "", value: .gauge(-5)),
            MetricSample(name: "state", labels: [], sysTopic: "links/eu/state", value: .text("running")),
        ]
        #expect(registry.snapshot() == expected)
        #expect(expected.map(\.value.description) == ["7", "-5", "running"])
    }

    @Test func sameNameAndLabelsAreTheSameMetric() throws {
        let eu = MetricLabel(name: "link", value: "eu")
        let us = MetricLabel(name: "link", value: "us")
        let node = MetricLabel(name: "node", value: "1")
        let first = try registry.register(.counter, name: "sent", labels: [eu, node])
        #expect(try registry.register(.counter, name: "sent", labels: [node, eu]) == first)
        #expect(try registry.register(.counter, name: "sent", labels: [us, node]) != first)
        #expect(try registry.register(.counter, name: "sent") != first)
        #expect(registry.snapshot().count == 3)
        #expect(throws: MetricError.self) { try registry.register(.gauge, name: "sent", labels: [eu, node]) }
    }

    @Test func removedHandlesAreStale() throws {
        let first = try registry.register(.counter, name: "a")
        registry.add(first, 1)
        registry.remove(first)
        #expect(registry.snapshot().isEmpty)
        registry.add(first, 1)
        registry.remove(first)
        let second = try registry.register(.counter, name: "b")
        #expect(second != first)
        registry.add(first, 100)
        #expect(value("b") == .counter(0))
        registry.remove(first)
        registry.add(second, 2)
        #expect(value("b") == .counter(2))
        // The name is free again, and its figure starts anew.
        let again = try registry.register(.gauge, name: "a")
        #expect(value("a") == .gauge(0))
        #expect(again != first)
    }

    @Test func foreignHandlesAreIgnored() throws {
        let counter = try registry.register(.counter, name: "c")
        let gauge = try registry.register(.gauge, name: "g")
        let text = try registry.register(.text, name: "t")
        for handle in [0, 1, UInt64.max, counter + 1, counter | 0xFF_FFFF, counter + 1 << 24] {
            registry.add(handle, 9)
            registry.set(handle, 9)
            registry.say(handle, "9")
            registry.remove(handle)
        }
        // The right cell, the wrong kind.
        registry.set(counter, 9)
        registry.add(gauge, 9)
        registry.say(gauge, "9")
        registry.add(text, 9)
        #expect(registry.snapshot().map(\.value) == [.counter(0), .gauge(0), .text("")])
    }

    @Test(arguments: ["", "1a", "a-b", "a b", "ä", String(repeating: "a", count: 257)])
    func namesAreChecked(_ name: String) {
        #expect(throws: MetricError.self) { try registry.register(.counter, name: name) }
        let label = MetricLabel(name: name, value: "any value at all \n")
        #expect(throws: MetricError.self) { try registry.register(.counter, name: "good", labels: [label]) }
    }

    @Test func topicsAndLabelsAreChecked() throws {
        for topic in ["a/+", "#", "a\0"] {
            #expect(throws: MetricError.self) { try registry.register(.counter, name: "m", sysTopic: topic) }
        }
        let twice = [MetricLabel(name: "l", value: "1"), MetricLabel(name: "l", value: "2")]
        #expect(throws: MetricError.self) { try registry.register(.counter, name: "m", labels: twice) }
        let many = (0..<17).map { MetricLabel(name: "l\($0)", value: "") }
        #expect(throws: MetricError.self) { try registry.register(.counter, name: "m", labels: many) }
        #expect(registry.snapshot().isEmpty)
    }

    @Test func capacityIsAnError() throws {
        var last: UInt64 = 0
        for number in 0..<MetricCells.capacity { last = try registry.register(.counter, name: "m\(number)") }
        #expect(throws: MetricError.self) { try registry.register(.counter, name: "more") }
        registry.add(last, 5)
        #expect(registry.snapshot().last?.value == .counter(5))
        registry.remove(last)
        #expect(throws: Never.self) { try registry.register(.counter, name: "more") }
    }

    @Test func cellsAreReusedInTheOrderTheyWereFreed() throws {
        for round in 0..<5000 {
            let handle = try registry.register(.counter, name: "m\(round)")
            registry.add(handle, UInt64(round))
            #expect(registry.snapshot() == [sample(round)])
            registry.remove(handle)
        }
    }

    private func sample(_ round: Int) -> MetricSample {
        MetricSample(name: "m\(round)", labels: [], sysTopic: "", value: .counter(UInt64(round)))
    }

    @Test func manyThreadsLoseNothing() async throws {
        let registry = registry
        let counter = try registry.register(.counter, name: "shared")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<50_000 { registry.add(counter, 1) } }
            }
            // Meanwhile others come and go, into new chunks, too.
            group.addTask {
                for number in 0..<500 {
                    guard let handle = try? registry.register(.gauge, name: "g\(number)") else { continue }
                    registry.set(handle, 1)
                    if number % 2 == 0 { registry.remove(handle) }
                }
            }
        }
        #expect(value("shared") == .counter(200_000))
        #expect(registry.snapshot().count == 251)
    }
}
