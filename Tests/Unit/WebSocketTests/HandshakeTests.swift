// SPDX-License-Identifier: Apache-2.0
// Requests for a WebSocket: which are granted, how they are answered, and what the others are told.

import TestRandom
import Testing

@testable import WebSocket

extension Handshake.Outcome {
    var status: Int? {
        switch self {
        case .incomplete: nil
        case .accepted: 101
        case .refused(let response): response.status.rawValue
        }
    }

    var upgrade: Upgrade? { if case .accepted(let upgrade, _) = self { upgrade } else { nil } }
}

@Suite struct HandshakeTests {
    static let samples = (try? Corpus.handshakes()) ?? []

    private func ask(_ bytes: [UInt8], _ rules: UpgradeRules = UpgradeRules()) -> Handshake.Outcome {
        var handshake = Handshake()
        return bytes.withUnsafeBytes { handshake.received($0, rules) }
    }

    private func ask(
        fields: String,
        protocols: String? = "mqtt",
        _ rules: UpgradeRules = UpgradeRules()
    )
        -> Handshake.Outcome
    {
        var text = "GET /mqtt HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        if let protocols { text += "Sec-WebSocket-Protocol: \(protocols)\r\n" }
        return ask(Array((text + fields + "\r\n").utf8), rules)
    }

