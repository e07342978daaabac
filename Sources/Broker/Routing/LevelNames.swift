// SPDX-License-Identifier: Apache-2.0
// Topic levels as numbers: each text is stored once, counts its users and goes with the last of them.

import MQTT

struct LevelNames {
    private struct Level {
        var name: OwnedBytes
        var users: Int32
    }

    private var levels = Arena<Level>()
    private var table = IndexTable()

    var count: Int { levels.count }

    /// The number of `name`, or -1 if nobody uses it.
    @inline(__always)
    func find(_ name: ByteView) -> Int32 {
        table.find(name.hash64) { levels[$0].pointee.name.view == name }
    }

    /// The number of `name` for one more user.
    mutating func use(_ name: ByteView) -> Int32 {
        var level = find(name)
        if level < 0 {
            level = levels.insert(Level(name: OwnedBytes(copying: name), users: 0))
            table.insert(name.hash64, level)
        }
        levels[level].pointee.users += 1
        return level
    }

    mutating func release(_ level: Int32) {
        levels[level].pointee.users -= 1
        guard levels[level].pointee.users == 0 else { return }
        let name = levels[level].pointee.name
        table.remove(name.view.hash64, level)
        levels.remove(level)
        name.deallocate()
    }

    subscript(level: Int32) -> ByteView { levels[level].pointee.name.view }

    /// The hash of the edge from node `parent` down to `level`.
    @inline(__always)
    static func edgeHash(_ parent: Int32, _ level: Int32) -> UInt64 {
        let key = UInt64(UInt32(bitPattern: parent)) << 32 | UInt64(UInt32(bitPattern: level))
        let product = (key ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }

    func deallocate() {
        table.eachIndex { levels[$0].pointee.name.deallocate() }
        table.deallocate()
        levels.deallocate()
    }
}

extension ByteView {
    /// The end of the topic level that starts at `start`: the next `/` or the end.
    @inline(__always)
    func levelEnd(from start: Int) -> Int {
        var i = start
        while i < count, base[i] != UInt8(ascii: "/") { i &+= 1 }
        return i
    }

    /// One less than there are levels. Without a branch: a vector of bytes is counted at a time.
    var separatorCount: Int {
        var separators = 0
        for byte in buffer { separators &+= byte == UInt8(ascii: "/") ? 1 : 0 }
        return separators
    }
}
