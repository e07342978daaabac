// SPDX-License-Identifier: Apache-2.0
// A directory with shared libraries in it: what is there, and which name somebody may have meant. It opens no file.

import Glibc

struct PluginDirectory {
    let path: String

    init(_ path: String) { self.path = path }

    /// The directory of a file; "." for a bare file name.
    init(containing file: String) {
        guard let slash = file.lastIndex(of: "/") else {
            path = "."
            return
        }
        path = slash == file.startIndex ? "/" : String(file[..<slash])
    }

    func path(of file: String) -> String {
        path.hasSuffix("/") ? path + file : path + "/" + file
    }

    static func lastName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// A file that cannot be looked at exists: opening it will say what is wrong.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }

    /// The names that end in ".so", sorted; none if there is no such directory.
    func libraries() -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".so") { names.append(name) }
        }
        return names.sorted()
    }

    /// The library whose name differs least from `name`, if it could be a slip of the finger.
    func nearest(to name: String) -> String? {
        let allowed = max(2, name.utf8.count / 4)
        let rated = libraries().map { (name: $0, distance: editDistance($0.lowercased(), name.lowercased())) }
        return rated.filter { $0.distance <= allowed }.min { $0.distance < $1.distance }?.name
    }
}

/// How many bytes must be inserted, left out or replaced to make one text from the other.
func editDistance(_ a: String, _ b: String) -> Int {
    let b = Array(b.utf8)
    var row = Array(0...b.count)
    for (i, byte) in a.utf8.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in 0..<b.count {
            let replaced = diagonal + (byte == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
        }
    }
    return row[b.count]
}
