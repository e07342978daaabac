// SPDX-License-Identifier: Apache-2.0
// The topic names that a client has set by alias. [MQTT-3.3.2-8] What a client may keep here is bounded in bytes, and a
// high alias takes no more memory than a low one: names stand in pages that are made when they are needed.

import MQTT

struct TopicAliases {
    /// All names of one client, in bytes: 16 for each of the 65,535 aliases, or fewer longer ones.
    static let maximumBytes = 1 << 20
    private static let pageSize = 64

    private var pages: [UnsafeMutablePointer<OwnedBytes>?] = []
    private var bytes = 0

    /// Empty if it was not set.
    func name(_ alias: UInt16) -> ByteView {
        let page = Int(alias) / Self.pageSize
        guard page < pages.count, let names = pages[page] else { return .empty }
        return names[Int(alias) % Self.pageSize].view
    }

    /// Returns false if that is too much for one client.
    mutating func set(_ alias: UInt16, _ name: ByteView) -> Bool {
        let page = Int(alias) / Self.pageSize
        while pages.count <= page { pages.append(nil) }
        let names = pages[page] ?? Self.makePage()
        pages[page] = names
        let slot = names + Int(alias) % Self.pageSize
        let total = bytes - slot.pointee.view.count + name.count
        guard total <= Self.maximumBytes else { return false }
        bytes = total
        slot.pointee.deallocate()
        slot.pointee = OwnedBytes(copying: name)
        return true
    }

    private static func makePage() -> UnsafeMutablePointer<OwnedBytes> {
        let names = UnsafeMutablePointer<OwnedBytes>.allocate(capacity: pageSize)
        names.initialize(repeating: .empty, count: pageSize)
        return names
    }

    func deallocate() {
        for case let names? in pages {
            for i in 0..<Self.pageSize { names[i].deallocate() }
            names.deallocate()
        }
    }
}
