// SPDX-License-Identifier: Apache-2.0
// Erlang terms as a tree, for tests only: the plugin itself reads and writes terms without building one. Decoding goes
// through TermReader and encoding through TermWriter, so that both can be compared with a real Erlang.

import ClusterLinkBody
import PluginKit

package indirect enum Term: Equatable {
    case integer(Int64)
    case atom(String)
    case binary([UInt8])
    case tuple([Term])
    case list([Term])
    case map([Pair])

    package struct Pair: Equatable {
        package let key: Term
        package let value: Term
        package init(_ key: Term, _ value: Term) {
            self.key = key
            self.value = value
        }
    }

    package static func text(_ text: String) -> Term { .binary(Array(text.utf8)) }

    // MARK: Decoding

    package init(_ reader: inout TermReader) throws(TermError) {
        switch try reader.peek() {
        case 97, 98, 110, 111: self = .integer(try reader.integer())
        case 100, 115, 118, 119: self = .atom(try reader.atom().string)
        case 109: self = .binary(try reader.binary().array)
        case 104, 105:
            var elements: [Term] = []
            for _ in 0..<(try reader.tuple()) { elements.append(try Term(&reader)) }
            self = .tuple(elements)
        case 116:
            var pairs: [Pair] = []
            for _ in 0..<(try reader.map()) {
                let key = try Term(&reader)
                pairs.append(Pair(key, try Term(&reader)))
            }
            self = .map(pairs)
        case 107:
            // The short form of a list of bytes: tag, length, bytes.
            let before = reader
            try reader.skip()
            let count = Int(before.position[1]) << 8 | Int(before.position[2])
            self = .list((0..<count).map { .integer(Int64(before.position[3 + $0])) })
        default:
            let count = try reader.list()
            var elements: [Term] = []
            for _ in 0..<count { elements.append(try Term(&reader)) }
            try reader.endList(count)
            self = .list(elements)
        }
    }

    package static func decode(_ payload: [UInt8], _ inflater: Inflater) throws(TermError) -> Term {
        try payload.withView { (payload) throws(TermError) in
            var reader = try inflater.open(payload)
            return try Term(&reader)
        }
    }

    // MARK: Encoding

    package func encoded() -> [UInt8] {
        var writer = TermWriter()
        writer.begin()
        write(to: &writer)
        return writer.bytes.array
    }

    private func write(to writer: inout TermWriter) {
        switch self {
        case .integer(let value): writer.integer(value)
        case .atom(let name):
            writer.byte(119)
            writer.byte(UInt8(name.utf8.count))
            Array(name.utf8).withView { writer.append($0) }
        case .binary(let bytes): bytes.withView { writer.binary($0) }
        case .tuple(let elements):
            writer.tuple(UInt8(elements.count))
            for element in elements { element.write(to: &writer) }
        case .list(let elements):
            if let bytes = Self.bytes(elements) {
                writer.byte(107)
                writer.byte(UInt8(bytes.count >> 8))
                writer.byte(UInt8(bytes.count & 255))
                bytes.withView { writer.append($0) }
                return
            }
            writer.list(elements.count)
            for element in elements { element.write(to: &writer) }
            writer.endList(elements.count)
        case .map(let pairs):
            writer.map(pairs.count)
            for pair in pairs {
                pair.key.write(to: &writer)
                pair.value.write(to: &writer)
            }
        }
    }

    /// The elements of a list that Erlang writes as a string of bytes.
    private static func bytes(_ elements: [Term]) -> [UInt8]? {
        guard !elements.isEmpty, elements.count <= 65_535 else { return nil }
        var bytes: [UInt8] = []
        for element in elements {
            guard case .integer(let value) = element, let byte = UInt8(exactly: value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Equal whatever order the keys of maps are in.
    package func isSame(as other: Term) -> Bool {
        switch (self, other) {
        case (.map(let a), .map(let b)):
            a.count == b.count
                && a.allSatisfy { pair in b.contains { $0.key.isSame(as: pair.key) && $0.value.isSame(as: pair.value) }
                }
        case (.tuple(let a), .tuple(let b)), (.list(let a), .list(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
        default: self == other
        }
    }
}