    @Test func thereAreSamples() { #expect(Self.samples.count > 60) }

    @Test(arguments: samples) func statusIsAsExpected(_ sample: Sample) {
        #expect(ask(sample.bytes).status == Int(sample.expectation))
    }

    @Test(arguments: samples) func arrivingByteByByteChangesNothing(_ sample: Sample) {
        var handshake = Handshake()
        var status: Int?
        for byte in sample.bytes where status == nil {
            status = withUnsafeBytes(of: byte) { handshake.received($0, UpgradeRules()).status }
        }
        #expect(status == Int(sample.expectation))
    }

    /// [MQTT-6.0.0-4]
    @Test func answersAsTheStandardsOwnExampleSays() throws {
        let response = String(decoding: try #require(ask(fields: "").upgrade).response, as: UTF8.self)
        #expect(
            response == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
        )
    }

    private func status(_ target: String, at path: String) throws -> Int? {
        var rules = UpgradeRules()
        rules.path = try #require(PathPattern(path))
        let head = "GET \(target) HTTP/1.1\r\n\(Corpus.goodFields)\r\n".replacing("\\r\\n", with: "\r\n")
        return ask(Array(head.utf8), rules).status
    }

    /// EMQX's documentation has this one.
    @Test(arguments: ["/mqtt", "/mqtt/", "/mqtt/a", "/mqtt/a/b?c", "/mqtt//", "http://a/mqtt/x", "/", "/m%71tt/%00"])
    func aPatternServesWhatIsBelow(_ target: String) throws { #expect(try status(target, at: "/mqtt/[...]") == 101) }

    @Test(arguments: ["/mqttx", "/mqtt2/a", "/a/mqtt", "//mqtt", "/mqtt%2Fa"])
    func aPatternServesNothingElse(_ target: String) throws { #expect(try status(target, at: "/mqtt/[...]") == 404) }

    @Test(
        arguments: [
            ("/[...]", "/any/thing", 101), ("/a/b", "/a/b/", 101), ("/a/b/", "/a/b", 101), ("/a/b", "/a", 404),
            ("/a%20b", "/a%20b", 101), ("/bröker", "/br%C3%B6ker", 101), ("/br%C3%B6ker", "/br%c3%b6ker/", 101),
            ("/", "/", 101), ("/", "/mqtt", 404), ("/%5B...%5D", "/[...]", 101), ("/%5B...%5D", "/a", 404),
        ]
    )
    func pathsAreComparedDecoded(path: String, target: String, status: Int) throws {
        #expect(try self.status(target, at: path) == status)
    }

    @Test(
        arguments: [
            "", "mqtt", "[...]", "/mqtt?x", "/mqtt#x", "/mqtt/[...]/x", "/mqtt[...]", "/mqtt[/x]", "/:any", "/a/:any/b",
            "/mq%tt", "/mqtt/[...]/[...]",
        ]
    )
    func whatIsNoPatternIsRefused(_ text: String) { #expect(PathPattern(text) == nil) }

    @Test func whatFollowsTheRequestIsLeftForTheFrames() {
        let head = Array("GET / HTTP/1.1\r\n\(Corpus.goodFields)\r\n".replacing("\\r\\n", with: "\r\n").utf8)
        guard case .accepted(_, let used) = ask(head + [0x82, 0x80, 1, 2, 3, 4]) else {
            Issue.record("not accepted")
            return
        }
        #expect(used == head.count)
        var handshake = Handshake()
        _ = head.dropLast(2).withUnsafeBytes { handshake.received($0, UpgradeRules()) }
        guard
            case .accepted(_, let rest) = (head.suffix(2) + [9]).withUnsafeBytes({
                handshake.received($0, UpgradeRules())
            })
        else {
            Issue.record("not accepted in two pieces")
            return
        }
        #expect(rest == 2)
    }

    @Test func theFirstKnownProtocolOfTheClientsOrderIsTaken() throws {
        func chosen(_ offered: String) -> String? {
            guard let response = ask(fields: "", protocols: offered).upgrade?.response else { return nil }
            let line = String(decoding: response, as: UTF8.self).split(separator: "\r\n").first {
                $0.hasPrefix("Sec-WebSocket-Protocol: ")
            }
            return line.map { String($0.dropFirst(24)) }
        }
        #expect(chosen("mqtt-v5, mqtt") == "mqtt-v5")
        #expect(chosen("chat,mqtt,mqtt-v5") == "mqtt")
        #expect(chosen("MQTT") == "mqtt")
        #expect(chosen("chat") == nil)
    }

    @Test func aListenerMayDoWithoutProtocol() throws {
        var rules = UpgradeRules()
        rules.failsWithoutSubprotocol = false
        for offered in [nil, "chat"] {
            let upgrade = try #require(ask(fields: "", protocols: offered, rules).upgrade)
            #expect(!String(decoding: upgrade.response, as: UTF8.self).contains("Protocol:"))
        }
    }

    @Test func originsAreChecked() {
        var rules = UpgradeRules()
        rules.checksOrigin = true
        rules.origins = ["https://good.example", "http://localhost:18083"]
        #expect(ask(fields: "Origin: https://good.example\r\n", rules).status == 101)
        #expect(ask(fields: "Origin: HTTPS://Good.example\r\n", rules).status == 101)
        #expect(ask(fields: "Origin: https://good.example.evil\r\n", rules).status == 403)
        #expect(ask(fields: "Origin: null\r\n", rules).status == 403)
        #expect(ask(fields: "", rules).status == 101)
        rules.allowsAbsentOrigin = false
        #expect(ask(fields: "", rules).status == 403)
    }

    @Test func refusalsAreProperResponses() {
        guard case .refused(let response) = ask(fields: "Host: b\r\n") else {
            Issue.record("not refused")
            return
        }
        let body = "The header field host comes twice.\n"
        #expect(
            String(decoding: response.bytes, as: UTF8.self)
                == "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
    }

    @Test func anotherVersionIsToldOurs() {
        let old = Array(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n"
                .utf8
        )
        guard case .refused(let response) = ask(old) else {
            Issue.record("not refused")
            return
        }
        #expect(String(decoding: response.bytes, as: UTF8.self).contains("\r\nSec-WebSocket-Version: 13\r\n"))
    }

    @Test func randomBytesNeverCrash() {
        var random = SeededRandom()
        for _ in 0..<2000 {
            var sample = Self.samples[random.below(Self.samples.count)].bytes
            for _ in 0...random.below(4) where !sample.isEmpty {
                sample[random.below(sample.count)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = ask(sample)
        }
    }
}
