// SPDX-License-Identifier: Apache-2.0
// What the process has of what it may have: `node.max_memory` for what is resident, and the limit of its address space
// (`ulimit -v`), beyond which no allocation succeeds.

import Broker
import CLinux
import Config
import Glibc

struct ProcessMemory: Equatable {
    /// Bytes of address space, and those of them that are in memory.
    var size: Int
    var resident: Int

    static var now: ProcessMemory? {
        guard let text = SmallFile.text("/proc/self/statm") else { return nil }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let size = Int(fields[0]), let resident = Int(fields[1]) else { return nil }
        let page = sysconf(Int32(_SC_PAGESIZE))
        return ProcessMemory(size: size * page, resident: resident * page)
    }
}

struct MemoryBudget {
    /// Bytes resident; nil: as many as there are.
    var limit: Int?
    /// What the limit of the address space left when the process started, and how large it was then.
    var space: Int?
    let start: ProcessMemory

    /// `bytes`, or a share of the machine's memory, or neither.
    init(bytes: Int?, share: Double?, machine: Int?, addressLimit: Int?, start: ProcessMemory) {
        self.start = start
        if let bytes, bytes > 1 {
            limit = bytes
        } else if let share, share > 0, let machine {
            limit = Int(share * Double(machine))
        }
        // A thread's stack and heap, and what the system needs, come on top of what we count.
        if let addressLimit { space = max(1, (addressLimit - start.size) / 10 * 8) }
    }

    static func configured(_ config: Value) -> MemoryBudget? {
        guard let start = ProcessMemory.now else { return nil }
        var addresses = rlimit()
        let isKnown = getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &addresses) == 0
        return MemoryBudget(
            bytes: config.int(at: "node.max_memory"),
            share: config.double(at: "node.max_memory"),
            machine: MachineMemory.bytes(),
            addressLimit: isKnown && addresses.rlim_cur < 1 << 60 ? Int(addresses.rlim_cur) : nil,
            start: start
        )
    }

    /// How much of it is used, 1 = all. `free` is what the allocator has and nobody uses, asked only if it matters.
    func share(_ use: ProcessMemory, free: () -> Int) -> Double {
        var share = 0.0
        if let limit { share = Double(use.resident) / Double(limit) }
        if let space {
            var grown = use.size - start.size
            if Double(grown) >= Double(space) / 2 { grown -= free() }
            share = max(share, Double(grown) / Double(space))
        }
        return share
    }

    /// Bytes to be given up so that the pressure ends, and does not come back at once.
    func excess(at share: Double) -> Int {
        let whole = [limit, space].compactMap { $0 }.min() ?? 0
        return max(0, Int((share - Self.relieved) * Double(whole)))
    }

    static let relieved = 0.7
    private static let longestInterval: UInt64 = 5000
    static let high = 0.8
    static let severe = 0.9

    /// With a distance between coming and going, so that it does not flutter.
    static func pressure(at share: Double, before: MemoryPressure) -> MemoryPressure {
        if share >= (before == .severe ? severe - 0.05 : severe) { return .severe }
        if share >= (before == .none ? high : high - 0.05) { return .high }
        return .none
    }

    /// How soon to look again, ms: before a gigabyte a second could have eaten what is left to the first step.
    func interval(at share: Double) -> UInt64 {
        guard let whole = [limit, space].compactMap({ $0 }).min() else { return Self.longestInterval }
        let left = (Self.high - share) * Double(whole)
        return min(UInt64(max(left / 1_000_000, 50)), Self.longestInterval)
    }
}
