// SPDX-License-Identifier: Apache-2.0
// Loads the wire samples of Tests/Corpus/mqtt for the tests of this target.

import Foundation
import MQTT
import Testing

struct Sample: CustomTestStringConvertible, Sendable {
    enum Direction: String {
        case clientToServer = "c2s"
        case serverToClient = "s2c"
        case both
    }

    let name: String
    let version: ProtocolVersion
    let direction: Direction
    let bytes: [UInt8]
    /// The reason code of the fault, `nil` for a valid packet.
    let fault: ReasonCode?

    var testDescription: String { name }
    /// Encoders write the packet in just this form.
    var isCanonical: Bool { !name.contains("-noncanonical") }
}

struct CorpusError: Error {
    let line: String
}

enum Corpus {
    static func load(_ file: String) throws -> [Sample] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let url = folder.appendingPathComponent("../../Corpus/mqtt/\(file)").standardized
        let text = try String(contentsOf: url, encoding: .utf8)
        return try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { try parse(String($0)) }
    }

    private static func parse(_ line: String) throws -> Sample {
        let fields = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        let versions: [String: ProtocolVersion] = ["3.1": .v31, "3.1.1": .v311, "5": .v5]
        guard fields.count == 5, let version = versions[fields[1]],
            let direction = Sample.Direction(rawValue: fields[2]), let bytes = [UInt8](hex: fields[3])
        else { throw CorpusError(line: line) }
        let code = fields[4] == "ok" ? nil : UInt8(fields[4].dropFirst(2), radix: 16)
        guard fields[4] == "ok" || code != nil else { throw CorpusError(line: line) }
        return Sample(
            name: fields[0],
            version: version,
            direction: direction,
            bytes: bytes,
            fault: code.map(ReasonCode.init(rawValue:))
        )
    }
}

extension [UInt8] {
    init?(hex: String) {
        let digits = hex.compactMap { $0.hexDigitValue.map(UInt8.init) }
        guard digits.count == hex.count, digits.count.isMultiple(of: 2) else { return nil }
        self = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    var hex: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Runs `body` on a view of a copy whose allocation ends with its last byte.
    func withView<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
        let exact = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count)
        defer { exact.deallocate() }
        _ = exact.initialize(from: self)
        return try body(ByteView(UnsafeRawBufferPointer(exact)))
    }
}

extension ByteView {
    var array: [UInt8] { [UInt8](buffer) }
}
