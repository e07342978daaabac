// SPDX-License-Identifier: Apache-2.0
// The golden samples of Tests/Corpus/link: terms as a real peer puts them on the wire.

import ClusterLinkBody
import Foundation
import LinkTestSupport
import Testing

struct Vector: Decodable, CustomTestStringConvertible, Sendable {
    let id: String
    let name: String
    let hex: String

    var testDescription: String { "\(id): \(name)" }
    var bytes: [UInt8] { bytesOf(hex: hex) }

    static let all: [Vector] = corpus("link-vectors.json")

    static func bytes(_ id: String) -> [UInt8] { all.first { $0.id == id }?.bytes ?? [] }
}

/// Payloads that must be refused.
struct HostileTerm: Decodable, CustomTestStringConvertible, Sendable {
    let name: String
    let hex: String

    var testDescription: String { name }

    static let all: [HostileTerm] = corpus("hostile-terms.json")
}

private func corpus<Entry: Decodable>(_ file: String) -> [Entry] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Corpus/link")
    do {
        return try JSONDecoder().decode([Entry].self, from: Data(contentsOf: folder.appending(path: file)))
    } catch {
        Issue.record("Tests/Corpus/link/\(file) cannot be read: \(error)")
        return []
    }
}

func bytesOf(hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func hex(_ bytes: [UInt8]) -> String { bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }

/// A control map, copied out of its payload.
struct ReadControl {
    let operation: ControlMap.Operation
    let actor: String?
    let incarnation: UInt64?
    let target: String?
    /// "ok", or the reason of an error.
    let result: String?
    let needBootstrap: Bool??
    /// "+FILTER ID" or "-FILTER ID" each.
    private(set) var routes: [String] = []
    private(set) var routesError: TermError?

    init(_ payload: [UInt8], _ inflater: Inflater = Inflater()) throws(TermError) {
        self = try payload.withView { (bytes) throws(TermError) in try ReadControl(bytes, inflater) }
    }

    private init(_ bytes: Bytes, _ inflater: Inflater) throws(TermError) {
        let map = try ControlMap(inflater.open(bytes))
        operation = map.operation
        actor = try? map.actor().string
        incarnation = try? map.incarnation()
        target = try? map.target().string
        switch try? map.result() {
        case .ok: result = "ok"
        case .error(let reason): result = reason.string
        case nil: result = nil
        }
        do { needBootstrap = .some(try map.needBootstrap()) } catch { needBootstrap = nil }
        do throws(TermError) {
            var operations = try map.routes()
            while let route = try operations.next() {
                routes.append("\(route.isDelete ? "-" : "+")\(route.filter.string) \(route.id.string)")
            }
        } catch {
            routesError = error
        }
    }
}

extension [UInt8] {
    init(_ text: String) { self = Array(text.utf8) }
}
