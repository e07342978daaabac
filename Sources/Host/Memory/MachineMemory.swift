// SPDX-License-Identifier: Apache-2.0
// How much memory the process may have: the machine's, or less if its control group (a container, a service's
// MemoryMax) says so, in either version's files.

import Glibc

enum MachineMemory {
    /// Bytes. `root` stands in front of every path.
    static func bytes(root: String = "") -> Int? {
        [installed(root), controlGroup(root)].compactMap { $0 }.min()
    }

    /// `MemTotal:  16303428 kB`
    static func installed(_ root: String) -> Int? {
        guard let text = SmallFile.text(root + "/proc/meminfo") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("MemTotal:") {
            let words = line.split(separator: " ")
            guard words.count == 3, words[2] == "kB", let kilobytes = Int(words[1]), kilobytes < 1 << 50 else {
                return nil
            }
            return kilobytes << 10
        }
        return nil
    }

    /// The least limit of the group and of those it belongs to; nil if there is none.
    static func controlGroup(_ root: String) -> Int? {
        guard let text = SmallFile.text(root + "/proc/self/cgroup") else { return nil }
        var limits: [Int] = []
        for line in text.split(separator: "\n") {
            // `0::/path` of version 2, `4:memory:/path` of version 1.
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[0] == "0", fields[1].isEmpty {
                limits += self.limits(root + "/sys/fs/cgroup", fields[2], "memory.max")
            } else if fields[1].split(separator: ",").contains("memory") {
                limits += self.limits(root + "/sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes")
            }
        }
        return limits.min()
    }

    /// Of every group from the root of the tree to `path`; in a container the path may be that of the host, and only the
    /// root is there.
    private static func limits(_ tree: String, _ path: Substring, _ file: String) -> [Int] {
        var folder = tree
        var limits: [Int] = []
        for name in [""] + path.split(separator: "/").map(String.init) {
            if name == ".." { break }
            if !name.isEmpty { folder += "/" + name }
            guard let text = SmallFile.text(folder + "/" + file) else { continue }
            // `max` in version 2, and a number that no machine has in version 1, mean none.
            if let bytes = Int(text.filter { $0 != "\n" }), bytes > 0, bytes < 1 << 60 { limits.append(bytes) }
        }
        return limits
    }
}

/// A file that the kernel makes up when it is read.
enum SmallFile {
    static func text(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while text.count < 1 << 20 {
            let count = read(file, &buffer, buffer.count)
            if count < 0 { return nil }
            if count == 0 { break }
            text += buffer.prefix(count)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
