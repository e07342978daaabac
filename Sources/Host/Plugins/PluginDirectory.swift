// SPDX-License-Identifier: Apache-2.0
// A directory with shared libraries in it: what is there, and which name somebody may have meant. It opens no file.

import Config
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

    /// The library that `name` could be a slip of the finger for.
    func nearest(to name: String) -> String? { NearestName.find(name, among: libraries()) }
}
