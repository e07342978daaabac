// SPDX-License-Identifier: Apache-2.0
// Lines that come again and again: how many are written, and what is said of the others.

import MQTT
import PluginAPI
import Testing

@testable import Broker

@Suite struct LogThrottleTests {
    private let kind = LogKind("things that happen")

    private func lines(_ throttle: LogThrottle, _ count: Int, of source: UInt64, _ kind: LogKind? = nil) -> [String] {
        (0..<count).compactMap { number in
            throttle.line(kind ?? self.kind, source, .warning) { "\(source) for the \(number)th time" }
        }
    }

    @Test func eachSourceHasItsLines() {
        let throttle = LogThrottle()
        #expect(lines(throttle, 5, of: 1) == ["1 for the 0th time", "1 for the 1th time", "1 for the 2th time"])
        #expect(lines(throttle, 1, of: 2).count == 1)
        #expect(lines(throttle, 4, of: 1, LogKind("other things")).count == 3)
        #expect(throttle.leftOut == 3)
        let summary = throttle.takeSummary()
        #expect(
            summary.map(\.text) == [
                "1 more lines were left out, such as: 1 for the 3th time",
                "2 more lines were left out, such as: 1 for the 3th time",
            ]
        )
        #expect(summary.allSatisfy { $0.level == .warning })
        #expect(throttle.takeSummary().isEmpty)
        #expect(lines(throttle, 5, of: 1).count == 3)
        #expect(throttle.leftOut == 5)
    }

    /// Whoever has many names fills no log by them, and the table does not grow.
    @Test func aKindHasItsLines() {
        let throttle = LogThrottle()
        for source in 0..<50_000 as Range<UInt64> {
            let written = lines(throttle, 1, of: source).count
            #expect(written == (source < 100 ? 1 : 0))
        }
        #expect(lines(throttle, 3, of: 0).isEmpty)
        #expect(
            throttle.takeSummary().map(\.text) == [
                "3 more lines were left out, such as: 0 for the 0th time",
                "49900 more lines about things that happen were left out",
            ]
        )
    }

    @Test func routineHasMore() {
        let throttle = LogThrottle()
        let routine = LogKind("ordinary life", isRoutine: true)
        #expect((0..<10_001 as Range<UInt64>).count { lines(throttle, 1, of: $0, routine).count == 1 } == 10_000)
    }

    @Test func fewOfManyAreQuoted() {
        let throttle = LogThrottle()
        for source in 0..<30 as Range<UInt64> { _ = lines(throttle, 5, of: source) }
        let summary = throttle.takeSummary().map(\.text)
        #expect(summary.count == 11)
        #expect(summary.last == "40 more lines about things that happen were left out")
    }

    /// Plugins name kinds of their own.
    @Test func kindsWithoutEndShareOne() {
        let throttle = LogThrottle()
        var written = 0
        for number in 0..<1000 { written += lines(throttle, 1, of: 7, LogKind("kind \(number)")).count }
        #expect(written == 256 + 3)
        #expect(throttle.takeSummary().map(\.text).filter { $0.hasPrefix("741 more lines") }.count == 1)
    }

    @Test func limitsCanBeSet() {
        let throttle = LogThrottle()
        throttle.limits.perSource = 1
        throttle.limits.perKind = 2
        #expect([1, 1, 2, 3].map { lines(throttle, 1, of: $0).count } == [1, 0, 1, 0])
    }

    @Test func aSampleIsShort() {
        let throttle = LogThrottle()
        for _ in 0..<4 { _ = throttle.line(kind, 1, .info) { String(repeating: "x", count: 100_000) } }
        #expect(throttle.takeSummary()[0].text.utf8.count < 400)
    }

    // MARK: Clients

    @Test func aClientThatIsDeniedAgainAndAgainFillsNoLog() {
        let plugin = ScriptedPlugin()
        plugin.authorize = { _, _, _, _ in Int(ISTH_DENY) }
        let world = World(plugins: [plugin])
        let client = TestClient.connected(world, String(repeating: "c", count: 60_000))
        let topic = String(repeating: "t/", count: 60) + String(repeating: "x", count: 60_000)
        for number in 0..<1000 { client.publish("\(number)/\(topic)", "x", qos: .atLeastOnce) }
        #expect(client.take().count == 1000)
        #expect(world.warnings.count == 3)
        #expect(world.warnings.allSatisfy { $0.utf8.count < 600 && $0.contains("(60000 bytes)") })
        // Another one is still heard of.
        let other = TestClient.connected(world, "other")
        other.publish("t", "x", qos: .atLeastOnce)
        #expect(world.warnings.count == 4)
        #expect(world.warnings[3].hasPrefix("client other from "))
    }

    @Test func aForbiddenWillIsClipped() {
        let plugin = ScriptedPlugin()
        plugin.authorize = { _, _, _, _ in Int(ISTH_DENY) }
        let world = World(plugins: [plugin])
        for number in 0..<20 {
            let client = TestClient(world, "c")
            client.connect(will: .init(topic: "\(number)" + String(repeating: "w", count: 60_000)))
            client.disconnect()
        }
        #expect(world.warnings.count == 3)
        #expect(
            world.warnings.allSatisfy { $0.utf8.count < 400 && $0.contains("publish its will, which is dropped, to") }
        )
    }

    @Test func clippingKeepsCharactersWhole() {
        let text = String(repeating: "ä", count: 100)
        #expect(text.clipped(to: 9) == "ääää… (200 bytes)")
        #expect(text.clipped(to: 200) == text)
        #expect("".clipped(to: 0) == "")
    }
}
