// SPDX-License-Identifier: Apache-2.0
// The dynamic section: needed libraries, and the symbol table by its hash tables (GNU's, or System V's where there is
// none), the way the dynamic linker looks a name up. Addresses are turned into file offsets through the segments.

struct ELFDynamic {
    struct Symbol {
        let value: UInt64
        let isFunction: Bool
    }

    /// A position-independent program has the file type of a shared library; this flag tells them apart.
    let isProgram: Bool

    private let bytes: ELFBytes
    private let strings: Range<UInt64>
    private let symbols: UInt64
    private let gnuHash: UInt64?
    private let sysvHash: UInt64?
    private let neededOffsets: [UInt64]

    private static let neededLimit = 4096

    init(_ bytes: ELFBytes, _ segments: [ELFSegment]) throws(ELFProblem) {
        guard let section = segments.first(where: { $0.type == ELFSegment.dynamic }) else { throw .notDynamic }
        var entries = Entries()
        var position = section.offset
        let end = section.offset + section.fileSize
        while end - position >= 16,
            let tag = bytes.load(position, as: Int64.self),
            let value = bytes.load(position + 8, as: UInt64.self), tag != 0
        {
            entries.note(tag, value)
            position += 16
        }
        if entries.needed.count > Self.neededLimit { throw .malformed("it needs \(entries.needed.count) libraries") }
        self.bytes = bytes
        isProgram = entries.flags1 & 0x0800_0000 != 0
        neededOffsets = entries.needed
        guard let table = entries.strings, let size = entries.stringsSize, let symbols = entries.symbols else {
            throw .malformed("its dynamic section names no symbol table")
        }
        let start = try Self.offset(table, segments, "its string table")
        if !bytes.holds(start, size) { throw .malformed("its string table lies outside of it") }
        strings = start..<start + size
        self.symbols = try Self.offset(symbols, segments, "its symbol table")
        gnuHash = try entries.gnuHash.map { address throws(ELFProblem) in
            try Self.offset(address, segments, "its hash table")
        }
        sysvHash = try entries.sysvHash.map { address throws(ELFProblem) in
            try Self.offset(address, segments, "its hash table")
        }
        if gnuHash == nil && sysvHash == nil { throw .malformed("its symbols have no hash table") }
    }

    func neededNames() throws(ELFProblem) -> [String] {
        var names: [String] = []
        for offset in neededOffsets {
            guard offset < strings.upperBound - strings.lowerBound,
                let name = bytes.text(at: strings.lowerBound + offset, end: strings.upperBound)
            else { throw .malformed("the name of a library it needs lies outside of it") }
            names.append(name)
        }
        return names
    }

    /// The symbol `name` if the file defines it for others.
    func symbol(_ name: String) throws(ELFProblem) -> Symbol? {
        if let gnuHash { return try find(name, gnu: gnuHash) }
        if let sysvHash { return try find(name, sysv: sysvHash) }
        return nil
    }

    // MARK: - Hash tables

    /// Buckets of runs of symbols with consecutive indices; the lowest bit of a hash value ends a run.
    private func find(_ name: String, gnu table: UInt64) throws(ELFProblem) -> Symbol? {
        guard let bucketCount = bytes.load(table, as: UInt32.self),
            let firstHashed = bytes.load(table + 4, as: UInt32.self),
            let filterWords = bytes.load(table + 8, as: UInt32.self)
        else { throw Self.badHashTable }
        if bucketCount == 0 { return nil }
        let hash = Self.gnuHash(name)
        let buckets = table + 16 + UInt64(filterWords) * 8
        let chains = buckets + UInt64(bucketCount) * 4
        guard var index = bytes.load(buckets + UInt64(hash % bucketCount) * 4, as: UInt32.self) else {
            throw Self.badHashTable
        }
        if index == 0 { return nil }
        if index < firstHashed { throw Self.badHashTable }
        // The index only grows, so the walk ends at the latest where the file ends.
        while true {
            guard let value = bytes.load(chains + UInt64(index - firstHashed) * 4, as: UInt32.self) else {
                throw Self.badHashTable
            }
            if value | 1 == hash | 1, let symbol = try defined(name, index) { return symbol }
            if value & 1 == 1 || index == .max { return nil }
            index += 1
        }
    }

