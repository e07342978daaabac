// SPDX-License-Identifier: Apache-2.0
// The words that are counted in: one cache line each, at addresses that never change, so that counting takes no lock.
// Memory comes in chunks as metrics are added and is kept for reuse.

import Synchronization

/// Thread safety: cells and the directory of chunks are atomic words; `open` and `close` are called under the
/// registry's lock.
final class MetricCells: Sendable {
    static let capacity = chunkCount * chunkSize
    private static let chunkCount = 1024
    private static let chunkSize = 64

    private struct Cell: ~Copyable {
        /// The whole identifier of the metric that lives here; 0 while the cell is free.
        let identifier = Atomic<UInt64>(0)
        let value = Atomic<Int64>(0)
        /// How often the cell was opened.
        let generation = Atomic<UInt32>(0)
        private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
    }

    private struct Chunk: ~Copyable {
        let cells = Atomic<UnsafeMutablePointer<Cell>?>(nil)
    }

    private nonisolated(unsafe) let directory: UnsafeMutablePointer<Chunk>

    init() {
        directory = .allocate(capacity: Self.chunkCount)
        for i in 0..<Self.chunkCount { (directory + i).initialize(to: Chunk()) }
    }

    deinit {
        for i in 0..<Self.chunkCount {
            guard let cells = directory[i].cells.load(ordering: .relaxed) else { continue }
            cells.deinitialize(count: Self.chunkSize)
            UnsafeMutableRawPointer(cells).deallocate()
        }
        directory.deinitialize(count: Self.chunkCount)
        directory.deallocate()
    }

    // An identifier is kind(8) | generation(32) | index(24).

    static func index(of identifier: UInt64) -> Int { Int(identifier & 0xFF_FFFF) }

    private static func kind(of identifier: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: identifier >> 56) }

    func open(_ index: Int, _ kind: MetricKind) -> UInt64 {
        let cell = makeCell(index)
        let generation = cell.pointee.generation.add(1, ordering: .relaxed).newValue
        let identifier = UInt64(kind.rawValue) << 56 | UInt64(generation) << 24 | UInt64(index)
        cell.pointee.value.store(0, ordering: .relaxed)
        cell.pointee.identifier.store(identifier, ordering: .releasing)
        return identifier
    }

    func close(_ index: Int) {
        cell(index)?.pointee.identifier.store(0, ordering: .releasing)
    }

    func value(_ index: Int) -> Int64 { cell(index)?.pointee.value.load(ordering: .relaxed) ?? 0 }

    func add(_ identifier: UInt64, _ amount: UInt64) {
        guard Self.kind(of: identifier) == MetricKind.counter.rawValue, let cell = live(identifier) else { return }
        cell.pointee.value.wrappingAdd(Int64(truncatingIfNeeded: amount), ordering: .relaxed)
    }

    func set(_ identifier: UInt64, _ value: Int64) {
        guard Self.kind(of: identifier) == MetricKind.gauge.rawValue, let cell = live(identifier) else { return }
        cell.pointee.value.store(value, ordering: .relaxed)
    }

    private func live(_ identifier: UInt64) -> UnsafeMutablePointer<Cell>? {
        guard let cell = cell(Self.index(of: identifier)),
            cell.pointee.identifier.load(ordering: .acquiring) == identifier
        else { return nil }
        return cell
    }

    private func cell(_ index: Int) -> UnsafeMutablePointer<Cell>? {
        guard index < Self.capacity else { return nil }
        return directory[index / Self.chunkSize].cells.load(ordering: .acquiring).map { $0 + index % Self.chunkSize }
    }

    private func makeCell(_ index: Int) -> UnsafeMutablePointer<Cell> {
        if let known = cell(index) { return known }
        let size = MemoryLayout<Cell>.stride * Self.chunkSize
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
            .bindMemory(to: Cell.self, capacity: Self.chunkSize)
        for i in 0..<Self.chunkSize { (chunk + i).initialize(to: Cell()) }
        directory[index / Self.chunkSize].cells.store(chunk, ordering: .releasing)
        return chunk + index % Self.chunkSize
    }
}
