// SPDX-License-Identifier: Apache-2.0
// Reads Erlang's external term format in place. There is no tree of terms: callers ask for the term they expect and
// skip the rest, so a hostile input can neither make it allocate nor recurse. It checks every length against the bytes
// that are left. Atoms are byte ranges, never interned; pids, references and functions are only skipped.

package enum TermError: Error, Equatable {
    case truncated
    case badVersion(UInt8)
    case unexpectedTag(UInt8)
    case impossibleCount
    case tooManyTerms
    case integerTooLarge
    case improperList
    case duplicateKey
    case missingKey(StaticKey)
    case badValue(StaticKey)
    case badCompression
    case inflatesTooFar

    /// The name of a field, for the sentence in the log.
    package struct StaticKey: Equatable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
        package let name: StaticString
        package init(stringLiteral value: StaticString) { name = value }
        package var description: String { name.description }
        package static func == (a: Self, b: Self) -> Bool { a.description == b.description }
    }
}

extension TermError {
    /// Whether the bytes are no term at all, rather than a term that says something unexpected.
    package var isBroken: Bool {
        switch self {
        case .truncated, .badVersion, .impossibleCount, .tooManyTerms, .badCompression, .inflatesTooFar: true
        case .unexpectedTag, .integerTooLarge, .improperList, .duplicateKey, .missingKey, .badValue: false
        }
    }
}

extension TermError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated: "the term ends too early"
        case .badVersion(let byte): "the payload begins with byte \(byte) instead of the term format's 131"
        case .unexpectedTag(let tag): "a term with tag \(tag) stands where another type is expected"
        case .impossibleCount: "a length or count is larger than the bytes that follow"
        case .tooManyTerms: "the payload holds more than \(TermReader.maximumTerms) terms"
        case .integerTooLarge: "an integer does not fit into 64 bits"
        case .improperList: "a list has a tail that is not the empty list"
        case .duplicateKey: "a map has the same key twice"
        case .missingKey(let key): "the field '\(key)' is missing"
        case .badValue(let key): "the field '\(key)' has a value that is not allowed"
        case .badCompression: "the compressed term is damaged"
        case .inflatesTooFar: "the compressed term is larger than the limit for uncompressed terms"
        }
    }
}

/// The tags of the format that this plugin knows.
enum Tag {
    static let version: UInt8 = 131
    static let compressed: UInt8 = 80
    static let smallInteger: UInt8 = 97
    static let integer: UInt8 = 98
    static let smallBig: UInt8 = 110
    static let largeBig: UInt8 = 111
    static let newFloat: UInt8 = 70
    static let floatText: UInt8 = 99
    static let smallAtomUTF8: UInt8 = 119
    static let atomUTF8: UInt8 = 118
    static let smallAtom: UInt8 = 115
    static let atom: UInt8 = 100
    static let binary: UInt8 = 109
    static let bitBinary: UInt8 = 77
    static let string: UInt8 = 107
    static let list: UInt8 = 108
    static let emptyList: UInt8 = 106
    static let smallTuple: UInt8 = 104
    static let largeTuple: UInt8 = 105
    static let map: UInt8 = 116
}

