// SPDX-License-Identifier: Apache-2.0
// What waits for full sockets has a bound for all connections together, beside each one's own: a few hundred clients
// that do not read must not take the memory that each of them alone may have. Connections whose sockets take what they
// are sent are never looked at.

import MQTT

extension Broker {
    /// Brings what is counted of the connection's output up to date.
    @inline(never)
    func countOutput(_ connection: ConnectionPointer) {
        let former = connection.pointee.countedOutput
        let memory = connection.pointee.isBlocked ? connection.pointee.output.memory : 0
        guard memory != former else { return }
        connection.pointee.countedOutput = memory
        outputBytes += memory - former
        if former == 0 { blockedCount += 1 }
        if memory == 0 { blockedCount -= 1 }
        adaptOutputShare()
    }

    /// Nobody's share matters until half of the bound is used; then it is an equal one, and beyond the bound nothing.
    private func adaptOutputShare() {
        let limit = settings.maximumOutputBytes
        let own = limit / loopCount
        outputShare = .max
        // Whoever keeps to its loop's part need not ask the others.
        guard outputBytes > own / 2 else { return }
        let total = outputBytes + registry.outputBytes.sum(without: loop, of: loopCount)
        if total > limit {
            outputShare = 0
        } else if total > limit / 2 {
            outputShare = own / 2 / max(blockedCount, 1)
        }
    }

    /// Whether QoS 0 messages for the connection are dropped, as too much waits for its socket. [MQTT-3.3.4-10]
    @inline(__always)
    func dropsQoS0(_ connection: ConnectionPointer) -> Bool {
        connection.pointee.isBlocked && isOutputFull(connection)
    }

    @inline(never)
    private func isOutputFull(_ connection: ConnectionPointer) -> Bool {
        let pending = connection.pointee.output.pending
        if pending > connection.pointee.highWatermark { return true }
        guard pending > outputShare else { return false }
        counters.outputFullDropped &+= 1
        complain(
            of: .output,
            """
            \(describe(connection)): QoS 0 messages for it are dropped, as \(outputBytes) bytes wait for \(blockedCount) \
            clients that do not read (mqtt.max_output_bytes)
            """
        )
        return true
    }
}
