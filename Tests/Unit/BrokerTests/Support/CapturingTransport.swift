// SPDX-License-Identifier: Apache-2.0
// A transport that keeps what it is sent. With `room` it takes only so many bytes, as a full socket does.

import MQTT

@testable import Broker

final class CapturingTransport: Transport {
    private(set) var bytes: [UInt8] = []
    /// How many more bytes are taken; `nil` = any number.
    var room: Int?
    private(set) var isPaused = false
    private(set) var isClosed = false
    private(set) var sendsAfterClose = 0

    func send(_ parts: UnsafePointer<ByteView>, _ count: Int) -> Int {
        if isClosed { sendsAfterClose += 1 }
        var taken = 0
        for i in 0..<count {
            let accepted = min(parts[i].count, room ?? .max)
            bytes.append(contentsOf: parts[i].buffer.prefix(accepted))
            taken += accepted
            if let left = room { room = left - accepted }
            if accepted < parts[i].count { break }
        }
        return taken
    }

    func pauseReading() { isPaused = true }
    func resumeReading() { isPaused = false }
    func close() { isClosed = true }

    /// The bytes so far, which are then forgotten.
    func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }
}
