// SPDX-License-Identifier: Apache-2.0
// Files made to mislead the ELF checks: offsets beyond the end, sums that overflow, chains that run in circles.

import Testing

@testable import Host

@Suite struct ELFImageTests {
    private typealias Place = TinyELF.Place

    @Test(arguments: [TinyELF.Hash.sysv, .gnu])
    func theUnbrokenFilePasses(_ hash: TinyELF.Hash) throws {
        let file = TinyELF(hash)
        #expect(file.problem() == nil)
        #expect(file.problem(exports: ["first", "third"]) == .missingExports(["third"]))
        let needed = try file.bytes.withUnsafeBytes { try ELFImage($0, exports: []).needed }
        #expect(needed == ["libneeded.so.1"])
    }

    @Test(arguments: [UInt64(640 - 111), 640, .max, .max - 55])
    func programHeadersOutside(_ offset: UInt64) {
        var file = TinyELF()
        file.put(32, offset)
        #expect(file.problem() == .truncated("its program headers lie outside of it"))
    }

    @Test func sectionHeadersOutside() {
        var file = TinyELF()
        file.put(40, UInt64.max)
        file.put(58, UInt16(64))
        file.put(60, UInt16(1))
        #expect(file.problem() == .truncated("its section headers lie outside of its 640 bytes"))
    }

    @Test(arguments: [(UInt64(1), UInt64(640)), (.max, 1), (1, .max), (640, 1)])
    func segmentsOutside(_ offset: UInt64, _ size: UInt64) {
        for segment in 0...1 {
            var file = TinyELF()
            file.put(Place.programHeaders + segment * 56 + 8, offset)
            file.put(Place.programHeaders + segment * 56 + 32, size)
            #expect(file.problem() == .truncated("segment \(segment) ends after its 640 bytes"))
        }
    }

    @Test(arguments: [UInt64(640), .max, 1 << 63])
    func tablesOutside(_ address: UInt64) {
        for (index, what) in ["string table", "", "symbol table", "hash table"].enumerated() where !what.isEmpty {
            var file = TinyELF()
            file.put(Place.dynamic + index * 16 + 8, address)
            #expect(file.problem() == .malformed("its \(what) lies outside of it"))
        }
    }

    @Test func stringsOutside() {
        var size = TinyELF()
        size.put(Place.dynamic + 24, UInt64.max)
        #expect(size.problem() == .malformed("its string table lies outside of it"))
        var needed = TinyELF()
        needed.put(Place.dynamic + 72, UInt64.max)
        #expect(needed.problem() == .malformed("the name of a library it needs lies outside of it"))
        var name = TinyELF()
        name.put(Place.symbols + 24, UInt32.max)
        #expect(name.problem() == .missingExports(["first"]))
    }

    @Test func aChainInACircleEnds() {
        var file = TinyELF()
        file.put(Place.hash + 8 + 4 + 4, UInt32(2))
        #expect(file.problem() == nil)
        #expect(file.problem(exports: ["third"]) == .malformed("its symbol hash table lies outside of it"))
    }

    @Test(arguments: [0, 4, 8])
    func hashTablesThatLieAboutTheirSize(_ field: Int) {
        for hash in [TinyELF.Hash.sysv, .gnu] {
            var file = TinyELF(hash)
            file.put(Place.hash + field, UInt32.max)
            #expect(file.problem() != nil)
        }
    }

    @Test func aRunOfHashesWithoutEndStopsAtTheEndOfTheFile() {
        var file = TinyELF(.gnu)
        for offset in stride(from: Place.hash + 28, to: Place.end, by: 4) { file.put(offset, UInt32(0)) }
        #expect(file.problem() == .malformed("its symbol hash table lies outside of it"))
    }

    @Test func symbolsThatAreNotForOthers() {
        let entry = Place.symbols + 24
        var undefined = TinyELF()
        undefined.put(entry + 6, UInt16(0))
        var local = TinyELF()
        local.put(entry + 4, UInt8(0x02))
        var hidden = TinyELF()
        hidden.put(entry + 5, UInt8(2))
        for file in [undefined, local, hidden] { #expect(file.problem() == .missingExports(["first"])) }
        var data = TinyELF()
        data.put(entry + 4, UInt8(0x11))
        #expect(data.problem() == .exportIsNotFunction("first"))
        var far = TinyELF()
        far.put(entry + 8, UInt64.max)
        #expect(far.problem() == .malformed("first lies outside of its code"))
        var notCode = TinyELF()
        notCode.put(Place.programHeaders + 4, UInt32(6))
        #expect(notCode.problem() == .malformed("first lies outside of its code"))
    }

    @Test func whatKindOfFileItIs() {
        var program = TinyELF()
        program.put(Place.dynamic + 64, UInt64(0x6FFF_FFFB))
        program.put(Place.dynamic + 72, UInt64(0x0800_0000))
        #expect(program.problem() == .executable)
        var core = TinyELF()
        core.put(16, UInt16(4))
        #expect(core.problem() == .notLoadable(type: 4))
        var noDynamic = TinyELF()
        noDynamic.put(Place.programHeaders + 56, UInt32(6))
        #expect(noDynamic.problem() == .notDynamic)
        var small = TinyELF()
        small.put(54, UInt16(32))
        #expect(small.problem() == .malformed("its program headers have a wrong size"))
    }

    @Test func everyByteMayBeAnything() {
        for hash in [TinyELF.Hash.sysv, .gnu] {
            for offset in 0..<Place.end {
                for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
                    var file = TinyELF(hash)
                    file.put(offset, value)
                    _ = file.problem()
                }
            }
        }
    }

    @Test func cutOffAnywhereItIsRefused() {
        let file = TinyELF().bytes
        for length in 0..<Place.end {
            let problem = file.prefix(length).withUnsafeBytes { buffer in
                #expect(throws: ELFProblem.self) { _ = try ELFImage(buffer, exports: []) }
            }
            #expect(problem != nil)
        }
    }
}