    private func find(_ name: String, sysv table: UInt64) throws(ELFProblem) -> Symbol? {
        guard let bucketCount = bytes.load(table, as: UInt32.self),
            let chainCount = bytes.load(table + 4, as: UInt32.self)
        else { throw Self.badHashTable }
        if bucketCount == 0 { return nil }
        let chains = table + 8 + UInt64(bucketCount) * 4
        if !bytes.holds(chains, UInt64(chainCount) * 4) { throw Self.badHashTable }
        var link = table + 8 + UInt64(Self.sysvHash(name) % bucketCount) * 4
        // A chain that runs in a circle is longer than the table.
        for _ in 0...chainCount {
            guard let index = bytes.load(link, as: UInt32.self), index <= chainCount else { throw Self.badHashTable }
            if index == 0 { return nil }
            if let symbol = try defined(name, index) { return symbol }
            link = chains + UInt64(index) * 4
        }
        throw Self.badHashTable
    }

    /// Symbol number `index` if it is `name`, defined here (not only wanted), and not local.
    private func defined(_ name: String, _ index: UInt32) throws(ELFProblem) -> Symbol? {
        let entry = symbols + UInt64(index) * 24
        guard bytes.holds(entry, 24),
            let nameOffset = bytes.load(entry, as: UInt32.self),
            let info = bytes.load(entry + 4, as: UInt8.self),
            let visibility = bytes.load(entry + 5, as: UInt8.self),
            let section = bytes.load(entry + 6, as: UInt16.self),
            let value = bytes.load(entry + 8, as: UInt64.self)
        else { throw .malformed("its symbol table lies outside of it") }
        let position = strings.lowerBound + UInt64(nameOffset)
        guard bytes.text(at: position, end: strings.upperBound, equals: name) else { return nil }
        let isLocal = info >> 4 == 0
        let isHidden = visibility & 3 == 1 || visibility & 3 == 2
        if section == 0 || isLocal || isHidden { return nil }
        return Symbol(value: value, isFunction: info & 15 == 2)
    }

    private static func gnuHash(_ name: String) -> UInt32 {
        name.utf8.reduce(5381) { $0 &* 33 &+ UInt32($1) }
    }

    private static func sysvHash(_ name: String) -> UInt32 {
        name.utf8.reduce(0) { hash, byte in
            let shifted = (hash << 4) &+ UInt32(byte)
            let high = shifted & 0xF000_0000
            return (shifted ^ (high >> 24)) & ~high
        }
    }

    private static let badHashTable = ELFProblem.malformed("its symbol hash table lies outside of it")

    /// The file offset of the byte that is loaded at `address`.
    private static func offset(
        _ address: UInt64,
        _ segments: [ELFSegment],
        _ what: String
    ) throws(ELFProblem) -> UInt64 {
        for segment in segments where segment.type == ELFSegment.load {
            if address >= segment.address && address - segment.address < segment.fileSize {
                // Both parts are inside the file: the segment was checked, and the distance is less than its size.
                return segment.offset + (address - segment.address)
            }
        }
        throw .malformed("\(what) lies outside of it")
    }

    private struct Entries {
        var strings: UInt64?
        var stringsSize: UInt64?
        var symbols: UInt64?
        var gnuHash: UInt64?
        var sysvHash: UInt64?
        var flags1: UInt64 = 0
        var needed: [UInt64] = []

        mutating func note(_ tag: Int64, _ value: UInt64) {
            switch tag {
            case 1: needed.append(value)
            case 4: sysvHash = value
            case 5: strings = value
            case 6: symbols = value
            case 10: stringsSize = value
            case 0x6FFF_FEF5: gnuHash = value
            case 0x6FFF_FFFB: flags1 = value
            default: break
            }
        }
    }
}
