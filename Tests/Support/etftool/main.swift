// SPDX-License-Identifier: Apache-2.0
// Lets a script use the link's wire code: one command a line on standard input, one answer a line on standard output.
// Binary arguments are hexadecimal, `-` stands for none. Used by Tests/Interop/etf_live.py.

import ClusterLinkBody
import Glibc
import LinkTestSupport
import PluginAPI
import PluginKit

private struct ETFTool {
    private let inflater = Inflater()

    func answer(_ line: String) -> String {
        let words = line.split(separator: " ")
        let arguments = Array(words.dropFirst())
        do {
            switch words.first {
            case "term": return try term(arguments)
            case "write-control": return writeControl(arguments)
            case "read-control": return try readControl(arguments)
            case "write-message": return writeMessage(arguments)
            case "read-message": return try readMessage(arguments)
            default: return "error: no such command"
            }
        } catch {
            return "error: \(error)"
        }
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "-" : bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private func bytes(_ hex: Substring) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private func text(_ hex: Substring) -> String { String(decoding: bytes(hex), as: UTF8.self) }

    /// `term HEX`: the same term in our plain form.
    private func term(_ arguments: [Substring]) throws -> String {
        hex(try Term.decode(bytes(arguments[0]), inflater).encoded())
    }

    /// `write-control OPERATION ACTOR ARGUMENTS...`
    private func writeControl(_ arguments: [Substring]) -> String {
        var writer = TermWriter()
        bytes(arguments[1]).withView { actor in
            switch arguments[0] {
            case "actor_init":
                bytes(arguments[3]).withView {
                    writer.actorInit(actor: actor, incarnation: UInt64(arguments[2]) ?? 0, target: $0)
                }
            case "actor_init_ack":
                let needBootstrap = arguments[3] == "undefined" ? nil : arguments[3] == "true"
                bytes(arguments[2]).withView {
                    let result: ControlMap.Result = arguments[2] == "-" ? .ok : .error($0)
                    writer.actorInitAck(actor: actor, result: result, needBootstrap: needBootstrap)
                }
            case "heartbeat": writer.heartbeat(actor: actor, incarnation: UInt64(arguments[2]) ?? 0)
            default: writeRoutes(actor, arguments, &writer)
            }
        }
        return hex(writer.bytes.array)
    }

    private func writeRoutes(_ actor: Bytes, _ arguments: [Substring], _ writer: inout TermWriter) {
        let operations = arguments.dropFirst(3)
        writer.beginRoutes(operations.count, actor: actor, incarnation: UInt64(arguments[2]) ?? 0)
        for operation in operations {
            let parts = operation.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
            bytes(parts[0]).withView { filter in
                bytes(parts[1]).withView {
                    writer.routeOperation(filter: filter, id: $0, isDelete: operation.first == "d")
                }
            }
        }
        writer.endRoutes(operations.count)
    }

    /// `read-control HEX`: the fields as `write-control` takes them.
    private func readControl(_ arguments: [Substring]) throws -> String {
        try bytes(arguments[0]).withView { payload in
            let map = try ControlMap(inflater.open(payload))
            let actor = hex(try map.actor().array)
            switch map.operation {
            case .actorInit: return "actor_init \(actor) \(try map.incarnation()) \(hex(try map.target().array))"
            case .actorInitAck:
                let reason: String =
                    switch try map.result() {
                    case .ok: "-"
                    case .error(let reason): hex(reason.array)
                    }
                let needBootstrap = try map.needBootstrap().map { $0 ? "true" : "false" } ?? "undefined"
                return "actor_init_ack \(actor) \(reason) \(needBootstrap)"
            case .heartbeat: return "heartbeat \(actor) \(try map.incarnation())"
            case .route:
                var line = "route \(actor) \(try map.incarnation())"
                var routes = try map.routes()
                while let route = try routes.next() {
                    line += " \(route.isDelete ? "d" : "a")\(hex(route.filter.array)):\(hex(route.id.array))"
                }
                return line
            }
        }
    }

    /// `write-message FIELDS...` in the order in which `readMessage` prints them.
    private func writeMessage(_ arguments: [Substring]) -> String {
        var message = Message(text(arguments[0]), qos: UInt8(arguments[1]) ?? 0, publisher: text(arguments[3]))
        message.flags = UInt32(arguments[2]) ?? 0
        message.username = text(arguments[4])
        message.address = text(arguments[5])
        message.port = UInt16(arguments[6]) ?? 0
        message.protocolLevel = UInt8(arguments[7]) ?? 0
        message.receivedMilliseconds = UInt64(arguments[8]) ?? 0
        message.contentType = text(arguments[9])
        message.responseTopic = text(arguments[10])
        message.correlation = bytes(arguments[11])
        message.expirySeconds = UInt32(arguments[12]) ?? 0
        message.payloadFormat = UInt8(arguments[13]) ?? 0
        if arguments[14] != "-" {
            message.userProperties = arguments[14].split(separator: ",").map { pair in
                pair.split(separator: ":", omittingEmptySubsequences: false).map { text($0) }
            }
        }
        message.payload = bytes(arguments[15])
        var writer = TermWriter()
        message.with {
            writer.forwardedMessage($0.pointee, id: MessageIdentifier(microseconds: 1, node: 2, sequence: 3))
        }
        return hex(writer.bytes.array)
    }

    private func readMessage(_ arguments: [Substring]) throws -> String {
        let reader = ForwardedMessageReader(inflater)
        let message = try bytes(arguments[0]).withView { try reader.read($0) { Message($0) } }
        func hexOf(_ text: String) -> String { hex(Array(text.utf8)) }
        let pairs = message.userProperties.map { $0.map { hexOf($0) }.joined(separator: ":") }.joined(separator: ",")
        return [
            hexOf(message.topic), "\(message.qos)", "\(message.flags)", hexOf(message.publisher),
            hexOf(message.username),
            hexOf(message.address), "\(message.port)", "\(message.protocolLevel)", "\(message.receivedMilliseconds)",
            hexOf(message.contentType), hexOf(message.responseTopic), hex(message.correlation),
            "\(message.expirySeconds)",
            "\(message.payloadFormat)", pairs.isEmpty ? "-" : pairs, hex(message.payload),
        ].joined(separator: " ")
    }
}

private let tool = ETFTool()
while let line = readLine() {
    print(tool.answer(line))
    fflush(nil)
}
