// SPDX-License-Identifier: Apache-2.0
// The first 64 bytes of an ELF file, and what a file is instead when it is not one. Answers with the most telling
// problem: a text file is called a text file, a library for another machine names both machines.

struct ELFHeader {
    /// Where the program headers start, and how many there are; all of them lie inside the file.
    let segmentTable: UInt64
    let segmentCount: UInt16

    init(_ bytes: ELFBytes) throws(ELFProblem) {
        try Self.checkIdentity(bytes)
        guard bytes.holds(0, Self.size),
            let type = bytes.load(16, as: UInt16.self),
            let machine = bytes.load(18, as: UInt16.self),
            let segmentTable = bytes.load(32, as: UInt64.self),
            let sectionTable = bytes.load(40, as: UInt64.self),
            let segmentSize = bytes.load(54, as: UInt16.self),
            let segmentCount = bytes.load(56, as: UInt16.self),
            let sectionSize = bytes.load(58, as: UInt16.self),
            let sectionCount = bytes.load(60, as: UInt16.self)
        else { throw .truncated("it ends inside the ELF header") }
        if machine != Machine.ours { throw .wrongMachine(machine) }
        try Self.checkType(type)
        if segmentCount == 0 { throw .malformed("it has no program headers") }
        if UInt64(segmentSize) != ELFSegment.size { throw .malformed("its program headers have a wrong size") }
        if !bytes.holds(segmentTable, UInt64(segmentCount) * ELFSegment.size) {
            throw .truncated("its program headers lie outside of it")
        }
        // Linkers write the section headers last: they tell of a copy that was cut off after the last segment.
        if sectionTable != 0 && !bytes.holds(sectionTable, UInt64(sectionCount) * UInt64(sectionSize)) {
            throw .truncated("its section headers lie outside of its \(bytes.count) bytes")
        }
        self.segmentTable = segmentTable
        self.segmentCount = segmentCount
    }

    private static let size: UInt64 = 64

    private static func checkIdentity(_ bytes: ELFBytes) throws(ELFProblem) {
        let start = Array(bytes.prefix(8))
        if start.isEmpty { throw .empty }
        let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
        if start.count < magic.count && magic.starts(with: start) {
            throw .truncated("it ends inside the ELF header")
        }
        guard start.starts(with: magic) else { throw otherKind(bytes, start) }
        guard let wordSize = bytes.load(4, as: UInt8.self), let order = bytes.load(5, as: UInt8.self),
            let version = bytes.load(6, as: UInt8.self), bytes.holds(0, 20)
        else { throw .truncated("it ends inside the ELF header") }
        if wordSize == 1 {
            let machine = bytes.load(18, as: UInt16.self) ?? 0
            throw .thirtyTwoBit(machine: order == 2 ? machine.byteSwapped : machine)
        }
        if wordSize != 2 { throw .malformed("its ELF class is \(wordSize)") }
        if order == 2 { throw .bigEndian }
        if order != 1 { throw .malformed("its byte order is \(order)") }
        if version != 1 { throw .malformed("its ELF version is \(version)") }
    }

    private static func checkType(_ type: UInt16) throws(ELFProblem) {
        switch type {
        case 1: throw .objectFile
        case 2: throw .executable
        case 3: return
        default: throw .notLoadable(type: type)
        }
    }

    private static func otherKind(_ bytes: ELFBytes, _ start: [UInt8]) -> ELFProblem {
        if start.starts(with: Array("!<arch>".utf8)) { return .foreignFormat("a static archive") }
        if start.starts(with: [0xCF, 0xFA, 0xED, 0xFE]) { return .foreignFormat("a macOS library") }
        if start.starts(with: [0x4D, 0x5A]) { return .foreignFormat("a Windows library") }
        let isText = bytes.prefix(512).allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 9 || $0 == 10 || $0 == 13 }
        return isText ? .text : .notELF(firstBytes: Array(start.prefix(4)))
    }
}
