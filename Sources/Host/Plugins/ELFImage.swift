// SPDX-License-Identifier: Apache-2.0
// Reads a shared library's headers, as the dynamic linker would, without running any of its code: the linker itself
// dies of a truncated file (SIGBUS) and runs constructors before anybody can say no. The file may be hostile: every
// offset in it is checked before it is followed and every walk is bounded by the file's length.
// It does not relocate or map anything, and it does not look for the needed libraries.

struct ELFImage {
    /// DT_NEEDED: the libraries it is linked with, in the linker's order.
    let needed: [String]

    /// Checks that `contents` is a shared library for this machine with every function of `exports` defined in it.
    init(_ contents: UnsafeRawBufferPointer, exports: [String]) throws(ELFProblem) {
        let bytes = ELFBytes(contents)
        let header = try ELFHeader(bytes)
        let segments = try Self.segments(bytes, header)
        let dynamic = try ELFDynamic(bytes, segments)
        if dynamic.isProgram { throw .executable }
        needed = try dynamic.neededNames()
        try Self.check(exports, of: dynamic, segments)
    }

    private static func segments(_ bytes: ELFBytes, _ header: ELFHeader) throws(ELFProblem) -> [ELFSegment] {
        var segments: [ELFSegment] = []
        for index in 0..<UInt64(header.segmentCount) {
            guard let segment = ELFSegment(bytes, at: header.segmentTable + index * ELFSegment.size) else {
                throw .truncated("its program headers lie outside of it")
            }
            let holdsFileBytes = segment.type == ELFSegment.load || segment.type == ELFSegment.dynamic
            if holdsFileBytes && !bytes.holds(segment.offset, segment.fileSize) {
                throw .truncated("segment \(index) ends after its \(bytes.count) bytes")
            }
            if segment.type == ELFSegment.load && segment.memorySize < segment.fileSize {
                throw .malformed("segment \(index) is smaller in memory than in the file")
            }
            segments.append(segment)
        }
        if !segments.contains(where: { $0.type == ELFSegment.load }) { throw .malformed("nothing in it is loaded") }
        return segments
    }

    private static func check(
        _ exports: [String],
        of dynamic: ELFDynamic,
        _ segments: [ELFSegment]
    ) throws(ELFProblem) {
        var missing: [String] = []
        for name in exports {
            guard let symbol = try dynamic.symbol(name) else {
                missing.append(name)
                continue
            }
            if !symbol.isFunction { throw .exportIsNotFunction(name) }
            let inCode = segments.contains { segment in
                segment.type == ELFSegment.load && segment.isExecutable && symbol.value >= segment.address
                    && symbol.value - segment.address < segment.fileSize
            }
            if !inCode { throw .malformed("\(name) lies outside of its code") }
        }
        if !missing.isEmpty { throw .missingExports(missing) }
    }
}

/// One program header.
struct ELFSegment {
    static let size: UInt64 = 56
    static let load: UInt32 = 1
    static let dynamic: UInt32 = 2

    let type: UInt32
    let flags: UInt32
    let offset: UInt64
    let address: UInt64
    let fileSize: UInt64
    let memorySize: UInt64

    init?(_ bytes: ELFBytes, at start: UInt64) {
        guard bytes.holds(start, Self.size),
            let type = bytes.load(start, as: UInt32.self),
            let flags = bytes.load(start + 4, as: UInt32.self),
            let offset = bytes.load(start + 8, as: UInt64.self),
            let address = bytes.load(start + 16, as: UInt64.self),
            let fileSize = bytes.load(start + 32, as: UInt64.self),
            let memorySize = bytes.load(start + 40, as: UInt64.self)
        else { return nil }
        self.type = type
        self.flags = flags
        self.offset = offset
        self.address = address
        self.fileSize = fileSize
        self.memorySize = memorySize
    }

    var isExecutable: Bool { flags & 1 != 0 }
}
