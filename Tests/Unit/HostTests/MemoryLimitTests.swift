// SPDX-License-Identifier: Apache-2.0
// How much memory the process may have, by the kernel's files, and what becomes of it.

import Broker
import Config
import Glibc
import Testing

@testable import Host

@Suite struct MemoryLimitTests {
    /// A folder that stands for `/`, with these files.
    private final class Root {
        let path: String
        private var made: [String] = []

        init(_ files: [String: String]) throws {
            var template = Array("/tmp/isthmus-memory-XXXXXX".utf8CString)
            path = try #require(mkdtemp(&template).map { String(cString: $0) })
            made = [path]
            for (name, text) in files {
                var folder = path
                for part in name.split(separator: "/").dropLast() {
                    folder += "/" + part
                    if mkdir(folder, 0o700) == 0 { made.append(folder) }
                }
                let file = try #require(fopen(path + name, "w"))
                made.append(path + name)
                fputs(text, file)
                fclose(file)
            }
        }

        deinit {
            for path in made.reversed() { remove(path) }
        }
    }

    private let memory = "MemTotal:       16303428 kB\nMemFree:         1 kB\n"
    private let installed = 16_303_428 << 10

    private func bytes(_ groups: String, _ files: [String: String]) throws -> Int? {
        var files = files
        files["/proc/meminfo"] = memory
        files["/proc/self/cgroup"] = groups
        let root = try Root(files)
        defer { withExtendedLifetime(root) {} }
        return MachineMemory.bytes(root: root.path)
    }

    @Test func version2() throws {
        let group = "0::/system.slice/isthmus.service\n"
        let folder = "/sys/fs/cgroup/system.slice"
        #expect(try bytes(group, [folder + "/isthmus.service/memory.max": "536870912\n"]) == 512 << 20)
        #expect(try bytes(group, [folder + "/isthmus.service/memory.max": "max\n"]) == installed)
        // The group above has less.
        let files = [folder + "/isthmus.service/memory.max": "max\n", folder + "/memory.max": "1048576\n"]
        #expect(try bytes(group, files) == 1 << 20)
        #expect(try bytes(group, [:]) == installed)
    }

    @Test func inAContainer() throws {
        #expect(try bytes("0::/\n", ["/sys/fs/cgroup/memory.max": "1000000\n"]) == 1_000_000)
        // The host's path, which is not there.
        let file = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
        #expect(try bytes("4:memory:/docker/0123\n0::/\n", [file: "2000000\n"]) == 2_000_000)
        #expect(try bytes("0::/../../elsewhere\n", ["/sys/fs/cgroup/memory.max": "3000000\n"]) == 3_000_000)
    }

    @Test func version1() throws {
        let groups = "9:name=systemd:/\n4:cpu,memory:/a/b\n3:cpuset:/memory\n"
        let folder = "/sys/fs/cgroup/memory"
        let none = "9223372036854771712\n"
        #expect(try bytes(groups, [folder + "/a/b/memory.limit_in_bytes": "4194304\n"]) == 4 << 20)
        #expect(try bytes(groups, [folder + "/a/b/memory.limit_in_bytes": none]) == installed)
        let files = [folder + "/a/b/memory.limit_in_bytes": none, folder + "/a/memory.limit_in_bytes": "8388608\n"]
        #expect(try bytes(groups, files) == 8 << 20)
        // More than there is.
        #expect(try bytes(groups, [folder + "/a/b/memory.limit_in_bytes": "99999999999999\n"]) == installed)
    }

    @Test(arguments: ["", "x", "0::", "a:b", ":::", "4:memory:", "0::/x\n4:memory"])
    func whatIsNoGroup(text: String) throws {
        #expect(try bytes(text, ["/sys/fs/cgroup/x/memory.max": "lots\n"]) == installed)
    }

    @Test func thisMachine() throws {
        let bytes = try #require(MachineMemory.bytes())
        let now = try #require(ProcessMemory.now)
        #expect(now.resident > 1 << 20 && now.resident < bytes && now.size > now.resident)
    }

    // MARK: Budget

    private let start = ProcessMemory(size: 200 << 20, resident: 20 << 20)

