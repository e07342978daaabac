import ClusterLinkBody
import LinkTestSupport
// SPDX-License-Identifier: Apache-2.0
import TestRandom
import Testing

@Suite("Operation log")
struct OperationLogTests {
    private func key(_ filter: String, _ id: String? = nil) -> RouteKey {
        RouteKey(filter: Filter(filter), id: Filter(id ?? filter))
    }

    private func texts(_ batch: [OperationLog.Operation]) -> [String] {
        batch.map { "\($0.isDelete ? "-" : "+")\(String(decoding: $0.key.filter, as: UTF8.self))" }
    }

    @Test("Operations on one route collapse to the last")
    func collapse() {
        var log = OperationLog()
        log.record(key("a"), isDelete: false)
        log.record(key("a"), isDelete: true)
        log.record(key("b"), isDelete: true)
        log.record(key("b"), isDelete: false)
        log.record(key("b", "other"), isDelete: true)
        #expect(log.count == 3)
        #expect(texts(log.cutBatch()) == ["+b", "-a", "-b"])
        #expect(log.isEmpty && log.cutBatch().isEmpty)
    }

    @Test("A filter and an identifier that join to the same bytes are different routes")
    func identity() {
        var log = OperationLog()
        log.record(RouteKey(filter: Filter("ab"), id: Filter("c")), isDelete: false)
        log.record(RouteKey(filter: Filter("a"), id: Filter("bc")), isDelete: false)
        #expect(log.count == 2)
    }

    @Test("Batches are bounded by number")
    func batchCount() {
        var log = OperationLog()
        for number in 0..<9000 { log.record(key("t/\(number)"), isDelete: number % 2 == 0) }
        var sizes: [Int] = []
        var seen: Set<RouteKey> = []
        while !log.isEmpty {
            let batch = log.cutBatch()
            sizes.append(batch.count)
            seen.formUnion(batch.map(\.key))
            let firstDelete = batch.firstIndex { $0.isDelete } ?? batch.endIndex
            #expect(batch[firstDelete...].allSatisfy { $0.isDelete })
        }
        #expect(sizes == [4000, 4000, 1000])
        #expect(seen.count == 9000)
    }

    @Test("Batches are bounded by bytes as they are encoded, and one huge route still passes")
    func batchBytes() {
        var log = OperationLog()
        for number in 0..<40 { log.record(key(String(repeating: "x", count: 30_000) + "\(number)"), isDelete: true) }
        var total = 0
        while !log.isEmpty {
            let batch = log.cutBatch()
            total += batch.count
            var writer = TermWriter()
            writer.beginRoutes(batch.count, actor: "n", incarnation: 1)
            for operation in batch {
                operation.key.withParts { writer.routeOperation(filter: $0, id: $1, isDelete: operation.isDelete) }
            }
            writer.endRoutes(batch.count)
            #expect(writer.bytes.count <= OperationLog.maximumBatchBytes + 200)
        }
        #expect(total == 40)
        log.record(key(String(repeating: "y", count: 65_535)), isDelete: false)
        #expect(log.cutBatch().count == 1)
    }

    @Test("A batch that was not confirmed goes back in front, without overwriting what is newer")
    func putBack() {
        var log = OperationLog()
        log.record(key("a"), isDelete: false)
        log.record(key("b"), isDelete: false)
        let batch = log.cutBatch()
        log.record(key("c"), isDelete: false)
        log.record(key("a"), isDelete: true)
        log.putBack(batch)
        #expect(log.count == 3)
        #expect(texts(log.cutBatch()) == ["+b", "+c", "-a"])
    }

    @Test("Random operations end in the same routes as a model, through lost batches")
    func random() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededRandom(seed: seed)
        for _ in 0..<50 {
            var log = OperationLog()
            var model: [String: Bool] = [:]
            var peer: [String: Bool] = [:]
            for _ in 0..<400 {
                let name = "t/\(Int.random(in: 0..<30, using: &generator))"
                let isDelete = Bool.random(using: &generator)
                model[name] = !isDelete
                log.record(key(name), isDelete: isDelete)
                guard Int.random(in: 0..<8, using: &generator) == 0 else { continue }
                let batch = log.cutBatch()
                // The peer may have applied a batch whose confirmation was lost.
                let arrives = Bool.random(using: &generator)
                if arrives {
                    for operation in batch {
                        peer[String(decoding: operation.key.filter, as: UTF8.self)] = !operation.isDelete
                    }
                }
                if !arrives || Bool.random(using: &generator) { log.putBack(batch) }
            }
            while !log.isEmpty {
                for operation in log.cutBatch() {
                    peer[String(decoding: operation.key.filter, as: UTF8.self)] = !operation.isDelete
                }
            }
            #expect(model.filter(\.value).keys.sorted() == peer.filter(\.value).keys.sorted(), "seed \(seed)")
        }
    }
}
