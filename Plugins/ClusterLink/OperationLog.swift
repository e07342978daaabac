// SPDX-License-Identifier: Apache-2.0
// The route operations that wait to be sent. Two that concern the same route collapse to the later one, so the log is
// never longer than the number of different routes. It cuts batches that are bounded by number and by bytes.

package struct OperationLog {
    package struct Operation: Equatable {
        package let key: RouteKey
        package let isDelete: Bool
    }

    package static let maximumBatchCount = 4000
    /// Half of the smallest packet limit in common use, 1 MB, so that a batch always passes.
    package static let maximumBatchBytes = 512 << 10

    /// Whether the waiting operation of a route deletes it.
    private var pending: [RouteKey: Bool] = [:]
    private var order: [RouteKey] = []
    private var head = 0

    package init() {}

    package var count: Int { pending.count }
    package var isEmpty: Bool { pending.isEmpty }

    package mutating func record(_ key: RouteKey, isDelete: Bool) {
        if pending.updateValue(isDelete, forKey: key) == nil { order.append(key) }
    }

    /// Puts a batch back that was not confirmed. What was recorded since then is newer and stays.
    package mutating func putBack(_ batch: [Operation]) {
        var returned: [RouteKey] = []
        for operation in batch where pending[operation.key] == nil {
            pending[operation.key] = operation.isDelete
            returned.append(operation.key)
        }
        order.replaceSubrange(..<head, with: returned)
        head = 0
    }

    /// Takes the oldest operations out, adds before deletes, so that a filter that changes hands is never unrouted. Those
    /// that no batch of so many bytes can hold are taken out, too, and handed to `leaveOut`.
    package mutating func cutBatch(
        within limit: Int = maximumBatchBytes,
        leaveOut: (Operation) -> Void = { _ in }
    ) -> [Operation] {
        var adds: [Operation] = []
        var deletes: [Operation] = []
        var bytes = 0
        while head < order.count, adds.count + deletes.count < Self.maximumBatchCount {
            let key = order[head]
            let size = key.encodedSize
            if size > limit {
                head += 1
                if let isDelete = pending.removeValue(forKey: key) {
                    leaveOut(Operation(key: key, isDelete: isDelete))
                }
                continue
            }
            if bytes + size > limit { break }
            bytes += size
            head += 1
            guard let isDelete = pending.removeValue(forKey: key) else { continue }
            if isDelete {
                deletes.append(Operation(key: key, isDelete: true))
            } else {
                adds.append(Operation(key: key, isDelete: false))
            }
        }
        if head == order.count || head > 16_384 {
            order.removeSubrange(..<head)
            head = 0
        }
        return adds + deletes
    }

    package mutating func removeAll() {
        pending = [:]
        order = []
        head = 0
    }
}