    private func budget(bytes: Int? = nil, share: Double? = nil, addressLimit: Int? = nil) -> MemoryBudget {
        MemoryBudget(bytes: bytes, share: share, machine: 1 << 30, addressLimit: addressLimit, start: start)
    }

    @Test func theLimitIsANumberOrAShare() {
        #expect(budget(bytes: 500 << 20).limit == 500 << 20)
        #expect(budget(share: 0.5).limit == 512 << 20)
        // `100%` reads as the whole number 1, too.
        #expect(budget(bytes: 1, share: 1).limit == 1 << 30)
        #expect(budget(bytes: 0, share: 0).limit == nil)
        #expect(budget().limit == nil && budget().space == nil)
    }

    @Test func whatIsUsedIsMeasuredAgainstIt() {
        let use = ProcessMemory(size: 400 << 20, resident: 50 << 20)
        #expect(budget(bytes: 100 << 20).share(use) { 0 } == 0.5)
        #expect(budget().share(use) { 0 } == 0)
        // Of the 1000 MB that the address space leaves, 800 are taken as the bound, and 200 of them are used.
        #expect(budget(addressLimit: 1200 << 20).share(use) { 0 } == 0.25)
        #expect(budget(bytes: 100 << 20, addressLimit: 1200 << 20).share(use) { 0 } == 0.5)
        // What the allocator has free takes no new addresses.
        let large = ProcessMemory(size: 1000 << 20, resident: 50 << 20)
        #expect(budget(addressLimit: 1200 << 20).share(large) { 0 } == 1)
        #expect(budget(addressLimit: 1200 << 20).share(large) { 600 << 20 } == 0.25)
    }

    @Test func thereIsADistanceBetweenComingAndGoing() {
        var pressure = MemoryPressure.none
        var steps: [MemoryPressure] = []
        for share in [0.79, 0.8, 0.76, 0.74, 0.8, 0.89, 0.9, 0.86, 0.84, 0.76, 0.74, 1.5, 0.1] {
            pressure = MemoryBudget.pressure(at: share, before: pressure)
            steps.append(pressure)
        }
        let expected: [MemoryPressure] = [
            .none, .high, .high, .none, .high, .high, .severe, .severe, .high, .high, .none, .severe, .none,
        ]
        #expect(steps == expected)
    }

    @Test func itIsLookedAtTheSoonerTheNearerItIs() {
        let small = budget(bytes: 100 << 20)
        #expect(small.interval(at: 0) < 100 && small.interval(at: 0.7) == 50)
        #expect(budget(bytes: 16 << 30).interval(at: 0.1) == 5000)
        #expect(budget().interval(at: 0) == 5000)
        #expect(small.excess(at: 0.9) > 19 << 20 && small.excess(at: 0.9) < 21 << 20)
        #expect(small.excess(at: 0.5) == 0)
    }

    // MARK: Giving back

    @Test func unusedMemoryIsGivenBackWhenItIsMuch() {
        let rule = TrimRule(base: 20 << 20)
        #expect(!rule.isDue(30 << 20, at: 1_000_000) && rule.isDue(40 << 20, at: 1_000_000))
        #expect(!rule.isDue(40 << 20, at: 10))
        #expect(rule.isWorthTrimming(135 << 20, used: 3 << 20))
        #expect(!rule.isWorthTrimming(135 << 20, used: 110 << 20))
        #expect(!rule.isWorthTrimming(1000 << 20, used: 900 << 20))
        #expect(rule.mayDisturb(0, at: 10) && !rule.mayDisturb(1 << 30, at: 10) && rule.mayDisturb(1 << 30, at: 60_000))
    }

    @Test func itIsGivenBack() throws {
        // Freed in the middle: the end of the heap is still in use.
        let blocks = (0..<80_000).map { _ in malloc(1000)! }
        for block in blocks { memset(block, 1, 1000) }
        let kept = malloc(1000)!
        defer { free(kept) }
        let before = try #require(ProcessMemory.now)
        for block in blocks { free(block) }
        var rule = TrimRule(base: 0)
        rule.run()
        let after = try #require(ProcessMemory.now)
        #expect(after.resident < before.resident - 40 << 20)
    }
}