package struct TermReader {
    /// More than any honest peer sends (a batch of 4000 routes has 16,000), few enough to be skipped in milliseconds.
    package static let maximumTerms = 1_000_000

    package private(set) var position: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    private var termsLeft = TermReader.maximumTerms

    /// Reads the term behind the version byte, already inflated; see ``Inflater/open(_:)``.
    @inline(__always)
    package init(term bytes: Bytes) {
        position = bytes.base
        end = bytes.base + bytes.count
    }

    @inline(__always)
    package var remaining: Int { end - position }

    // MARK: Bytes

    @inline(__always)
    mutating func byte() throws(TermError) -> UInt8 {
        guard remaining >= 1 else { throw .truncated }
        let value = position.pointee
        position += 1
        return value
    }

    @inline(__always)
    mutating func uint16() throws(TermError) -> Int {
        guard remaining >= 2 else { throw .truncated }
        let value = UnsafeRawPointer(position).loadUnaligned(as: UInt16.self).bigEndian
        position += 2
        return Int(value)
    }

    @inline(__always)
    mutating func uint32() throws(TermError) -> Int {
        guard remaining >= 4 else { throw .truncated }
        let value = UnsafeRawPointer(position).loadUnaligned(as: UInt32.self).bigEndian
        position += 4
        return Int(value)
    }

    @inline(__always)
    mutating func take(_ count: Int) throws(TermError) -> Bytes {
        guard count <= remaining else { throw .impossibleCount }
        let bytes = Bytes(position, count: count)
        position += count
        return bytes
    }

    // MARK: Terms

    @inline(__always)
    package func peek() throws(TermError) -> UInt8 {
        guard remaining >= 1 else { throw .truncated }
        return position.pointee
    }

    package mutating func integer() throws(TermError) -> Int64 {
        let tag = try byte()
        switch tag {
        case Tag.smallInteger: return Int64(try byte())
        case Tag.integer: return Int64(Int32(truncatingIfNeeded: try uint32()))
        case Tag.smallBig: return try bigInteger(Int(try byte()))
        case Tag.largeBig: return try bigInteger(try uint32())
        default: throw .unexpectedTag(tag)
        }
    }

    private mutating func bigInteger(_ count: Int) throws(TermError) -> Int64 {
        let isNegative = try byte() != 0
        let digits = try take(count)
        var magnitude: UInt64 = 0
        var index = count - 1
        while index >= 0 {
            guard magnitude >> 56 == 0 else { throw .integerTooLarge }
            magnitude = magnitude << 8 | UInt64(digits[index])
            index -= 1
        }
        if isNegative {
            guard magnitude <= UInt64(Int64.max) + 1 else { throw .integerTooLarge }
            return Int64(truncatingIfNeeded: ~magnitude &+ 1)
        }
        guard magnitude <= UInt64(Int64.max) else { throw .integerTooLarge }
        return Int64(magnitude)
    }

    @inline(__always)
    package mutating func binary() throws(TermError) -> Bytes {
        let tag = try byte()
        guard tag == Tag.binary else { throw .unexpectedTag(tag) }
        return try take(try uint32())
    }

    /// The name of an atom. A name longer than 255 characters cannot be an atom.
    @inline(__always)
    package mutating func atom() throws(TermError) -> Bytes {
        let tag = try byte()
        switch tag {
        case Tag.smallAtomUTF8, Tag.smallAtom: return try take(Int(try byte()))
        case Tag.atomUTF8, Tag.atom:
            // 255 characters of at most four bytes.
            let count = try uint16()
            guard count <= (tag == Tag.atom ? 255 : 1020) else { throw .impossibleCount }
            return try take(count)
        default: throw .unexpectedTag(tag)
        }
    }

    /// The arity of a tuple, whose elements follow.
    package mutating func tuple() throws(TermError) -> Int {
        let tag = try byte()
        let arity: Int
        switch tag {
        case Tag.smallTuple: arity = Int(try byte())
        case Tag.largeTuple: arity = try uint32()
        default: throw .unexpectedTag(tag)
        }
        guard arity <= remaining else { throw .impossibleCount }
        return arity
    }

    /// The number of pairs of a map; key, value, key, value follow.
    package mutating func map() throws(TermError) -> Int {
        let tag = try byte()
        guard tag == Tag.map else { throw .unexpectedTag(tag) }
        let pairs = try uint32()
        guard pairs <= remaining / 2 else { throw .impossibleCount }
        return pairs
    }

    /// The number of elements of a list; they follow, then a tail that ``endList(_:)`` reads.
    package mutating func list() throws(TermError) -> Int {
        let tag = try byte()
        switch tag {
        case Tag.emptyList: return 0
        case Tag.list:
            let count = try uint32()
            guard count > 0, count < remaining else { throw .impossibleCount }
            return count
        default: throw .unexpectedTag(tag)
        }
    }

    /// Behind the last element of a list that had `count` elements.
    package mutating func endList(_ count: Int) throws(TermError) {
        if count > 0, try byte() != Tag.emptyList { throw .improperList }
    }
}

// MARK: Skipping

extension TermReader {
    /// Passes over one term of any type. Nested terms follow their container in the bytes, so a count of what is still
    /// to come replaces recursion, and a count that the remaining bytes cannot hold is refused when it is read.
    package mutating func skip() throws(TermError) {
        var pending = 1
        while pending > 0 {
            pending += try skipHead() - 1
            guard pending <= remaining else { throw pending > 1 ? .impossibleCount : .truncated }
        }
    }

    /// Passes over a term's own bytes and says how many terms inside it follow.
    private mutating func skipHead() throws(TermError) -> Int {
        termsLeft -= 1
        guard termsLeft >= 0 else { throw .tooManyTerms }
        let tag = try byte()
        switch tag {
        case Tag.smallInteger: _ = try take(1)
        case Tag.integer: _ = try take(4)
        case Tag.smallBig: _ = try take(Int(try byte()) + 1)
        case Tag.largeBig: _ = try take(try uint32() + 1)
        case Tag.newFloat: _ = try take(8)
        case Tag.floatText: _ = try take(31)
        case Tag.smallAtomUTF8, Tag.smallAtom, Tag.atomUTF8, Tag.atom:
            position -= 1
            _ = try atom()
        case Tag.binary: _ = try take(try uint32())
        case Tag.bitBinary: _ = try take(try uint32() + 1)
        case Tag.string: _ = try take(try uint16())
        case Tag.emptyList: break
        case Tag.list: return try uint32() + 1
        case Tag.smallTuple: return Int(try byte())
        case Tag.largeTuple: return try uint32()
        case Tag.map: return try uint32() * 2
        default: return try skipOpaque(tag)
        }
        return 0
    }

    /// Process, reference, port and function terms: they may stand in a forwarded message's headers, and mean nothing
    /// outside the node that made them.
    private mutating func skipOpaque(_ tag: UInt8) throws(TermError) -> Int {
        switch tag {
        case 88: try skipNodeScoped(12)  // pid
        case 103: try skipNodeScoped(9)  // pid, old
        case 89: try skipNodeScoped(8)  // port
        case 102: try skipNodeScoped(5)  // port, old
        case 120: try skipNodeScoped(12)  // port, 64 bits
        case 101: try skipNodeScoped(5)  // reference, oldest
        case 90: try skipNodeScoped(try uint16() * 4 + 4)  // reference
        case 114: try skipNodeScoped(try uint16() * 4 + 1)  // reference, old
        case 112:  // function: its size counts the size field itself
            let size = try uint32()
            guard size >= 4 else { throw .impossibleCount }
            _ = try take(size - 4)
        case 113: return 3  // exported function: module, name, arity
        default: throw .unexpectedTag(tag)
        }
        return 0
    }

    private mutating func skipNodeScoped(_ count: Int) throws(TermError) {
        _ = try atom()
        _ = try take(count)
    }
}
