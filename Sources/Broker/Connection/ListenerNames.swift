// SPDX-License-Identifier: Apache-2.0
// The names of listeners, kept once for all their connections.

import MQTT

/// There are few of them, and none is forgotten.
struct ListenerNames {
    private var names: [(text: String, bytes: OwnedBytes)] = []

    mutating func index(of text: String) -> UInt16 {
        if let known = names.firstIndex(where: { $0.text == text }) { return UInt16(known) }
        // Beyond what can be counted all have the last one's name.
        guard names.count <= UInt16.max else { return .max }
        names.append((text, OwnedBytes(copying: text)))
        return UInt16(names.count - 1)
    }

    subscript(index: UInt16) -> ByteView { names[Int(index)].bytes.view }

    func deallocate() {
        for name in names { name.bytes.deallocate() }
    }
}
